"""The file that Krita imports, through Krita's own importer, and the docker that came of it."""

import editor
import numpy as np
import pytest
from described import Scenes
from machine import INSIDE, Machine

from pixelmend.client.client import Client
from pixelmend.paths import Paths


@pytest.fixture(scope="module")
def importing(tmp_path_factory: pytest.TempPathFactory, home: Paths) -> tuple[Machine, str]:
    """A user who has imported the file, and what Krita's importer said."""
    user = Machine(tmp_path_factory.mktemp("importer"), home.home)
    return user, editor.import_zip(user)


def test_krita_imports_all_of_it(importing: tuple[Machine, str], krita: Machine) -> None:
    user, said = importing
    assert "Imported plugin: Pixelmend" in said
    imported, installed = (
        {
            path.relative_to(one.user / editor.RESOURCES)
            for path in (one.user / editor.RESOURCES).rglob("*pixelmend_krita*/**/*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        for one in (user, krita)
    )
    own = editor.DOCKER.relative_to(editor.RESOURCES) / "settings.json"  # of one computer
    assert own in installed
    assert imported == installed - {own}
    for name in ("pykrita/pixelmend_krita.desktop", "actions/pixelmend_krita.action"):
        there, here = ((one.user / editor.RESOURCES / name).read_bytes() for one in (user, krita))
        assert there == here


@pytest.fixture(scope="module")
def first_scenes(
    importing: tuple[Machine, str],
    engine: Client,  # which is looked for, and runs already
    astronaut: np.ndarray,
) -> Scenes:
    """What is seen at the first start."""
    user, _ = importing
    folder = user.user / "scenes"
    folder.mkdir()
    (folder / "photo.bin").write_bytes(astronaut[80:176, 170:290].tobytes())  # 120 x 96
    only = {"PIXELMEND_ONLY": "first_start half_opaque"}
    told = editor.play(user, folder, INSIDE / "krita_scenes.py", only)
    assert told.pop("raised") == []
    return Scenes(folder, told)


def test_the_first_time_that_it_is_shown_it_is_a_tab_beside_the_tools_options(
    first_scenes: Scenes,
) -> None:
    scene = first_scenes["first_start"]
    assert scene["hidden"]
    assert "pixelmendDocker" in scene["tabs"]
    assert scene["seen"]


def test_the_docker_that_came_of_it_restores(first_scenes: Scenes) -> None:
    scene = first_scenes["half_opaque"]
    assert scene.names == ["Deblurred (HI-Diff Compact)", "photo", "Background"]

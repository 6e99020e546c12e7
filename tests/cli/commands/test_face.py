"""`pixelmend face`: the faces of a picture are listed, chosen and restored.

Faces are listed by the real detector, with weights that take a red spot for a nose. They are
restored by the engine of `small_engine.py`, which does the same without a network, and has a small
model.
"""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import CommandRunner
from engines import SmallEngine
from marked_faces import NOSE_FACE, install_face_networks, with_noses
from PIL import Image
from small_engine import MODEL

from pixelmend_engine.catalog import registry

NOSES = ((300, 200), (480, 430))

pytestmark = pytest.mark.usefixtures("faces_known")


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    install_face_networks(folder)
    return folder


@pytest.fixture
def faces_known(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A computer that has the networks for faces."""
    known = tuple(
        dataclasses.replace(spec, tasks=("face",)) if spec.id == MODEL else spec
        for spec in registry.MODELS
    )
    monkeypatch.setattr(registry, "MODELS", known)
    monkeypatch.setenv("PIXELMEND_MODELS", str(models_dir))
    return iter([None])


@pytest.fixture(scope="module")
def small_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallEngine]:
    with SmallEngine(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def restored_here(
    faces_known: None, small_engine: SmallEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Has the commands find the engine that restores faces."""
    monkeypatch.setenv("PIXELMEND_HOME", str(small_engine.paths.home))
    monkeypatch.setenv("PIXELMEND_MODELS", str(small_engine.paths.models))


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """A picture with two faces."""
    path = tmp_path / "group.png"
    Image.fromarray(with_noses((640, 700), *NOSES)).save(path)
    return path


def test_faces_are_listed_and_shown(pixelmend: CommandRunner, group: Path) -> None:
    result = pixelmend("face", "--list-faces", "--in-process", "--min-size", "60", group)
    assert result.code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    answer = json.loads(line)
    assert answer["input"] == str(group)
    assert answer["output"] == str(group.with_name("group_faces.png"))
    assert [face["number"] for face in answer["faces"]] == [0, 1]
    noses = {tuple(round(side) for side in face["landmarks"][2]) for face in answer["faces"]}
    for nose, actual in zip(sorted(NOSES), sorted(noses), strict=True):
        assert np.abs(np.subtract(nose, actual)).max() <= 8  # half of what anchors are apart, or so
    assert answer["faces"][0]["size"] == pytest.approx(NOSE_FACE, abs=1)
    with Image.open(answer["output"]) as preview:
        assert preview.size == (700, 640)
        assert (np.asarray(preview) == (255, 212, 0)).all(axis=2).any()


@pytest.mark.usefixtures("restored_here")
def test_only_the_chosen_face_is_restored(pixelmend: CommandRunner, group: Path) -> None:
    result = group.with_name("one.png")
    command_result = pixelmend("face", "--json", "-n", MODEL, "--faces", "1", group, "-o", result)
    assert command_result.code == 0, command_result.stderr
    faces = json.loads(command_result.stdout)["faces"]
    assert [face["left_alone"] for face in faces] == ["not chosen", None]
    assert faces[1]["drift"] < 0.1
    assert faces[1]["similarity"] > 0.8
    assert faces[1]["changed"] is False
    before, after = (np.asarray(Image.open(path)) for path in (group, result))
    changed = (before != after).any(axis=2)
    x, y = (round(side) for side in faces[1]["landmarks"][2])
    assert changed[y - 60 : y + 60, x - 60 : x + 60].any()
    other_x, other_y = (round(side) for side in faces[0]["landmarks"][2])
    assert not changed[other_y - 60 : other_y + 60, other_x - 60 : other_x + 60].any()


@pytest.mark.usefixtures("restored_here")
def test_a_picture_without_faces_ends_with_an_exit_code_of_its_own(
    pixelmend: CommandRunner, tmp_path: Path
) -> None:
    path = tmp_path / "empty.png"
    Image.fromarray(with_noses((640, 640))).save(path)
    result = pixelmend("face", "-n", MODEL, path)
    assert result.code == 11
    assert "No face was found" in result.stderr
    assert not path.with_name("empty_faces.png").exists()


@pytest.mark.usefixtures("restored_here")
def test_a_face_that_is_aligned_is_restored_whole(pixelmend: CommandRunner, photo: Path) -> None:
    result = pixelmend("face", "--json", "--aligned", "-n", MODEL, photo)
    assert result.code == 0, result.stderr
    assert "faces" not in json.loads(result.stdout)
    assert photo.with_name("photo_faces.png").exists()


def test_what_contradicts_itself_is_refused(pixelmend: CommandRunner, photo: Path) -> None:
    assert pixelmend("face", "--aligned", "--upscale", "2", photo).code == 2
    assert pixelmend("face", "--faces", "0;1", photo).code == 2
    assert pixelmend("face", "--upscale", "5", photo).code == 2
    assert pixelmend("face", "-n", "hi-diff-compact", photo).code == 2
    assert pixelmend("face", "-n", MODEL, "--background", "hi-diff-copmact", photo).code == 2


def test_offline_the_networks_for_faces_have_to_be_here(
    pixelmend: CommandRunner,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIXELMEND_MODELS", str(tmp_path / "none"))
    for more in ((), ("--list-faces",)):
        result = pixelmend("face", "--in-process", "-n", MODEL, "--offline", *more, photo)
        assert result.code == 4
        assert "models pull retinaface-resnet50" in result.stderr
        # A list is of faces that are found.
        assert ("or use --box" in result.stderr) == (more == ())

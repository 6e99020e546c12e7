"""The editors as they are, with what `pixelmend setup` installs, and the engine of the tests."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import editor
import machine
import numpy as np
import pytest
import random_weights
from described import Scenes
from engines import SlowEngine, SmallEngine, wait_until
from machine import Machine

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.paths import Paths
from pixelmend_cli import settings

MODELS = ("diffir-realsr-x2", "diffir-inpaint-faces")
PROFILE = Path(".config") / "GIMP" / "3.0"
GIMPRC = """\
(check-updates no)
(show-welcome-dialog no)
(color-profile-policy keep)
(metadata-rotation-policy keep)
(save-session-info no)
(config-version "3.0.4")
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what needs an editor, with the reason, where there is none."""
    here = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    reason = machine.why_not() if here else None
    for item in here:
        item.add_marker("host")
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def home(
    home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Paths]:  # for its environment
    """A home of the editors' own: no other test finds the weights and settings they get."""
    own = Paths(tmp_path_factory.mktemp("home-of-editors"))
    yield own
    launch.stop(own)


@pytest.fixture(scope="session")
def user(tmp_path_factory: pytest.TempPathFactory, home: Paths) -> Machine:
    """A user who has run `pixelmend setup gimp` and then started GIMP once."""
    folder = tmp_path_factory.mktemp("user")
    profile = folder / PROFILE
    profile.mkdir(parents=True)
    (profile / "gimprc").write_text(GIMPRC, encoding="utf-8")
    made = Machine(folder, home.home)
    setup = made.pixelmend("setup", "gimp")
    assert setup.returncode == 0, setup.stderr
    made.batch("pass").communicate(timeout=machine.TIMEOUT_S)  # GIMP's first start takes longer
    return made


@pytest.fixture(scope="session")
def engine(home: Paths) -> Client:
    """The real engine with the bundled weights, running outside of that computer."""
    found = settings.resolve({"PIXELMEND_HOME": str(home.home)})
    return launch.find_or_start(home, settings.launch_of(found))


@pytest.fixture(scope="session")
def small_engine(home: Paths) -> Iterator[SmallEngine]:
    """The real engine with small models."""
    with SmallEngine(home.home / "small") as running:
        yield running


@pytest.fixture(scope="session")
def scenes(
    user: Machine, home: Paths, engine: Client, small_engine: SmallEngine, astronaut: np.ndarray
) -> Scenes:
    """Plays all scenes."""
    folder = user.user / "scenes"
    folder.mkdir()
    for model in MODELS:
        random_weights.install(model, home.models)
    (folder / "photo.bin").write_bytes(astronaut[80:176, 170:290].tobytes())  # 120 x 96
    (folder / "small.json").write_text(json.dumps(small_engine.settings), encoding="utf-8")
    output = user.play("scenes.py", folder=str(folder))
    told = folder / "told.json"
    assert told.is_file(), output
    return Scenes(folder, json.loads(told.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def echo_scenes(user: Machine, astronaut: np.ndarray) -> Scenes:
    """Plays the scenes that show what the plug-in itself changes: the engine changes nothing."""
    folder = user.user / "echo-scenes"
    profile = user.user / "profile-of-echo"
    folder.mkdir()
    shutil.copytree(user.user / PROFILE, profile)
    (folder / "photo.bin").write_bytes(astronaut[80:176, 170:290].tobytes())  # 120 x 96
    with SlowEngine(user.user / "echo", steps=1, step_seconds=0) as engine:
        file = profile / "plug-ins" / "pixelmend-restore" / "settings.json"
        known = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(known | engine.settings), encoding="utf-8")
        output = user.play("echo_scenes.py", profile, folder=str(folder))
    told = folder / "told.json"
    assert told.is_file(), output
    return Scenes(folder, json.loads(told.read_text(encoding="utf-8")))


@pytest.fixture
def profile(user: Machine, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Makes profiles of GIMP whose plug-in has other settings."""

    def make(**changed: object) -> Path:
        copy = user.user / f"profile-{tmp_path.name}"
        shutil.copytree(user.user / PROFILE, copy)
        file = copy / "plug-ins" / "pixelmend-restore" / "settings.json"
        told = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(told | changed), encoding="utf-8")
        return copy

    yield make
    shutil.rmtree(user.user / f"profile-{tmp_path.name}", ignore_errors=True)


@pytest.fixture(scope="session")
def krita(tmp_path_factory: pytest.TempPathFactory, home: Paths) -> Machine:
    """A user who has run `pixelmend setup krita`, and has not yet started Krita."""
    made = Machine(tmp_path_factory.mktemp("painter"), home.home)
    editor.install(made)
    return made


@pytest.fixture(scope="session")
def krita_scenes(
    krita: Machine, home: Paths, engine: Client, small_engine: SmallEngine, astronaut: np.ndarray
) -> Scenes:
    """Plays all scenes of Krita, or those in PIXELMEND_ONLY; some on an engine of three seconds."""
    folder = krita.user / "scenes"
    folder.mkdir()
    (folder / "photo.bin").write_bytes(astronaut[80:176, 170:290].tobytes())  # 120 x 96
    for model in MODELS:
        random_weights.install(model, home.models)
    with SlowEngine(krita.user / "slow", step_seconds=0.1, steps=30) as slow:
        for name, one in (("slow", slow), ("small", small_engine)):
            (folder / f"{name}.json").write_text(json.dumps(one.settings), encoding="utf-8")
        only = {"PIXELMEND_ONLY": os.environ.get("PIXELMEND_ONLY", "")}
        told = editor.play(krita, folder, machine.INSIDE / "krita_scenes.py", only)
        wait_until(lambda: set(slow.phases()) <= {"done", "canceled"})
        told["slow"] = {"phases": slow.phases()}
    assert told.pop("raised") == []  # nothing went wrong in a slot
    return Scenes(folder, told)

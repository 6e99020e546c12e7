"""What happens when the engine is missing, slow or dies, and when GIMP ends the plug-in."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from engines import SlowEngine
from machine import Machine

from pixelmend.client.client import Client
from pixelmend.paths import Paths

Profile = Callable[..., Path]


@pytest.fixture
def slow(user: Machine, tmp_path: Path) -> Iterator[SlowEngine]:
    """An engine that takes a minute for each picture, in the user's reach."""
    with SlowEngine(user.user / f"slow-{tmp_path.name}") as engine:
        yield engine


@pytest.fixture
def answer(user: Machine, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Reads what `inside/once.py` has written."""
    return lambda: json.loads((user.user / f"{tmp_path.name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(user: Machine, tmp_path: Path) -> Callable[[Path], Any]:
    """Starts to restore a picture in GIMP."""
    file = str(user.user / f"{tmp_path.name}.json")
    return lambda profile: user.start("once.py", profile, answer=file)


def test_an_engine_that_is_not_installed_is_told(
    user: Machine, profile: Profile, run: Any, answer: Any
) -> None:
    missing = str(user.user / "missing")
    run(profile(python=f"{missing}/python", home=missing)).communicate(timeout=60)
    told = answer()
    assert told["status"] == "execution-error"
    assert "does not start" in told["text"]
    assert "pixelmend serve" in told["text"]
    assert told["layers"] == ["photo"]


def test_settings_that_are_damaged_are_told(profile: Profile, run: Any, answer: Any) -> None:
    made = profile()
    (made / "plug-ins" / "pixelmend-restore" / "settings.json").write_text("{", encoding="utf-8")
    run(made).communicate(timeout=60)
    assert answer()["status"] == "execution-error"
    assert "pixelmend setup" in answer()["text"]


def test_a_plug_in_older_than_pixelmend_is_told(
    profile: Profile, run: Any, answer: Any, engine: Client, home: Paths
) -> None:
    made = profile()
    version = made / "plug-ins" / "pixelmend-restore" / "pixelmend" / "__init__.py"
    version.write_text('"""An older copy."""\n\n__version__ = "0.0.9"\n', encoding="utf-8")
    state = home.state.read_bytes()
    run(made).communicate(timeout=120)
    assert answer()["status"] == "execution-error"
    assert "pixelmend setup gimp" in answer()["text"]
    assert home.state.read_bytes() == state  # nobody's engine was ended


def test_an_engine_that_dies_leaves_the_image_alone(
    slow: SlowEngine, profile: Profile, run: Any, answer: Any
) -> None:
    gimp = run(profile(**slow.settings))
    slow.wait_for(["run"])
    slow.process.kill()
    # Then the plug-in starts the real one, which is what `python` names, and goes no further:
    # the picture was lost with the first.
    gimp.communicate(timeout=60)
    assert answer()["status"] == "execution-error"
    assert "engine ended" in answer()["text"]
    assert answer()["layers"] == ["photo"]


def test_a_job_that_somebody_else_canceled_fails(
    slow: SlowEngine, profile: Profile, run: Any, answer: Any
) -> None:
    gimp = run(profile(**slow.settings))
    slow.wait_for(["run"])
    slow.client.cancel(slow.client.jobs()[0]["id"])
    gimp.communicate(timeout=60)
    assert answer()["status"] == "execution-error"
    assert answer()["layers"] == ["photo"]


def test_a_plug_in_that_gimp_ends_leaves_no_job(
    slow: SlowEngine, profile: Profile, run: Any
) -> None:
    gimp = run(profile(**slow.settings))
    slow.wait_for(["run"])
    children = psutil.Process(gimp.pid).children(recursive=True)
    plug_in = [child for child in children if "pixelmend-restore.py" in " ".join(child.cmdline())]
    assert plug_in
    plug_in[-1].kill()  # as GIMP's own Cancel does
    slow.wait_for(["canceled"])
    gimp.communicate(timeout=60)


def test_a_gimp_that_ends_leaves_no_job(slow: SlowEngine, profile: Profile, run: Any) -> None:
    gimp = run(profile(**slow.settings))
    slow.wait_for(["run"])
    gimp.kill()
    gimp.communicate(timeout=60)
    slow.wait_for(["canceled"])


def test_it_runs_as_an_ordinary_user(user: Machine) -> None:
    told = user.run(sys.executable, "-c", "import os; print(os.getuid(), open('/etc/x', 'w'))")
    assert told.returncode != 0
    assert "Read-only" in told.stderr or "Permission" in told.stderr
    assert user.run("id", "-u").stdout.strip() == "1000"


def test_doctor_finds_it_sound(user: Machine) -> None:
    told = user.pixelmend("doctor", "gimp")
    assert told.returncode == 0, told.stdout
    assert "registered: " in told.stdout


def test_menu_follows_what_the_engine_reports(slow: SlowEngine, profile: Profile, run: Any) -> None:
    made = profile(**slow.settings)
    folder = made / "plug-ins" / "pixelmend-restore"
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    tasks[0]["title"] = "Sharpen"
    (folder / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    before = (folder / "pixelmend-restore.py").stat().st_mtime
    time.sleep(0.01)
    gimp = run(made)
    slow.wait_for(["run"])
    gimp.kill()
    gimp.communicate(timeout=60)
    now = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    assert now[0]["title"] == "Faces"
    assert (folder / "pixelmend-restore.py").stat().st_mtime > before


def test_a_profile_is_as_gimp_makes_it(
    user: Machine, home: Paths, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fresh = Machine(tmp_path_factory.mktemp("newcomer"), home.home)
    setup = fresh.pixelmend("setup", "gimp")
    assert setup.returncode == 0, setup.stderr
    profile = fresh.user / ".config" / "GIMP" / "3.0"
    assert (profile / "plug-ins" / "pixelmend-restore").is_dir()
    made = {path.name for path in profile.iterdir()}
    assert {"brushes", "gimprc", "palettes", "scripts", "tags.xml"} <= made  # by GIMP's first start

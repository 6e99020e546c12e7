"""Computers on which an engine can't live: read-only, full, without 127.0.0.1; and what is told.

Each is made for one process, in namespaces of its own, which the system lets root make.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pixelmend.client import launch
from pixelmend.client.launch import Launch
from pixelmend.paths import Paths

START = """
import sys
from pathlib import Path
from pixelmend.client import launch
from pixelmend.errors import PixelmendError
from pixelmend.paths import Paths

paths = Paths(Path(sys.argv[1]))
try:
    launch.find_or_start(paths, launch.Launch(sys.executable, paths.models))
    print("started")
    launch.stop(paths)
except PixelmendError as error:
    print(error.code, error.message, error.hint, sep="\\n")
"""


def in_namespace(kind: str, setup: str, home: Path) -> list[str]:
    """Runs a front end behind `setup`, in a namespace of its own; returns what it was told."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no `unshare`")
    script = f'{setup} || exit 77; exec "$1" -c "$2" "$3"'
    result = subprocess.run(
        ["unshare", kind, "sh", "-c", script, "sh", sys.executable, START, str(home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if result.returncode == 77 or "Operation not permitted" in result.stderr:
        pytest.skip(f"the system does not let us: {result.stderr.strip()}")
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_a_data_folder_that_is_read_only_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    output = in_namespace("-m", f'mount -t tmpfs -o ro tmpfs "{home}"', home)
    assert output[0] == "engine-unavailable"
    assert output[1] == f"The data folder can't be written to (Read-only file system): `{home}`"
    assert "PIXELMEND_HOME" in output[2]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    full = f'mount -t tmpfs -o size=256k tmpfs "{home}" && ! cat /dev/zero 2>&- > "{home}/scan.tif"'
    output = in_namespace("-m", full, home)
    assert output[0] == "engine-unavailable"
    assert output[1] == f"The data folder can't be written to (No space left on device): `{home}`"
    assert output[2].startswith("Make room on its disk")


def test_a_disk_that_is_full_once_the_engine_starts_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    # Its first files still fit, its state file does not.
    room = f'mount -t tmpfs -o size=256k,nr_inodes=4 tmpfs "{home}"'
    output = in_namespace("-m", room, home)
    assert output[0] == "engine-unavailable"
    assert output[1] == f"The data folder can't be written to (No space left on device): `{home}`"


def test_a_computer_without_127_0_0_1_is_told_as_that(tmp_path: Path) -> None:
    no_ipv4 = "ip link set lo up && ip address del 127.0.0.1/8 dev lo"
    output = in_namespace("-n", no_ipv4, tmp_path / "home")
    assert output[0] == "engine-unavailable"
    assert output[1].startswith("The engine can't listen at 127.0.0.1 (")
    assert "--in-process" in output[2]


def test_an_engine_starts_where_nothing_is_wrong(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    assert in_namespace("-m", "true", home) == ["started"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")
def test_what_an_engine_and_its_front_ends_leave_is_the_users_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        paths = Paths(tmp_path / "home")
        launch.find_or_start(paths, Launch(sys.executable, paths.models))
        launch.stop(paths)
    finally:
        os.umask(before)
    assert paths.home.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o077 for path in paths.home.rglob("*")}
    assert {"engine.log", "engine.start"} <= modes.keys()
    assert set(modes.values()) == {0}


def test_the_hinted_command_does_not_run_a_file_of_our_name(tmp_path: Path) -> None:
    trap = tmp_path / "pixelmend.py"
    trap.write_text("raise SystemExit('the trap')")
    (tmp_path / "home").mkdir()
    broken = tmp_path / "a python"
    broken.write_text("#!/bin/sh\necho it is broken >&2; exit 1\n")
    broken.chmod(0o755)
    paths = Paths(tmp_path / "home")
    with pytest.raises(Exception, match="it is broken") as raised:
        launch.find_or_start(paths, Launch(str(broken), paths.models))
    hint: str = getattr(raised.value, "hint")  # noqa: B009 - of the error that it is
    command = hint.split("`")[1].replace(f"'{broken}'", sys.executable)
    assert str(broken) not in command
    result = subprocess.run(
        [*command.split(), "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")


def test_a_data_folder_that_models_make_first_is_the_users_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    command = [sys.executable, "-m", "pixelmend", "models", "remove", "diffir-deblur"]
    environ = {**os.environ, "PIXELMEND_HOME": str(home)}
    before = os.umask(0o022)
    try:
        result = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    finally:
        os.umask(before)
    assert result.returncode == 0, result.stderr
    assert (home / "models").is_dir()
    assert home.stat().st_mode & 0o777 == 0o700

"""A folder of models that another user has filled: what may be read serves, the rest is told.

The other user is a real one, who owns the files; this one is root without its powers over files.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from published import small_file

from pixelmend_engine.weights.download.network_settings import OFFLINE
from pixelmend_engine.weights.installer import Installer
from pixelmend_engine.weights.records import Record

OTHER = 4711  # an id of nobody on this computer
MODEL = "hi-diff-realblur-r"
POWERS = "-dac_override,-dac_read_search,-fowner,-chown"

pytestmark = [
    pytest.mark.skipif(
        not hasattr(os, "getuid") or os.getuid() != 0,
        reason="a second user can be had by root alone",
    ),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no `setpriv`"),
]


def given_to_other(path: Path) -> None:
    """Makes the other user the owner of a path, and of all in it."""
    for each in (path, *path.rglob("*")):
        os.chown(each, OTHER, OTHER)


def as_this_user(models: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python, or with arguments that begin with none of its options `pixelmend`."""
    python = [] if arguments[0].startswith("-") else ["-m", "pixelmend"]
    environ = {**os.environ, "PIXELMEND_MODELS": str(models), "PIXELMEND_OFFLINE": "1"}
    return subprocess.run(
        ["setpriv", f"--bounding-set={POWERS}", sys.executable, *python, *arguments],
        env={**environ, "PIXELMEND_HOME": str(models.parent / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the weights of one model, which belong to the other user; all may look."""
    folder = tmp_path / "models"
    file = folder / MODEL / f"{MODEL}.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no weights at all")
    for path in (tmp_path, folder, file.parent):
        path.chmod(0o755)
    given_to_other(folder)
    return folder


def write_weights(path: Path) -> None:
    path.write_bytes(b"weights")


def test_what_an_administrator_installs_serves_everybody(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    models = tmp_path / "shared"
    models.mkdir()
    models.chmod(0o755)
    before = os.umask(0o077)  # as the engine has it
    try:
        installer = Installer(models, OFFLINE)
        installer.install(small_file(), write_weights, Record())
    finally:
        os.umask(before)
    given_to_other(models)
    read = "import pathlib, sys; [p.read_bytes() for p in map(pathlib.Path, sys.argv[1:])]"
    files = [str(path) for path in models.rglob("*") if path.is_file()]
    assert len(files) >= 2
    ended = as_this_user(models, "-c", read, *files)
    assert ended.returncode == 0, ended.stderr


PLACES = ["the file", "its folder", "the folder of models"]


@pytest.mark.parametrize("place", PLACES)
def test_what_may_not_be_read_is_no_damage(place: str, models: Path, photo: Path) -> None:
    file = models / MODEL / f"{MODEL}.safetensors"
    closed = {"the file": file, "its folder": file.parent, "the folder of models": models}[place]
    closed.chmod(0o600 if closed == file else 0o700)
    expected = f"You may not read the weights at `{closed}`"

    verified = as_this_user(models, "models", "verify", MODEL)
    assert (verified.returncode, verified.stderr) == (4, "")
    assert f"!!  {MODEL}: {expected}" in verified.stdout
    assert "chmod" in verified.stdout
    assert "remove" not in verified.stdout

    out = str(models.parent / "bundle.zip")
    for arguments in (
        ("models", "pull", MODEL),
        ("models", "export", MODEL, "-o", out),
        ("models", "path", MODEL),
        ("deblur", str(photo), "-n", MODEL, "--in-process"),
    ):
        ended = as_this_user(models, *arguments)
        assert (ended.returncode, expected in ended.stderr) == (4, True), (arguments, ended.stderr)
    rows = json.loads(as_this_user(models, "models", "list", "--json").stdout)
    assert next(row["weights"] for row in rows if row["id"] == MODEL) == "missing"


@pytest.mark.parametrize("place", PLACES)
def test_auto_says_why_it_takes_another_model(place: str, models: Path, photo: Path) -> None:
    for name in ("hi-diff-gopro",):
        (models / MODEL).rename(models / name)
        file = models / name / f"{name}.safetensors"
        (models / name / f"{MODEL}.safetensors").rename(file)
    closed = {"the file": file, "its folder": file.parent, "the folder of models": models}[place]
    closed.chmod(0o600 if closed == file else 0o700)
    environ_note = f"You may not read the weights at `{closed}`"
    out = str(models.parent / "out.png")
    ended = as_this_user(models, "deblur", str(photo), "-o", out, "--in-process")
    assert ended.returncode == 0, ended.stderr
    assert Path(out).exists()
    assert environ_note in ended.stderr or "Pixelmend is offline" in ended.stderr


@pytest.mark.slow
def test_no_command_ends_in_a_fault_of_ours(models: Path, tmp_path: Path, photo: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    for name in ("x.safetensors", "x.pth", "x.zip", "x.png"):
        (private / name).write_bytes(b"x")
        (private / name).chmod(0o600)
    given_to_other(private)
    inside = str(private / "x.pth")
    for mode in (0o755, 0o700):
        private.chmod(mode)
        for arguments in (
            ("models", "import", str(private)),
            ("models", "import", inside),
            ("models", "import", str(private / "x.zip")),
            ("deblur", str(photo), "--weights", str(private)),
            ("deblur", str(photo), "--weights", inside),
            ("deblur", str(private / "x.png"), "--in-process"),
            ("deblur", str(photo), "--mask", str(private / "x.png"), "--in-process"),
            ("deblur", str(photo), "-o", str(private / "y.png"), "--in-process"),
            ("deblur", str(photo), "--out-dir", str(private / "new"), "--in-process"),
            ("models", "remove", MODEL),
            ("models", "pull", MODEL),
            ("models", "export", "--all", "-o", str(private / "bundle.zip")),
            ("setup", "krita", "--zip", str(private / "y.zip")),
            ("doctor",),
        ):
            ended = as_this_user(models, *arguments)
            said = ended.stdout + ended.stderr
            assert "nobody expected" not in said, (arguments, said)
            assert "Traceback" not in said, (arguments, said)

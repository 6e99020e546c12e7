"""What a user meets on a bad day, with real processes: full disks, Ctrl-C, pipes, terminals."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import CommandRunner
from PIL import Image

OPTIONS = ["-n", "hi-diff-compact", "--device", "cpu", "--in-process"]
DEBLUR = [sys.executable, "-m", "pixelmend", "deblur", *OPTIONS]

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals or terminals")


def can_mount() -> bool:
    """Whether this user may mount a file system in a namespace of their own."""
    if sys.platform != "linux" or not shutil.which("unshare"):
        return False
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


mounts = pytest.mark.skipif(not can_mount(), reason="no file system can be mounted here")


def deblur_onto(options: str, folder: Path, photo: Path) -> subprocess.CompletedProcess[str]:
    """Restores onto a file system of its own, mounted with these options, then lists it."""
    script = 'mount -t tmpfs -o "$0" none "$1"; cd "$1"; shift; "$@"; code=$?; ls -A; exit $code'
    command = [*DEBLUR, str(photo), "-o", str(folder / "sharp.png")]
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, options, str(folder), *command],
        capture_output=True,
        text=True,
        check=False,
    )


@mounts
def test_a_full_disk(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    (tmp_path / "disk").mkdir()
    result = deblur_onto("size=16k", tmp_path / "disk", tmp_path / "noise.png")
    assert result.returncode == 5
    assert result.stdout == ""  # no result, and nothing left on the disk
    assert result.stderr.splitlines()[0].endswith("can't be written: No space left on device")
    assert len(result.stderr.splitlines()) == 2


@mounts
def test_a_folder_that_may_not_be_written_to(tmp_path: Path, photo: Path) -> None:
    (tmp_path / "disk").mkdir()
    result = deblur_onto("ro", tmp_path / "disk", photo)
    assert result.returncode == 5
    assert result.stderr.splitlines()[0].endswith("can't be written: Read-only file system")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A picture that takes some seconds."""
    path = tmp_path / "large.jpg"
    Image.radial_gradient("L").resize((2400, 1600)).save(path)
    return path


def start(photo: Path) -> subprocess.Popen[str]:
    """Starts restoring, in tiles, and returns when the work has begun."""
    process = subprocess.Popen(
        [*DEBLUR, str(photo), "--tile", "192", "-v"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background has SIGINT ignored, also by its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    # Not before: Python forgets its exit code where SIGINT meets torch's own start.
    assert process.stderr is not None
    assert "loaded hi-diff-compact" in process.stderr.readline()
    assert len(list(photo.parent.glob(".*.part.jpg"))) == 1
    return process


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_canceled_work_leaves_nothing_behind(number: signal.Signals, large: Path) -> None:
    process = start(large)
    time.sleep(0.5)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout == ""
    # The empty line is click's, which leaves the line that a terminal shows ^C on.
    assert stderr.splitlines() == ["", "Canceled", "  What was finished before is kept"]
    assert list(large.parent.iterdir()) == [large]


@posix
def test_a_terminal_shows_a_bar_and_a_pipe_does_not(pixelmend: CommandRunner, photo: Path) -> None:
    import pty

    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [*DEBLUR, str(photo)], stdout=subprocess.PIPE, stderr=terminal
    ) as process:
        os.close(terminal)
        screen = b""
        while chunk := read(controller):
            screen += chunk
    os.close(controller)
    assert process.returncode == 0
    assert b"photo.png" in screen
    assert b"100%" in screen

    assert pixelmend("deblur", *OPTIONS, "--overwrite", photo).stderr == ""


def read(terminal: int) -> bytes:
    """Reads from a terminal until the program at its other end is gone."""
    try:
        return os.read(terminal, 1024)
    except OSError:
        return b""


@posix
def test_a_reader_that_has_gone_is_no_crash(photo: Path) -> None:
    command = [*DEBLUR, str(photo)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 1
    assert photo.with_name("photo_deblurred.png").exists()


@pytest.mark.slow
@posix
def test_output_that_nothing_takes(photo: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [*DEBLUR, str(photo)]
        result = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
        assert result.returncode == 5
        assert result.stderr.splitlines()[0] == (
            "What there is to say can't be written: No space left on device"
        )
        assert len(result.stderr.splitlines()) == 2
        assert subprocess.run([*command, "--overwrite"], stdout=full, stderr=full).returncode == 5


@pytest.mark.slow
def test_a_name_that_the_encoding_lacks_ends_nothing(photo: Path, tmp_path: Path) -> None:
    for name in ("\u0142\u00f3d\u017a.png", "z.png"):
        shutil.copy(photo, tmp_path / name)
    result = subprocess.run(
        [*DEBLUR, tmp_path / "\u0142\u00f3d\u017a.png", tmp_path / "z.png"],
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0
    first, second = result.stdout.splitlines()
    assert first.endswith(rb"\u0142\xf3d\u017a_deblurred.png".replace(rb"\xf3", b"\xf3"))
    assert second.endswith(b"z_deblurred.png")


def test_a_name_too_long_ends_nothing(photo: Path, tmp_path: Path) -> None:
    long = tmp_path / f"{'n' * 250}.png"
    shutil.copy(photo, long)
    result = subprocess.run([*DEBLUR, long, photo], capture_output=True, text=True, check=False)
    assert result.returncode == 5
    assert "File name too long" in result.stderr
    assert "1 restored, 1 failed" in result.stderr


@posix
def test_a_pipe_by_name_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    result = subprocess.run(
        [*DEBLUR, tmp_path / "pipe.png"], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 3
    assert "is no file, but a pipe or a device" in result.stderr

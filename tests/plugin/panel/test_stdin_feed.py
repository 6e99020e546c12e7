"""The panel's process, told things as a host does; without a screen."""

import json
import os
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-m", "pixelmend.panel", "--title", "Deblur", "--translations", "none"]
RUN = {"kind": "event", "id": 1, "phase": "run", "done": 1, "total": 2}
DONE = {"kind": "event", "id": 2, "phase": "done"}
PICTURE = {"kind": "picture", "name": "before", "width": 4, "height": 2}


def start() -> subprocess.Popen[bytes]:
    environ = os.environ | {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": "/tmp"}
    return subprocess.Popen(
        COMMAND,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def tell(panel: subprocess.Popen[bytes], *lines: object) -> None:
    assert panel.stdin is not None
    for line in lines:
        panel.stdin.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
    panel.stdin.flush()


def ended(panel: subprocess.Popen[bytes]) -> int:
    _, words = panel.communicate(timeout=60)
    if b"cannot open shared object" in words:
        pytest.skip("Qt lacks a library of the system")
    return panel.returncode


def test_a_host_that_is_gone_closes_the_window() -> None:
    with start() as panel:
        tell(panel, RUN)
        assert ended(panel) == 0


def test_a_picture_that_is_cut_off_closes_the_window() -> None:
    with start() as panel:
        tell(panel, RUN, PICTURE, b"\0" * 31)
        assert ended(panel) == 0


def test_a_result_stays_when_the_host_is_gone() -> None:
    with start() as panel:
        tell(panel, PICTURE, b"\0" * 32, {**PICTURE, "name": "after"}, b"\0" * 32, DONE)
        assert panel.stdin is not None
        panel.stdin.close()
        time.sleep(2)
        alive = panel.poll() is None
        panel.kill()
        panel.stdin = None
        _, words = panel.communicate(timeout=60)
        if b"cannot open shared object" in words:
            pytest.skip("Qt lacks a library of the system")
        assert alive, words


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux has handles of processes")
def test_a_result_goes_with_the_host() -> None:
    with subprocess.Popen(["sleep", "60"]) as host:
        handle = os.pidfd_open(host.pid)
        COMMAND_WITH = [*COMMAND, "--with-process", str(handle)]
        environ = os.environ | {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": "/tmp"}
        with subprocess.Popen(
            COMMAND_WITH,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(handle,),
        ) as panel:
            os.close(handle)
            tell(panel, DONE)
            host.kill()
            assert ended(panel) == 0

"""The panel as a process, with a program in its place that writes down what it is told."""

import json
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pixelmend.errors import OutOfMemory
from pixelmend.host.panel_process import PanelOptions, PanelProcess
from pixelmend.paths import Paths
from pixelmend.wire import Event

LISTENER = """\
#!{python}
import sys
print("cancel", flush=True)
with open({received!r}, "wb") as file:
    file.write(" ".join(sys.argv[1:]).encode() + b"\\n" + sys.stdin.buffer.read())
"""


@pytest.fixture
def listener(tmp_path: Path) -> str:
    """A program that asks to cancel, and writes down all that it hears."""
    program = tmp_path / "listener"
    received = str(tmp_path / "received")
    program.write_text(LISTENER.format(python=sys.executable, received=received), encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


@pytest.fixture
def options(tmp_path: Path) -> PanelOptions:
    """How it is to appear."""
    return PanelOptions("Deblur", tmp_path / "locale", parent_window=7)


def wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60  # ends a hang
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_hears_all_and_is_heard(tmp_path: Path, listener: str, options: PanelOptions) -> None:
    panel = PanelProcess(listener, options, Paths(tmp_path))
    panel.show_model({"title": "HI-Diff"}, tmp_path)
    panel.show(Event(1, "run", 1, 2))
    panel.show_picture("before", 2, 1, iter([b"1234", b"5678"]))
    panel.show_notes(["a face changed"])
    panel.show_error(OutOfMemory("full", hint="close"), "details")
    wait(lambda: panel.canceled)
    panel.close()
    received = tmp_path / "received"
    wait(lambda: received.exists() and b"details" in received.read_bytes())
    command, *rest = received.read_bytes().split(b"\n", 3)
    assert b"-m pixelmend.panel --title Deblur" in command
    assert b"--above 7" in command
    model, event, picture = rest[0], rest[1], rest[2]
    assert json.loads(model) == {"kind": "model", "title": "HI-Diff", "folder": str(tmp_path)}
    assert json.loads(event)["phase"] == "run"
    head, _, data = picture.partition(b"\n")
    assert json.loads(head) == {"kind": "picture", "name": "before", "width": 2, "height": 1}
    assert data.startswith(b"12345678{")
    notes, error = data[8:].splitlines()
    assert json.loads(notes) == {"kind": "notes", "notes": ["a face changed"]}
    assert json.loads(error)["code"] == "out-of-memory"


def test_a_panel_that_can_not_be_started_is_no_end(tmp_path: Path, options: PanelOptions) -> None:
    panel = PanelProcess(str(tmp_path / "missing"), options, Paths(tmp_path))
    panel.show(Event(1, "run"))
    panel.close()
    assert panel.failed
    assert not panel.canceled


def test_a_panel_that_dies_is_no_end(tmp_path: Path, options: PanelOptions) -> None:
    panel = PanelProcess("/bin/false", options, Paths(tmp_path))

    def tell() -> bool:
        panel.show(Event(1, "run"))
        return panel.failed

    wait(tell)
    panel.close()
    assert not panel.canceled

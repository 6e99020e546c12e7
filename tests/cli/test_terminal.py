"""What the command line prints: strangers' words act on no terminal."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pixelmend_cli

HOSTILE = "\x1b]0;owned\x07\x1b[2Jcat\u202egpj.exe"


def on_a_terminal(*arguments: str, home: Path) -> str:
    """Runs a command on a terminal; returns what reached it."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pixelmend", *arguments]
    environ = {**os.environ, "PIXELMEND_HOME": str(home), "TERM": "xterm"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=environ):
        os.close(theirs)
        screen = b""
        while piece := _read(ours):
            screen += piece
    os.close(ours)
    return screen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


def test_names_of_files_do_not_act(tmp_path: Path) -> None:
    damaged = tmp_path / f"{HOSTILE}.jpg"
    damaged.write_bytes(b"no picture")
    missing = str(tmp_path / f"{HOSTILE}2.jpg")
    for arguments in (
        ("deblur", "--in-process", str(damaged), missing),
        ("models", "import", str(damaged)),
        ("models", "path", HOSTILE),
        (HOSTILE,),
        ("deblur", "--tile", HOSTILE, str(damaged)),
        ("setup", "krita", "--zip", str(tmp_path / f"{HOSTILE}.zip")),
    ):
        screen = on_a_terminal(*arguments, home=tmp_path / "home")
        assert "\\x1b" in screen, arguments
        for acting in ("\x1b]", "\x1b[2J", "\x07", "\u202e"):
            assert acting not in screen, arguments


def test_the_log_does_not_act(tmp_path: Path) -> None:
    (tmp_path / "engine.log").write_text(f"one {HOSTILE}\ntwo\n", encoding="utf-8")
    screen = on_a_terminal("engine", "logs", home=tmp_path)
    assert "\x1b" not in screen
    assert screen.splitlines()[1:] == ["two"]


def test_a_program_gets_the_name_of_a_file_as_it_is(tmp_path: Path) -> None:
    archive = tmp_path / "a\u200fb.zip"  # as in names in Hebrew
    command = [sys.executable, "-m", "pixelmend", "setup", "krita", "--zip", str(archive)]
    environ = {**os.environ, "PIXELMEND_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1"}
    result = subprocess.run(command, env=environ, capture_output=True, check=True)
    assert result.stdout.decode() == f"{archive}\n"


def test_numbers_of_thousands_of_digits_are_refused(tmp_path: Path, photo: Path) -> None:
    for option, value in (("--tile", "9" * 5000), ("--device", f"cuda:{'9' * 5000}")):
        screen = on_a_terminal("deblur", "--in-process", option, value, str(photo), home=tmp_path)
        assert "nobody expected" not in screen
        assert "999" in screen


def test_one_module_prints() -> None:
    package = Path(pixelmend_cli.__file__).parent
    printing = {
        path.name
        for path in package.rglob("*.py")
        if any(call in path.read_text() for call in ("click.echo", "click.secho", "print("))
    }
    assert printing == {"terminal.py"}

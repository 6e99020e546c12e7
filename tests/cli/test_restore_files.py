"""What a command says about its pictures, and where."""

import json
from pathlib import Path

import pytest

from pixelmend.errors import BadImage
from pixelmend_cli.restore_files import Console, ProgressBar
from pixelmend_cli.targets import Target

TARGET = Target(Path("in.png"), Path("out.png"))
ERROR = BadImage("It is no image", hint="Choose another")


def test_results_go_to_stdout_and_errors_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=False, quiet=False)
    console.result(TARGET, {"seconds": 1})
    console.failure(TARGET, ERROR)
    console.note("By the way")
    printed = capsys.readouterr()
    assert printed.out == "out.png\n"
    assert printed.err == "in.png: It is no image\n  Choose another\nBy the way\n"


def test_an_error_names_its_picture_once(capsys: pytest.CaptureFixture[str]) -> None:
    error = BadImage("`in.png` is no image", hint="Choose another")
    Console(as_json=False, quiet=False).failure(TARGET, error)
    assert capsys.readouterr().err == "`in.png` is no image\n  Choose another\n"


def test_quiet_leaves_notes_out_but_not_errors(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=False, quiet=True)
    console.note("By the way")
    console.failure(TARGET, ERROR)
    assert capsys.readouterr().err == "in.png: It is no image\n  Choose another\n"


def test_json_holds_results_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=True, quiet=False)
    console.result(TARGET, {"seconds": 1})
    console.failure(TARGET, ERROR)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"input": "in.png", "output": "out.png", "seconds": 1}
    assert second["error"] == {
        "code": "bad-image",
        "message": "It is no image",
        "hint": "Choose another",
    }


def test_a_bar_appears_with_the_first_report(capsys: pytest.CaptureFixture[str]) -> None:
    progress = ProgressBar("photo.png", hidden=False)
    assert capsys.readouterr().err == ""
    progress.report(0, 4)
    progress.report(4, 4)
    progress.close()
    assert "photo.png" in capsys.readouterr().err


def test_a_hidden_bar_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Console(as_json=False, quiet=True).progress("photo.png") as progress:
        progress.report(0, 4)
        progress.report(4, 4)
    assert capsys.readouterr().err == ""

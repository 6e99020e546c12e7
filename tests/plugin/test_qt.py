"""Which Qt it is."""

import subprocess
import sys

import pytest


def loaded(*lines: str) -> str:
    """Runs code in a process of its own; returns what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    if "cannot open shared object" in result.stderr:
        pytest.skip(f"Qt lacks a library of the system: {result.stderr.splitlines()[-1]}")
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_the_engines_own_qt_is_taken() -> None:
    assert (
        loaded("from pixelmend import qt", "print(qt.QtWidgets.QWidget.__module__)")
        == "PyQt6.QtWidgets"
    )


@pytest.mark.parametrize("binding", ["PyQt5", "PyQt6"])
def test_the_hosts_qt_is_taken_where_it_has_one(binding: str) -> None:
    code = (
        f"import {binding}",
        "from pixelmend import qt",
        "print(qt.QtWidgets.QWidget.__module__)",
    )
    assert loaded(*code) == f"{binding}.QtWidgets"

"""The command's first steps: while everything else is imported, Ctrl-C is understood already."""

import os
import signal
import sys
from typing import NoReturn

CANCELED = 130  # what shells expect of a process that SIGINT ended


def main() -> NoReturn:
    """Runs the command line and ends the process with the exit code of what happened."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell may have it ignored
        signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    from pixelmend_cli import main as command_line

    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command_line.main()


def _end(_number: int, _frame: object) -> NoReturn:
    # At once, because libraries that are half imported end badly; nothing is begun yet.
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, b"\nCanceled\n  Nothing was begun\n")
    os._exit(CANCELED)

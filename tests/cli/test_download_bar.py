"""Downloads are announced in a line, and drawn as a bar where somebody watches."""

import pytest

from pixelmend_cli.download_bar import DownloadBar


def bar_text(capsys: pytest.CaptureFixture[str], *, quiet: bool, watched: bool) -> str:
    """What is shown of two downloads, the second of which goes on in its middle."""
    with DownloadBar(quiet=quiet, watched=watched) as transfer:
        transfer.report("Downloading one", 0, 0)
        for done in range(0, 101, 10):
            transfer.report("", done, 100)
        transfer.report("", 100, 100)
        transfer.report("Downloading two", 500, 1000)
        transfer.report("", 1000, 1000)
    return capsys.readouterr().err


def test_on_a_pipe_there_is_one_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert bar_text(capsys, quiet=False, watched=False) == "Downloading one\nDownloading two\n"


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert bar_text(capsys, quiet=True, watched=True) == ""


def test_on_a_terminal_there_are_bars(capsys: pytest.CaptureFixture[str]) -> None:
    screen = bar_text(capsys, quiet=False, watched=True)
    assert screen.index("Downloading one") < screen.index("Downloading two")


def test_an_end_in_the_middle_leaves_the_terminal_in_order(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken() -> None:
        with DownloadBar(quiet=False, watched=True) as transfer:
            transfer.report("Downloading one", 10, 100)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert capsys.readouterr().err.endswith("\n")

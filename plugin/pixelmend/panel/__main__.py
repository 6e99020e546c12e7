"""`python -m pixelmend.panel`: the panel in a window of its own, for a host without Qt."""

import argparse
import contextlib
import sys
from pathlib import Path

from ..presentation import messages
from ..qt import Qt, QtCore, QtGui, QtWidgets
from .job_panel import Panel
from .stdin_feed import Feed

WIDTH = 460  # pixels


def main() -> None:
    """Shows the window until the user, or what started us, has had enough of it."""
    parser = argparse.ArgumentParser(prog="pixelmend.panel", description=__doc__)
    parser.add_argument("--title", required=True)
    parser.add_argument("--catalogues", type=Path, required=True, help="translations")
    parser.add_argument("--above", type=int, default=0, help="the id of the host's window")
    parser.add_argument("--with-process", type=int, help="a handle; it closes with that process")
    arguments = parser.parse_args()
    messages.bind(arguments.catalogues)
    application = QtWidgets.QApplication(sys.argv[:1])
    application.setApplicationName("pixelmend")
    application.setDesktopFileName("pixelmend")

    panel = Panel()
    panel.setWindowTitle(f"{arguments.title} - Pixelmend")
    panel.setWindowFlag(Qt.WindowType.Dialog)  # window managers center it on the host's window
    panel.resize(WIDTH, panel.sizeHint().height())
    panel.canceled.connect(_say_cancel)
    panel.closed.connect(application.quit)
    feed = Feed(sys.stdin.buffer)
    feed.news.connect(panel.show_event)
    feed.model.connect(panel.show_model)
    feed.pictures.connect(panel.show_pictures)
    feed.notes.connect(panel.show_notes)
    feed.error.connect(panel.show_error)

    def ended() -> None:
        if panel.working:  # the job is, too
            application.quit()

    feed.ended.connect(ended)
    if arguments.with_process is not None:
        gone = QtCore.QSocketNotifier(
            arguments.with_process, QtCore.QSocketNotifier.Type.Read, panel
        )
        gone.activated.connect(application.quit)
    _put_above(panel, arguments.above)
    panel.show()
    QtCore.QTimer.singleShot(0, feed.start)
    sys.exit(application.exec())


def _say_cancel() -> None:
    with contextlib.suppress(OSError):  # whoever started us may be gone
        sys.stdout.write("cancel\n")
        sys.stdout.flush()


def _put_above(panel: Panel, window: int) -> None:
    # Without that the panel is behind the host's window at the first click there.
    if not window or QtWidgets.QApplication.platformName() not in ("xcb", "windows"):
        return
    panel.winId()
    handle, above = panel.windowHandle(), QtGui.QWindow.fromWinId(window)  # pyright: ignore[reportArgumentType]
    if handle is not None and above is not None:
        handle.setTransientParent(above)


if __name__ == "__main__":
    main()

"""`python -m pixelmend.panel`: the panel in a window of its own, for a host without Qt."""

import argparse
import contextlib
import sys
from pathlib import Path

from ..presentation import messages
from ..printable import printable
from ..qt import Qt, QtCore, QtGui, QtWidgets
from .job_window import JobWindow
from .stdin_feed import StdinFeed

WIDTH = 460  # pixels
ACCENT = "#3584e4"  # of bars, seen on either; Qt's own is navy
DARK, LIGHT = (
    "#3b3b3b",
    "#efefef",
)  # what Qt makes a palette of: GIMP's dark gray, Fusion's light one


def main() -> None:
    """Shows the window until the user, or what started us, has had enough of it."""
    parser = argparse.ArgumentParser(prog="pixelmend.panel", description=__doc__)
    parser.add_argument("--title", required=True)
    # Plug-ins of release 0.1 say `--catalogues`.
    parser.add_argument(
        "--translations", "--catalogues", type=Path, required=True, help="their folder"
    )
    parser.add_argument(
        "--above", dest="parent_window", type=int, default=0, help="the id of the host's window"
    )
    parser.add_argument("--with-process", type=int, help="a handle; it closes with that process")
    parser.add_argument("--color-scheme", default="", help="dark, light, or empty: the system's")
    arguments = parser.parse_args()
    messages.bind(arguments.translations)
    application = QtWidgets.QApplication(sys.argv[:1])
    application.setApplicationName("pixelmend")
    application.setDesktopFileName("pixelmend")
    _set_color_scheme(arguments.color_scheme)

    window = JobWindow()
    window.setWindowTitle(printable(f"{arguments.title} - Pixelmend"))
    window.setWindowFlag(Qt.WindowType.Dialog)  # window managers center it on the host's window
    window.resize(WIDTH, window.sizeHint().height())
    window.canceled.connect(_print_cancel)
    window.closed.connect(application.quit)
    feed = StdinFeed(sys.stdin.buffer)
    feed.event_received.connect(window.view.show_event)
    feed.model_received.connect(window.view.show_model)
    feed.pictures_received.connect(window.view.show_pictures)
    feed.notes_received.connect(window.view.show_notes)
    feed.error_received.connect(window.view.show_error)

    def quit_if_working() -> None:
        if window.view.working:  # the job is, too
            application.quit()

    feed.finished.connect(quit_if_working)
    if arguments.with_process is not None:
        host_exited = QtCore.QSocketNotifier(
            arguments.with_process, QtCore.QSocketNotifier.Type.Read, window
        )
        host_exited.activated.connect(application.quit)
    _set_parent_window(window, arguments.parent_window)
    window.show()
    QtCore.QTimer.singleShot(0, feed.start)
    sys.exit(application.exec())


def _set_color_scheme(name: str) -> None:
    # Qt's own `setColorScheme` does nothing where the desktop has no theme that Qt knows.
    shade = {"dark": DARK, "light": LIGHT}.get(name)
    if shade is not None:
        QtWidgets.QApplication.setStyle("Fusion")  # others have colors of their own
        palette = QtGui.QPalette(QtGui.QColor(shade))
        palette.setColor(QtGui.QPalette.ColorRole.Highlight, QtGui.QColor(ACCENT))
        QtWidgets.QApplication.setPalette(palette)


def _print_cancel() -> None:
    with contextlib.suppress(OSError):  # whoever started us may be gone
        sys.stdout.write("cancel\n")
        sys.stdout.flush()


def _set_parent_window(window: JobWindow, above: int) -> None:
    # Without that the panel is behind the host's window at the first click there.
    if not above or QtWidgets.QApplication.platformName() not in ("xcb", "windows"):
        return
    window.winId()
    handle, parent = window.windowHandle(), QtGui.QWindow.fromWinId(above)  # pyright: ignore[reportArgumentType]
    if handle is not None and parent is not None:
        handle.setTransientParent(parent)


if __name__ == "__main__":
    main()

"""The actions: to restore, to cancel, to see the docker. Each can have a key."""

from __future__ import annotations

from typing import Any, Optional

from krita import Extension, Krita

from .controller import controller
from .docker import ID
from .pixelmend.presentation.messages import translate

MENU = "tools/scripts"
RUN, CANCEL, SHOW = "pixelmend_restore", "pixelmend_cancel", "pixelmend_show"
TASK = "pixelmend_task_"  # and the id of the task


class PixelmendExtension(Extension):
    """Adds the actions to each window."""

    def setup(self) -> None:
        """Does nothing: there is no window yet."""

    def createActions(self, window: Any) -> None:  # noqa: N802 - Krita's name
        """Makes the actions of a window."""
        self._add(window, SHOW, translate("Show the Pixelmend docker"), show)
        self._add(window, RUN, translate("Restore as chosen in the docker"), lambda: start(None))
        for task in controller().tasks():
            self._add(window, TASK + task["id"], _title(task), _starter(task["id"]))
        self._add(window, CANCEL, translate("Cancel the restoration"), controller().cancel)

    def _add(self, window: Any, name: str, text: str, call: Any) -> None:
        action = window.createAction(name, text, MENU)
        action.setText(text)  # an action that Krita knows by a file keeps the file's otherwise
        action.triggered.connect(lambda *_: call())


def _title(task: Any) -> str:
    return f"Pixelmend: {translate(task['title'])}"


def _starter(task: str) -> Any:
    return lambda: start(task)


def docker() -> Any:
    """Returns the docker of the active window."""
    window = Krita.instance().activeWindow()
    dockers = [] if window is None else window.dockers()
    return next((one for one in dockers if one.objectName() == ID), None)


def show() -> None:
    """Shows the docker, wherever it is."""
    active = docker()
    if active is not None:
        active.show_docker()


def start(task: Optional[str]) -> None:
    """Restores what is active, with the options that are chosen in the docker."""
    active = docker()
    if active is not None:
        show()
        active.widget().start(task)

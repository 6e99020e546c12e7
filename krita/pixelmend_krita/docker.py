"""The docker: one for each window, all showing the same controller."""

from __future__ import annotations

from typing import Any

from krita import DockWidget, Krita

from .controller import FOLDER, controller
from .pixelmend.errors import PixelmendError
from .pixelmend.host import host
from .pixelmend.panel.docker_panel import Dock
from .sources import id_of

ID = "pixelmendDocker"


class PixelmendDocker(DockWidget):
    """Connects the widget with the controller."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Pixelmend")
        self._document = None
        self._controller = controller()
        self.dock = Dock(Krita.instance().icon, _missing())
        self.dock.setObjectName("pixelmend")
        self.setWidget(self.dock)
        self.dock.show_tasks(self._controller.tasks(), self._controller.remembered())
        self.dock.wanted.connect(self._controller.run)
        self.dock.finding.connect(self._controller.run)
        self.dock.canceled.connect(self._controller.cancel)
        self.dock.changed.connect(self._controller.remember)
        self.dock.reopened.connect(self._controller.open_apart)
        self.dock.dropped.connect(self._controller.forget)
        self._controller.started.connect(self.dock.show_work)
        self._controller.news.connect(self.dock.show_event)
        self._controller.failed.connect(self.dock.show_error)
        self._controller.found.connect(self.dock.show_faces)
        self._controller.ended.connect(self.dock.show_end)
        self._controller.listed.connect(self._list)

    def canvasChanged(self, canvas: Any) -> None:  # noqa: N802 - Krita's name
        """Lists what came of the document that is seen now."""
        view = None if canvas is None else canvas.view()
        document = None if view is None else id_of(view.document())
        if document != self._document:
            self.dock.chooser.forget()
        self._document = document
        self._list()

    def _list(self) -> None:
        self.dock.show_history(self._controller.results_of(self._document))


def _missing() -> str:
    # What is shown instead of tasks, where there are none.
    try:
        host.installed(FOLDER)
    except PixelmendError as error:
        return f"{error.message}. {error.hint}."
    return ""

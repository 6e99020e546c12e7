"""The docker: one for each window, all showing the same controller."""

from __future__ import annotations

from typing import Any

from krita import DockWidget, Krita

from .controller import FOLDER, controller
from .pixelmend.errors import PixelmendError
from .pixelmend.host import host
from .pixelmend.panel.docker_panel import DockerPanel

ID = "pixelmendDocker"


class PixelmendDocker(DockWidget):
    """Connects the widget with the controller."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Pixelmend")
        self._document = None
        self._controller = controller()
        self.dock = DockerPanel(Krita.instance().icon, _missing_text())
        self.dock.setObjectName("pixelmend")
        self.setWidget(self.dock)
        self.dock.show_tasks(self._controller.tasks(), self._controller.saved_choices())
        self.dock.restore_requested.connect(self._controller.run)
        self.dock.detection_requested.connect(self._controller.run)
        self.dock.answered.connect(self._controller.answer)
        self.dock.canceled.connect(self._controller.cancel)
        self.dock.choices_changed.connect(self._controller.save_choices)
        self.dock.document_requested.connect(self._controller.open_apart)
        self.dock.removal_requested.connect(self._controller.forget)
        self._controller.started.connect(self.dock.show_work)
        self._controller.event_received.connect(self.dock.show_event)
        self._controller.question_received.connect(self.dock.show_question)
        self._controller.failed.connect(self.dock.show_error)
        self._controller.faces_found.connect(self.dock.face_picker.show_faces)
        self._controller.finished.connect(self.dock.show_end)
        self._controller.results_changed.connect(self._list_results)

    def canvasChanged(self, canvas: Any) -> None:  # noqa: N802 - Krita's name
        """Lists what came of the document that is seen now."""
        view = None if canvas is None else canvas.view()
        document = None if view is None else view.document()
        if document != self._document:
            self.dock.face_picker.clear()
        self._document = document
        self._list_results()

    def _list_results(self) -> None:
        self.dock.show_history(self._controller.results_of(self._document))


def _missing_text() -> str:
    # What is shown instead of tasks, where there are none.
    try:
        host.read_install(FOLDER)
    except PixelmendError as error:
        return f"{error.message}. {error.hint}."
    return ""

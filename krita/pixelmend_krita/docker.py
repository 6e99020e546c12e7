"""The docker: one for each window, all showing the same controller."""

from __future__ import annotations

from typing import Any, List

from krita import DockWidget, Krita

from .controller import FOLDER, JobEnd, controller
from .job import Job
from .layer_source import open_document
from .pixelmend.errors import PixelmendError
from .pixelmend.host import host
from .pixelmend.panel.docker_panel import DockerPanel
from .pixelmend.presentation.messages import translate
from .pixelmend.qt import QtWidgets

ID, TOOL_OPTIONS = "pixelmendDocker", "sharedtooldocker"


class PixelmendDocker(DockWidget):
    """Connects the widget with the controller: of what ended, it shows what is of its document."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Pixelmend")
        self._document = None
        self._unseen: List[JobEnd] = []  # of other documents, until the user comes to them
        self._controller = controller()
        self.panel = DockerPanel(Krita.instance().icon, _missing_text())
        self.panel.setObjectName("pixelmend")
        self.setWidget(self.panel)
        self.panel.show_tasks(self._controller.tasks(), self._controller.saved_choices())
        self.panel.restore_requested.connect(self._controller.run)
        self.panel.detection_requested.connect(self._controller.run)
        self.panel.answered.connect(self._controller.answer)
        self.panel.canceled.connect(self._controller.cancel)
        self.panel.choices_changed.connect(self._controller.save_choices)
        self.panel.document_requested.connect(self._controller.open_apart)
        self.panel.removal_requested.connect(self._controller.forget)
        self._controller.started.connect(self._show_start)
        self._controller.event_received.connect(self.panel.show_event)
        self._controller.question_received.connect(self.panel.show_question)
        self._controller.ended.connect(self._show_end)
        self._controller.refused.connect(self._show_refusal)
        self._controller.waiting_changed.connect(self._show_waiting)
        self._controller.results_changed.connect(self._list_results)

    def canvasChanged(self, canvas: Any) -> None:  # noqa: N802 - Krita's name
        """Shows what came of the document that is seen now, and nothing of another."""
        view = None if canvas is None else canvas.view()
        document = None if view is None else view.document()
        if document == self._document:
            return
        self._document = document
        self.panel.face_chooser.clear()
        self._list_results()
        if not self.panel.working:
            self.panel.close_view()
            self.panel.show_notice("")
            self._show_unseen()

    def show_docker(self) -> None:
        """Shows the docker where it is: the first time as a tab beside *Tool Options*.

        Krita hides a new docker, as large as it likes. To place it earlier than the user asks for
        it, while Krita opens its first picture, now and then made Krita crash.
        """
        window = Krita.instance().activeWindow()
        if window is not None and not (self._controller.placed or self.isVisible()):
            main = window.qwindow()
            beside = main.findChild(QtWidgets.QDockWidget, TOOL_OPTIONS)
            if beside is not None:
                main.tabifyDockWidget(beside, self)
        self._controller.placed = True
        self.setVisible(True)
        self.raise_()

    def _show_unseen(self) -> None:
        ends = [end for end in self._unseen if end.document == self._document]
        self._unseen = [end for end in self._unseen if end.document != self._document]
        for end in ends:
            self._show(end)

    def _show_start(self, job: Job) -> None:
        self.panel.show_work(job.model)

    def _show_waiting(self, count: int) -> None:
        text = translate("Waiting for this one: {count}").format(count=count)
        self.panel.show_notice(text if count else "")

    def _show_end(self, end: JobEnd) -> None:
        if end.document == self._document or open_document(end.document) is None:
            self._show(end)
            return
        self.panel.show_end(None)
        self._show_unseen()
        if end.error is not None:
            text = translate("Not restored: {document}").format(document=end.document_name)
        elif end.result is not None or end.faces is not None:
            text = translate("Done: {document}").format(document=end.document_name)
        else:
            return
        self._unseen.append(end)
        self.panel.show_notice(text)

    def _show(self, end: JobEnd) -> None:
        if end.error is not None:
            self.panel.show_error(end.error, end.details)
            return
        self.panel.show_end(end.result)
        if end.faces is not None:
            self.panel.show_faces(end.faces.picture, end.faces.boxes, end.faces.width)

    def _show_refusal(self, error: PixelmendError, details: str) -> None:
        if self.panel.working:  # of another request
            self.panel.show_notice(f"{error.message}. {error.hint}.")
        else:
            self.panel.show_error(error, details)

    def _list_results(self) -> None:
        self.panel.show_history(self._controller.stored.results_of(self._document))


def _missing_text() -> str:
    # What is shown instead of tasks, where there are none.
    try:
        host.read_install(FOLDER)
    except PixelmendError as error:
        return f"{error.message}. {error.hint}."
    return ""

"""What the user sees of a run: GIMP's own bar with its Cancel, and the panel."""

from __future__ import annotations

import sys
import time
from typing import Tuple

from gi.repository import Gimp
from layers import SHOWN, pixels

from pixelmend.errors import Canceled, PixelmendError
from pixelmend.host.host import PluginInstall
from pixelmend.host.panel_process import PanelOptions, PanelProcess
from pixelmend.host.selection import Area
from pixelmend.presentation import messages
from pixelmend.presentation.download_question import DownloadQuestion
from pixelmend.presentation.messages import translate
from pixelmend.wire import Event, Json

REPEAT_S = 0.1  # more than ten times a second nobody sees
WINDOW_ID_BYTES = 8  # of X11 and Windows; Wayland's names of windows mean nothing to Qt


class Display:
    """Shows one run, however many layers it has."""

    def __init__(self, engine: PluginInstall, title: str, *, panel: bool) -> None:
        self.error: PixelmendError | None = None
        self._engine = engine
        self._closed = False  # the question, without an answer
        self._count = ""  # which of how many
        self._last_headline = ("", 0.0)
        self._panel: PanelProcess | None = None
        Gimp.progress_init(title)
        if panel:
            options = PanelOptions(title, engine.folder / "locale", _window(), _color_scheme())
            self._panel = PanelProcess(engine.launch.python, options, engine.paths)

    @property
    def canceled(self) -> bool:
        """Whether the user clicked on Cancel in the panel, or closed a question.

        GIMP's own Cancel ends us without a word.
        """
        return self._closed or (self._panel is not None and self._panel.canceled)

    def show_model(self, model: Json | None) -> None:
        """Takes note of what is known of the model."""
        if self._panel is not None and model is not None:
            self._panel.show_model(model, self._engine.launch.models)

    def next_layer(self, number: int, layers: int) -> None:
        """Begins with one of several layers."""
        self._count = f"{number}/{layers} " if layers > 1 else ""

    def show(self, event: Event) -> None:
        """Shows how far it is. Its end is shown by `finish`, when the image has the result."""
        if event.final:
            return
        if self._panel is not None:
            self._panel.show(event)
        text, last = messages.headline(event), self._last_headline
        if text == last[0] and time.monotonic() - last[1] < REPEAT_S:
            return
        self._last_headline = (text, time.monotonic())
        if text != last[0]:
            Gimp.progress_set_text(self._count + text)
        fraction = messages.fraction_done(event)
        if fraction is None:
            Gimp.progress_pulse()
        else:
            Gimp.progress_update(fraction)

    @property
    def has_panel(self) -> bool:
        """Whether there is a panel, and so a user."""
        return self._panel is not None

    def ask(self, question: DownloadQuestion) -> bool | None:
        """Asks whether a large model may be downloaded; None where there is no user.

        Raises:
            Canceled: The user closed the window.
        """
        if self._panel is None:
            return None
        import download_dialog  # late: needs a screen

        answer = download_dialog.ask(question)
        if answer is None:
            self._closed = True
            raise Canceled("You canceled it", hint="Start it again")
        return answer

    def show_notes(self, facts: Json) -> None:
        """Shows what the engine says beside a result, once all is done."""
        notes, _ = messages.notes_of(facts)
        if self._panel is not None and notes:
            self._panel.show_notes([self._count + note for note in notes])

    def show_apart(self, image: Gimp.Image) -> None:
        """Shows a result that does not fit into its image any more."""
        if self._panel is not None:
            Gimp.Display.new(image)
            changed = translate(
                "The image was changed meanwhile: the result is an image of its own"
            )
            self._panel.show_notes([self._count + changed])

    def compare(self, before: Gimp.Layer, after: Gimp.Layer, area: Area) -> None:
        """Shows what came of it, once it is in the image."""
        self.compare_sizes((before, area), (after, area))

    def compare_sizes(
        self, before: Tuple[Gimp.Layer, Area], after: Tuple[Gimp.Layer, Area]
    ) -> None:
        """Shows what came of it where it is larger."""
        if self._panel is None:
            return
        for name, (layer, area) in (("before", before), ("after", after)):
            rows = pixels(layer, area, SHOWN)
            self._panel.show_picture(name, area.width, area.height, rows)

    def finish(self) -> None:
        """Says that all is done, after the last picture."""
        if self._panel is not None:
            self._panel.show(Event(0, "done"))
            if self._panel.failed:
                Gimp.message(
                    translate("The progress panel could not be shown; run `{command}`")
                    .format(command="pixelmend doctor gimp")
                )  # fmt: skip
            self._panel.close()

    def show_error(self, error: PixelmendError, details: str) -> bool:
        """Shows an error in the panel; returns whether it could."""
        if self._panel is None:
            return False
        self._panel.show_error(error, details)
        self._panel.close()
        return not self._panel.failed

    def cancel(self) -> None:
        """Takes the panel away."""
        if self._panel is not None:
            self._panel.close()


def _color_scheme() -> str:
    """Returns whether GIMP's own windows are dark; empty where it does not say."""
    query = Gimp.get_pdb().lookup_procedure("gimp-gimprc-query")
    config = query.create_config()
    config.set_property("token", "theme-color-scheme")
    values = query.run(config)
    if values.index(0) != Gimp.PDBStatusType.SUCCESS:
        return ""
    # Its gray scheme is dark, too; "system" is what Qt takes anyway.
    return {"gray": "dark", "dark": "dark", "light": "light"}.get(values.index(1), "")


def _window() -> int:
    handle = Gimp.progress_get_window_handle()
    raw = b"" if handle is None else bytes(handle.get_data() or b"")
    return int.from_bytes(raw, sys.byteorder) if len(raw) == WINDOW_ID_BYTES else 0

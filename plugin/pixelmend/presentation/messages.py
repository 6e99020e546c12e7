"""What front ends say about a job, in the user's language.

Texts are looked up by gettext, in the folder of translations that `bind` names; without one they
stay English. Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

import gettext
from pathlib import Path

from ..printable import printable
from ..wire import Event, Json

DOMAIN = "pixelmend-restore"


def bind(folder: Path) -> None:
    """Names the folder of translations, `LANGUAGE/LC_MESSAGES/pixelmend-restore.mo`."""
    gettext.bindtextdomain(DOMAIN, str(folder))


def _(text: str) -> str:
    return gettext.dgettext(DOMAIN, text)


def translate(text: str) -> str:
    """Returns a text that the engine describes itself with, such as a task's title."""
    return _(text) if text else ""  # the empty text stands for the translation's own header


def layer_name(task: Json, facts: Json) -> str:
    """Names a result after what was done and by which model, as the engine's `facts` say."""
    return printable(f"{translate(task['result'])} ({facts['title']})")


def notes_of(facts: Json) -> tuple[list[str], list[str]]:
    """Returns what an editor says of a result at once, and what it has ready for who asks.

    The latter has ids, hosts and commands of a terminal.
    """
    notes, larger = list(facts.get("notes", [])), facts.get("larger")
    if not larger:
        return notes, []
    text = _("{title} was used; the larger {larger} is not on this computer")
    line = text.format(title=facts["title"], larger=larger["title"])
    return [line, *(note for note in notes if note != larger["note"])], [larger["note"]]


def headline(event: Event) -> str:
    """Says what is going on."""
    if event.phase == "queued" and event.position > 1:
        before = event.position - 1
        text = gettext.dngettext(
            DOMAIN,
            "Waiting for {count} picture before this one",
            "Waiting for {count} pictures before this one",
            before,
        )
        return text.format(count=before)
    if event.phase == "queued" and event.message:
        return _("Waiting for the engine")  # of another version; the words say for what
    return {
        "queued": _("Starting the engine"),
        "download": _("Downloading the model"),
        "load": _("Loading the model"),
        "run": _("Restoring"),
        "done": _("Done"),
        "failed": _("It did not work"),
        "canceled": _("Canceled"),
    }.get(event.phase, event.message)


def fraction_done(event: Event) -> float | None:
    """Returns how much of the phase is done, 0 to 1; None where nobody knows."""
    if event.phase == "done":
        return 1.0
    return min(event.done / event.total, 1.0) if event.total > 0 else None


def format_time_left(seconds: float) -> str:
    """Says how long it will take, no finer than anybody can know."""
    if seconds < 10:
        return _("a few seconds left")
    if seconds < 90:
        return _("about {count} seconds left").format(count=round(seconds / 10) * 10)
    if seconds < 90 * 60:
        return _("about {count} minutes left").format(count=round(seconds / 60))
    return _("about {count} hours left").format(count=round(seconds / 3600))


def format_bytes(size_bytes: float) -> str:
    """Says how much that is, in the units that shops and browsers use."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} GB"

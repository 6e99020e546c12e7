"""Whether somebody has to be asked before a large model is fetched: the same in every front end.

Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, cast

from .. import preferences
from ..paths import Paths
from ..preferences import ALWAYS, ASK, NEVER, UNASKED_BYTES, Preferences
from ..wire import Json
from .messages import format_bytes, translate

AUTO = "auto"


@dataclass(frozen=True)
class DownloadQuestion:
    """A model that would be better than what is here, and is large."""

    model: str
    title: str
    size: str  # as it is shown
    license: str
    small: str | None  # the title of the model that ships, for this task

    @property
    def about(self) -> str:
        """What there is to know before one answers: two sentences."""
        detail = translate("{title} would make up more detail").format(title=self.title)
        return f"{detail}. {translate('License')}: {self.license}"

    @property
    def download(self) -> str:
        """What the button says that downloads."""
        return translate("Download {title}, {size}").format(title=self.title, size=self.size)

    @property
    def decline(self) -> str:
        """What the other button says."""
        return translate("Use the small model") if self.small else translate("Cancel")


def question(task: Json, options: Json, kept: Preferences) -> DownloadQuestion | None:
    """Returns what to ask before a task is begun with these options; None: nothing.

    `task` is the engine's description (`GET /v1/tasks`).
    """
    asked = options.get("model", AUTO) == AUTO and not options.get("offline", False)
    if not asked or kept.downloads != ASK:
        return None
    models = [model for model in cast("list[Json]", task["models"]) if _fits(model, options)]
    if not models or any(model.get("weights") == "installed" for model in models):
        return None
    best = models[0]
    size = best.get("size_bytes") or best.get("about_bytes") or 0
    if best.get("weights") != "missing" or size <= UNASKED_BYTES:
        return None
    small = next((model for model in models if model.get("weights") == "bundled"), None)
    if small is not None and best["id"] in kept.declined:
        return None
    return DownloadQuestion(
        model=str(best["id"]),
        title=str(best["title"]),
        size=format_bytes(size),
        license=str(best.get("license", "")),
        small=None if small is None else str(small["title"]),
    )


def decide(
    task: Json,
    options: Json,
    paths: Paths,
    ask: Callable[[DownloadQuestion], bool | None],
) -> Json | None:
    """Returns the options of a job with what may be fetched for it; asks and keeps the answer.

    `ask` returns whether to download, or None where nobody can answer. Returns None where there is
    no other model than the large one, and the user does not want that.

    Raises:
        OutputFailed: The answer can't be kept.
    """
    kept = preferences.read(paths)
    asked = question(task, options, kept)
    answer = None if asked is None else ask(asked)
    if asked is not None and answer is not None:
        kept_now = with_answer(kept, asked, answer=answer)
        if kept_now != kept:
            preferences.write(paths, kept_now)
        if not answer and asked.small is None:
            return None
    return with_downloads(task, options, kept, answer)


def with_downloads(task: Json, options: Json, kept: Preferences, answer: bool | None) -> Json:
    """Returns the options of a job: with what the user answered, or has decided for all jobs.

    `answer` is whether to download, or None where there was nothing to ask. An engine of an earlier
    release, which does not describe the option, is not sent it.
    """
    if "downloads" not in task["options"]["properties"]:
        return options
    downloads = kept.downloads if answer is None else ALWAYS if answer else NEVER
    return {**options, "downloads": downloads}


def with_answer(kept: Preferences, asked: DownloadQuestion, *, answer: bool) -> Preferences:
    """Returns what to keep: who took the small model is not asked about the large one again."""
    if answer or asked.small is None:
        return kept
    return Preferences(kept.downloads, kept.declined | {asked.model})


def _fits(model: Json, options: Json) -> bool:
    scale: Any = options.get("scale", AUTO)
    scales = model.get("scales")
    if scale == AUTO or not isinstance(scales, list):
        return True
    least, largest = cast("list[float]", scales)
    return least <= float(scale) <= largest

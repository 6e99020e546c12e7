"""The engine: everything that needs torch, and the facts about the models.

`load` is its door for Python; nothing is imported before it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from pixelmend_engine.restoration.restorer import Restorer


def load(
    model: str = "auto", *, weights: str | os.PathLike[str] | None = None, **options: Any
) -> Restorer:
    """Returns a function that restores pictures with a model, in this process.

        restore = pixelmend_engine.load("hi-diff-compact")
        sharp = restore(blurred)

    Pictures are arrays, Pillow images or paths; see `Restorer.__call__`. With the first one the
    model's weights are downloaded, unless they are here (or `PIXELMEND_OFFLINE` forbids it), into
    the folder that the command line has as well (`PIXELMEND_MODELS`), and then stay loaded.

    Args:
        model: An id from `pixelmend models list`; `auto` is the best of the task that is here or
            can be had.
        weights: A folder, or a file, with weights of your own.
        options: `task` (of a model with several: its first), and that task's options as
            docs/protocol.md lists them, which are those of the command line: `device`, `seed`,
            `strength`, `scale`, `tile`, `precision`, `offline`…

    Raises:
        BadRequest: An option is not what its schema says, or neither a model nor a task is named.
        UnknownModel: There is no such model, or it is not for this task.
        WeightsMissing: Its weights are not on this computer, and may not be downloaded.
    """
    from pixelmend_engine.restoration import restorer

    return restorer.load(model, weights=weights, **options)

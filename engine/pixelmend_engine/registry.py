"""Every model there is, found by id or by task. Read without torch."""

import difflib

from pixelmend.errors import UnknownModel
from pixelmend_engine.catalog import diffir, hidiff
from pixelmend_engine.catalog.spec import ModelSpec, Task

FAMILIES = (hidiff.MODELS, diffir.MODELS)
# Small ones that ship with the package come last: every other is better.
MODELS: tuple[ModelSpec, ...] = tuple(
    sorted((spec for models in FAMILIES for spec in models), key=lambda spec: bool(spec.bundled))
)


def find(model_id: str) -> ModelSpec:
    """Returns the model of that id.

    Raises:
        UnknownModel: There is none; the hint names the nearest.
    """
    ids = [spec.id for spec in MODELS]
    if model_id in ids:
        return MODELS[ids.index(model_id)]
    near = difflib.get_close_matches(model_id.lower(), ids, n=1, cutoff=0.4)
    guess = f"Did you mean `{near[0]}`? " if near else ""
    raise UnknownModel(
        f"There is no model `{model_id}`", hint=f"{guess}`pixelmend models list` shows them all"
    )


def models_of(task: Task) -> tuple[ModelSpec, ...]:
    """Returns the models of a task, best first."""
    return tuple(spec for spec in MODELS if spec.task == task)

"""Every model there is, found by id or by task. Read without torch."""

import difflib

from pixelmend.errors import BadRequest, UnknownModel
from pixelmend_engine.catalog import diffbir, diffir, hidiff
from pixelmend_engine.catalog.spec import ModelSpec, Task

AUTO = "auto"  # the best model that there is for what is asked
DEFAULT_SCALE = 4.0  # of `upscale`, where neither the user nor the model says another

FAMILIES = (hidiff.MODELS, diffir.MODELS, diffbir.MODELS)
BLIND: tuple[Task, ...] = ("face", "restore", "denoise")  # where making up what is lost is best
# Small ones that ship with the package come last: every other is better.
MODELS: tuple[ModelSpec, ...] = tuple(
    sorted((spec for models in FAMILIES for spec in models), key=lambda spec: bool(spec.bundled))
)

TRAINABLE = hidiff.TRAINABLE + diffir.TRAINABLE  # what a user's own weights may be besides


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
    models = (spec for spec in MODELS if task in spec.tasks)
    if task not in BLIND:
        return tuple(models)
    return tuple(sorted(models, key=lambda spec: spec.tiling != "internal"))


def matching(task: Task, model: str, scale: float) -> tuple[ModelSpec, ...]:
    """Returns the models that a choice may mean, best first; one that was named, alone.

    Raises:
        UnknownModel: There is no model of that id, or it is not for this task.
        BadRequest: No model enlarges by that scale, or not the one that was named.
    """
    if model == AUTO:
        specs = tuple(spec for spec in models_of(task) if spec.enlarges(scale))
        if not specs:
            known = sorted({scale for spec in models_of(task) for scale in spec.scales})
            raise BadRequest(
                f"No model enlarges {scale:g} times",
                hint=f"Take another scale: {', '.join(f'{scale:g}' for scale in known)}",
            )
        return specs
    spec = find(model)
    if task not in spec.tasks:
        ids = ", ".join(f"`{spec.id}`" for spec in models_of(task))
        raise UnknownModel(
            f"The model `{model}` is not one for `{task}`, but for {' and '.join(spec.tasks)}",
            hint=f"For `{task}` there are {ids}",
        )
    if not spec.enlarges(scale):
        least, largest = spec.scales
        does = f"{least:g}" if least == largest else f"{least:g} to {largest:g}"
        raise BadRequest(
            f"The model `{model}` enlarges {does} times, not {scale:g}",
            hint="Take that scale, or another model",
        )
    return (spec,)


def scale_of(task: Task, model: str, scale: float | str) -> float:
    """Returns how many times larger a result is to be: as asked, or for `auto` as the model does.

    Raises:
        UnknownModel: There is no model of that id.
    """
    if task != "upscale":
        return 1.0
    if scale != AUTO:
        return float(scale)
    if model == AUTO:
        return DEFAULT_SCALE
    least, largest = find(model).scales
    return min(max(DEFAULT_SCALE, least), largest)

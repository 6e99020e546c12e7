"""What can be asked of the engine, and with which options: described once, for every front end."""

from collections.abc import Callable, Mapping
from typing import Any

from jsonschema import Draft202012Validator

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog import faces, options, registry, weight_files
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings
from pixelmend_engine.catalog.registry import AUTO
from pixelmend_engine.catalog.spec import CONTEXT, WIDEST_HOLE, ModelSpec, Task

FIND_FACES = "find-faces"  # a job of its own: quick, and no front end shows it in a menu
TITLES: dict[Task, str] = {
    "face": "Faces",
    "deblur": "Deblur",
    "restore": "Restore Photo",
    "denoise": "Denoise",
    "upscale": "Upscale",
    "inpaint": "Fill Selection",
}
DESCRIPTIONS: dict[Task, str] = {  # for whoever looks for a command by what it does
    "face": "Makes faces clear that are small, blurred, noisy or old",
    "deblur": "Sharpens what shake, movement or missed focus has blurred",
    "restore": "Takes blur, noise and the traces of JPEG away, all at once",
    "denoise": "Takes noise away, as of high ISO or of a scan",
    "upscale": "Makes a picture larger, with finer detail than resampling has",
    "inpaint": "Fills what is selected, so that it fits what is around it",
}
FINDING: dict[str, Any] = {  # what a front end needs for a choice of faces
    "task": FIND_FACES,
    "options": list(options.FINDING),
    "chooses": "faces",  # the option that takes their numbers
}
RESULTS: dict[Task, str] = {  # how an editor names a result
    "face": "Faces Restored",
    "deblur": "Deblurred",
    "restore": "Restored",
    "denoise": "Denoised",
    "upscale": "Upscaled",
    "inpaint": "Filled",
}


def describe(state: Callable[[ModelSpec, Task], str]) -> list[dict[str, Any]]:
    """Lists the tasks that there are models for, and the JSON Schema of their options.

    `state` says whether a model's weights are on this computer; see `store.states`.
    """
    return [
        {
            "id": task,
            "title": title,
            "description": DESCRIPTIONS[task],
            "result": RESULTS[task],
            "context": faces.CONTEXT if task == "face" else CONTEXT,
            "widest": WIDEST_HOLE if task == "inpaint" else None,
            "models": [
                {
                    "id": spec.id,
                    "title": spec.title,
                    "family": spec.family,
                    "scales": list(spec.scales),
                    "weights": state(spec, task),
                    "size_bytes": weight_files.size_bytes(spec, task),
                    "about_bytes": weight_files.about_bytes(spec, task),
                    "license": spec.license,
                    "source": spec.source,
                }
                for spec in registry.models_of(task)
            ],
            "options": schema(task),
            **({"finds": FINDING} if task == "face" else {}),
        }
        for task, title in TITLES.items()
        if registry.models_of(task)
    ]


def schema(task: Task) -> dict[str, Any]:
    """Returns the JSON Schema of a task's options."""
    return _object(options.of_task(task))


def _object(properties: dict[str, options.Schema]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def check(parameters: Mapping[str, Any]) -> tuple[Task, dict[str, Any]]:
    """Takes a request's parameters apart: the task, and its options with defaults filled in.

    The scale, which every task has here, is a number then, and the model is one for all of it.

    Raises:
        BadRequest: There is no such task, or an option is not what its schema says.
        UnknownModel: There is no such model, or it is not for this task.
    """
    chosen = dict(parameters)
    task = chosen.pop("task", None)
    if not isinstance(task, str) or task not in TITLES:
        raise BadRequest(f"There is no task `{task}`", hint=f"The engine does {', '.join(TITLES)}")
    _refuse_wrong(chosen, schema(task))
    # JSON knows one kind of number: 5.0 is a sound integer there.
    described = options.SPECIAL | options.FACE
    whole = ("seed", "tile", *(n for n, o in described.items() if o.get("type") == "integer"))
    chosen |= {n: int(chosen[n]) for n in whole if isinstance(chosen.get(n), float)}
    _refuse_unused(chosen)
    defaults = {name: option["default"] for name, option in options.of_task(task).items()}
    values = defaults | chosen
    scale = values.get("scale", AUTO)
    scale = AUTO if scale == AUTO else float(scale)
    values["scale"] = registry.scale_of(task, values["model"], scale)
    _refuse_few_steps(registry.matching(task, values["model"], values["scale"]), values)
    if task == "face" and values["background"] != options.NONE:
        registry.matching(*background_of(values))
    return task, values


def _refuse_few_steps(models: tuple[ModelSpec, ...], values: Mapping[str, Any]) -> None:
    # Before gigabytes are downloaded; where there is a choice of models, for the first of them.
    configs = (spec.config for spec in models if isinstance(spec.config, DiffBIRConfig))
    if (config := next(configs, None)) is not None:
        DiffBIRSettings.from_options(config, values)


def background_of(values: Mapping[str, Any]) -> tuple[Task, str, float]:
    """Returns what restores the background of faces: task, model and scale."""
    scale = float(values["upscale"])
    return "restore" if scale == 1 else "upscale", values["background"], scale


def result_scale(values: Mapping[str, Any]) -> float:
    """Returns how many times wider and higher than its source a result is."""
    return float(values.get("upscale", values["scale"]))


def check_finding(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a job that finds faces, with defaults filled in.

    Raises:
        BadRequest: An option is not what its schema says.
    """
    given_values = {name: value for name, value in parameters.items() if name != "task"}
    _refuse_wrong(given_values, _object(options.FINDING))
    defaults = {name: option["default"] for name, option in options.FINDING.items()}
    values = defaults | given_values
    return values | {"min_size": int(values["min_size"])}


def _refuse_wrong(chosen: dict[str, Any], schema: dict[str, Any]) -> None:
    for name in chosen:
        if name not in schema["properties"]:
            raise BadRequest(
                f"There is no option `{name}` here",
                hint=f"There are {', '.join(schema['properties'])}",
            )
    for error in Draft202012Validator(schema).iter_errors(chosen):
        where = ".".join(map(str, error.absolute_path)) or "options"
        raise BadRequest(f"The option {where} is wrong: {error.message}", hint="Change it")


def _refuse_unused(chosen: dict[str, Any]) -> None:
    # An option that would change nothing is a misunderstanding; better told than left out.
    model = chosen.get("model", AUTO)
    if model == AUTO:
        return
    for name in unused(registry.find(model), chosen):
        raise BadRequest(
            f"The model `{model}` has no option {name}",
            hint="Leave it out, or change the model",
        )


def unused(spec: ModelSpec, values: Mapping[str, Any]) -> list[str]:
    """Lists the options that somebody chose and that a model does not have."""
    return [
        name
        for name, option in options.SPECIAL.items()
        if name not in spec.options and values.get(name, option["default"]) != option["default"]
    ]

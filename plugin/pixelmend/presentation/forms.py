"""A dialog's fields, made from a task's description; and its values, as the engine's options.

Every host builds its dialogs from these, so that a new model or option needs no change there.
Runs on Python 3.9, standard library only: hosts load it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Sequence, Union, cast

from ..wire import Json
from .messages import format_bytes, translate

Value = Union[str, int, float]

AUTO = "auto"  # the model that the engine thinks best
NEW, HERE = "new", "here"  # where a larger result goes
LARGEST_INT = 2**31 - 1  # what the hosts' own whole numbers hold


@dataclass(frozen=True)
class Field:
    """One thing that a user can choose; its kind says which widget suits."""

    name: str
    kind: str  # "choice", "number", "integer", "boolean" or "text"
    title: str
    help: str
    default: Value  # of a choice: the text of the value
    minimum: float = 0.0
    maximum: float = 0.0
    choices: tuple[tuple[str, str], ...] = ()  # the text of each value, and how it is shown
    advanced: bool = False  # most users never need it
    models: tuple[str, ...] = ()  # which take it; empty: all do


def fields(task: Json) -> list[Field]:
    """Lists the fields of a task's dialog, in the order of its description.

    What makes sense for files alone is left out.
    """
    properties = cast("dict[str, Json]", task["options"]["properties"])
    return [
        _field(name, option, task)
        for name, option in properties.items()
        if option.get("editors", True)
    ]


def placement(task: Json) -> Field | None:
    """Returns where a result goes that is larger than its source; None: beside it, as a layer."""
    if "scale" not in task["options"]["properties"]:
        return None
    return Field(
        name="place",
        kind="choice",
        title=translate("Result"),
        help=translate("A new image, or a new layer in this one, which is scaled"),
        default=NEW,
        choices=((NEW, translate("New image")), (HERE, translate("Scale this image"))),
    )


def _field(name: str, option: Json, task: Json) -> Field:
    kind, choices = "text", ()
    minimum, maximum = float(option.get("minimum", 0)), float(option.get("maximum", LARGEST_INT))
    if name == "model":
        kind, choices = "choice", ((AUTO, _label(AUTO)), *map(_model, task["models"]))
    elif values := _values(option):
        kind, choices = "choice", tuple((str(value), _label(value)) for value in values)
    elif option.get("type") in ("number", "integer", "boolean"):
        kind = cast("str", option["type"])
        maximum = min(maximum, LARGEST_INT)
    default = option["default"]
    return Field(
        name=name,
        kind=kind,
        title=translate(option.get("title", name)),
        help=translate(option.get("description", "")),
        default=str(default) if kind in ("choice", "text") else default,
        minimum=minimum,
        maximum=maximum,
        choices=choices,
        advanced=bool(option.get("advanced", False)),
        models=tuple(option.get("models", ())),
    )


def _values(option: Json) -> list[Any]:
    # What a choice is made from: an enumeration, or constants beside numbers, of which the
    # description names some.
    if "enum" in option:
        return list(option["enum"])
    constants = [b["const"] for b in cast("list[Json]", option.get("anyOf", [])) if "const" in b]
    return [*constants, *option.get("examples", [])] if constants else []


def _label(value: object) -> str:
    names = {"auto": translate("Automatic"), "0": translate("Never")}
    return names.get(str(value), str(value))


def _model(model: Json) -> tuple[str, str]:
    label = str(model["title"])
    if model.get("weights") == "missing":
        state = [translate("not on this computer"), download_size(model)]
        label += f" ({', '.join(part for part in state if part)})"
    return str(model["id"]), label


def download_size(model: Json) -> str:
    """Says how much a model's weights are to download, or about; empty where nobody knows."""
    known = model.get("size_bytes") or model.get("about_bytes")
    return format_bytes(known) if known else ""


def options(task: Json, values: dict[str, Value]) -> Json:
    """Turns the answers of a dialog into the options that the engine takes.

    What the chosen model has no use for is left out.
    """
    properties = cast("dict[str, Json]", task["options"]["properties"])
    model = values.get("model", AUTO)
    return {
        name: _value(values[name], _values(option))
        for name, option in properties.items()
        if name in values and applies_to(model, option.get("models", ()))
    }


def applies_to(model: object, models: Sequence[str]) -> bool:
    """Tells whether a model takes an option that is for these models; for none means for all."""
    return not models or model == AUTO or model in models


def _value(answer: Value, values: list[Any]) -> Value:
    return next((value for value in values if str(value) == answer), answer)


def initial_value(field: Field, options: Json) -> Value:
    """Returns what a dialog shows for options that were chosen before; the reverse of `options`."""
    value = options.get(field.name, field.default)
    if field.kind != "choice":
        return value
    known = [text for text, _ in field.choices]
    return str(value) if str(value) in known else field.default


def detection(task: Json) -> Json:
    """Returns how what a task restores is found, to choose among it; empty where it is not."""
    return cast("Json", task.get("finds", {}))


def inpaints(task: Json) -> bool:
    """Tells whether a task makes up what is not there, so that it may do so beside all pixels."""
    return task["widest"] is not None


def model_of(task: Json, chosen: object) -> Json | None:
    """Returns the description of a model; None for `auto`, and where there is none of that id."""
    return next((model for model in task["models"] if model["id"] == chosen), None)

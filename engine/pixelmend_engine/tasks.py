"""What can be asked of the engine, and with which options: described once, for every front end."""

from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from pixelmend.errors import BadRequest
from pixelmend_engine import registry, weights
from pixelmend_engine.catalog.spec import MIN_TILE, Task

AUTO = "auto"
TITLES: dict[Task, str] = {"deblur": "Deblur"}
RESULTS: dict[Task, str] = {"deblur": "Deblurred"}  # how an editor names a result
MAX_SEED = 2**63 - 1  # what torch's generators take

OPTIONS: dict[str, Any] = {
    "model": {
        "title": "Model",
        "description": "An id from `models`, or auto: the best; downloaded on first use",
        "type": "string",
        "default": AUTO,
    },
    "strength": {
        "title": "Strength",
        "description": "0 keeps the picture, 1 takes the restored one",
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 1.0,
    },
    "seed": {
        "title": "Seed",
        "description": "What the noise is drawn from",
        "type": "integer",
        "minimum": 0,
        "maximum": MAX_SEED,
        "default": 0,
    },
    "tile": {
        "title": "Tile",
        "description": "Longest side of a tile in pixels; 0: never cut; auto: as memory allows",
        "anyOf": [
            {"const": AUTO},
            {"const": 0},
            {"type": "integer", "minimum": MIN_TILE},
        ],
        "default": AUTO,
        "advanced": True,
    },
    "device": {
        "title": "Device",
        "description": "auto, cpu, cuda or cuda:N",
        "type": "string",
        "default": AUTO,
        "advanced": True,
    },
    "precision": {
        "title": "Precision",
        "description": "auto: fp32 on a CPU, half on a GPU",
        "enum": [AUTO, "fp32", "bf16", "fp16"],
        "default": AUTO,
        "advanced": True,
    },
    "offline": {
        "title": "Offline",
        "description": "Download nothing: do with the models that are on this computer",
        "type": "boolean",
        "default": False,
        "advanced": True,
    },
}


def describe(models_dir: Path) -> list[dict[str, Any]]:
    """Lists the tasks, their models and the JSON Schema of their options."""
    return [
        {
            "id": task,
            "title": title,
            "result": RESULTS[task],
            "models": [
                {
                    "id": spec.id,
                    "title": spec.title,
                    "family": spec.family,
                    "scale": spec.scale,
                    "weights": weights.state(spec, models_dir),
                    "size_bytes": weights.size_bytes(spec),
                    "about_bytes": weights.about_bytes(spec),
                    "license": spec.license,
                    "source": spec.source,
                }
                for spec in registry.models_of(task)
            ],
            "options": schema(),
        }
        for task, title in TITLES.items()
    ]


def schema() -> dict[str, Any]:
    """Returns the JSON Schema of a task's options."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": OPTIONS,
        "additionalProperties": False,
    }


def check(facts: dict[str, Any]) -> tuple[Task, dict[str, Any]]:
    """Takes a request's facts apart: the task, and its options with defaults filled in.

    Raises:
        BadRequest: There is no such task, or an option is not what its schema says.
    """
    options = dict(facts)
    task = options.pop("task", None)
    if not isinstance(task, str) or task not in TITLES:
        raise BadRequest(f"There is no task `{task}`", hint=f"The engine does {', '.join(TITLES)}")
    for error in Draft202012Validator(schema()).iter_errors(options):
        where = ".".join(map(str, error.absolute_path)) or "options"
        raise BadRequest(f"The option {where} is wrong: {error.message}", hint="Change it")
    # JSON knows one kind of number: 5.0 is a sound integer there.
    given = {
        name: int(value) if name in ("seed", "tile") and isinstance(value, float) else value
        for name, value in options.items()
    }
    defaults = {name: option["default"] for name, option in OPTIONS.items()}
    return task, defaults | given

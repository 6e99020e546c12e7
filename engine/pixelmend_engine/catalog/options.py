"""What a user may choose for a restoration, as JSON Schema: every front end is made from it.

Read without torch, and without jsonschema: the command line's help comes from here.
"""

from typing import Any

from pixelmend.preferences import ASK, DOWNLOADS
from pixelmend_engine.catalog import diffbir, registry
from pixelmend_engine.catalog.faces import MIN_SIZE
from pixelmend_engine.catalog.registry import AUTO
from pixelmend_engine.catalog.spec import MIN_TILE, Task

MAX_SEED = 2**63 - 1  # what torch's generators take
MAX_SCALE = 8

Schema = dict[str, Any]

MODEL: Schema = {
    "title": "Model",
    "description": "An id from `models`, or auto: the best; downloaded on first use",
    "type": "string",
    "default": AUTO,
}
SCALE: Schema = {
    "title": "Scale",
    "description": "How many times wider and higher the result is; auto: as the model does, or 4",
    "anyOf": [
        {"const": AUTO},
        {"type": "number", "minimum": 1, "maximum": MAX_SCALE},
    ],
    "examples": [2, 4],
    "default": AUTO,
}
SPECIAL: dict[str, Schema] = {  # what some models take: they name them in `ModelSpec.options`
    "fidelity": {
        "title": "Fidelity",
        "description": "0 takes the model's own picture, more keeps nearer to the source, slowly: "
        "0.5 is the published setting (sampler spaced)",
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "default": 0.0,
    },
    "prompt": {
        "title": "Prompt",
        "description": "What the picture is to look like; auto: the authors' words",
        "type": "string",
        "default": AUTO,
        "advanced": True,
    },
    "negative_prompt": {
        "title": "Negative prompt",
        "description": "What it is not to look like; auto: the authors' words",
        "type": "string",
        "default": AUTO,
        "advanced": True,
    },
    "steps": {
        "title": "Steps",
        "description": "Of the diffusion; 0: as many as the authors take",
        "type": "integer",
        "minimum": 0,
        "maximum": 999,
        "default": 0,
        "advanced": True,
    },
    "sampler": {
        "title": "Sampler",
        "description": "How the diffusion walks; auto: as the authors do",
        "enum": [AUTO, *diffbir.SAMPLERS],
        "default": AUTO,
        "advanced": True,
    },
    "cfg_scale": {
        "title": "Guidance",
        "description": "How much the prompts count; 1: not at all; 0: as much as the authors let "
        "them",
        "type": "number",
        "minimum": 0,
        "maximum": 20,
        "default": 0.0,
        "advanced": True,
    },
    "rising_cfg": {
        "title": "Rising guidance",
        "description": "Let the prompts count more and more from step to step",
        "type": "boolean",
        "default": False,
        "advanced": True,
    },
    "start_point": {
        "title": "Start",
        "description": "What the diffusion starts from: noise, or the cleaned picture in noise",
        "enum": ["noise", "cond"],
        "default": "noise",
        "advanced": True,
    },
    "noise_aug": {
        "title": "Freedom",
        "description": "Noise on what the model sees of the cleaned picture: more lets it make up "
        "more (v2.1 was trained so)",
        "type": "integer",
        "minimum": 0,
        "maximum": 199,
        "default": 0,
        "advanced": True,
    },
    "control_strength": {
        "title": "Control",
        "description": "How much the cleaned picture counts",
        "type": "number",
        "minimum": 0,
        "maximum": 2,
        "default": 1.0,
        "advanced": True,
    },
    "color_fix": {
        "title": "Colors",
        "description": "How the cleaned picture's colors are taken over",
        "enum": ["wavelet", "adain", "none"],
        "default": "wavelet",
        "advanced": True,
    },
}
COMMON: dict[str, Schema] = {
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
        "examples": [256, 512, 1024, 2048],
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
    "downloads": {
        "title": "Downloads",
        "description": "What auto may fetch: always the best model; up to 200 MB (ask: who sends "
        "a job has asked before); never anything",
        "enum": list(DOWNLOADS),
        "default": ASK,
        "advanced": True,
        "editors": False,  # they ask, and keep the answer
    },
}


ALL = "all"  # of the faces of a picture
NONE = "none"  # no model at all
MAX_UPSCALE = 4
FACE: dict[str, Schema] = {  # of faces, beside the background, which names models
    "faces": {
        "title": "Faces",
        "description": "Which faces, as numbers with commas, 0 for the largest; or all",
        "type": "string",
        "pattern": r"^(all|\d{1,4}(,\d{1,4})*)$",
        "default": ALL,
    },
    "min_size": {
        "title": "Smallest Face",
        "description": "In pixels, the longer side of its box; smaller faces are left alone",
        "type": "integer",
        "minimum": 1,
        "maximum": 100_000,
        "default": MIN_SIZE,
    },
    "boxes": {
        "title": "Boxes",
        "description": "Where the faces are, in pixels: X,Y,W,H, several with semicolons; none are "
        "looked for then",
        "type": "string",
        "pattern": r"^(\d{1,6},\d{1,6},\d{1,6},\d{1,6}(;\d{1,6},\d{1,6},\d{1,6},\d{1,6}){0,99})?$",
        "default": "",
        "editors": False,  # there, what is selected marks a face
    },
    "upscale": {
        "title": "Enlarge",
        "description": "How many times wider and higher the result is",
        "type": "number",
        "minimum": 1,
        "maximum": MAX_UPSCALE,
        "default": 1.0,
        "editors": False,  # where the result is a layer of the picture's size
    },
    "aligned": {
        "title": "Aligned",
        "description": "The picture is one upright face already: restore it whole",
        "type": "boolean",
        "default": False,
        "advanced": True,
    },
}


def background() -> Schema:
    """Describes the choice of what restores the rest of a picture whose faces are restored."""
    models = dict.fromkeys(
        spec.id for task in ("restore", "upscale") for spec in registry.models_of(task)
    )
    return {
        "title": "Background",
        "description": "Restore the rest of the picture with this model; none: it stays as it is",
        "enum": [NONE, AUTO, *models],
        "default": NONE,
    }


FINDING: dict[str, Schema] = {  # of finding faces, which needs no model that restores
    "min_size": FACE["min_size"],
    **{name: COMMON[name] for name in ("device", "offline")},
}


def of_task(task: Task) -> dict[str, Schema]:
    """Lists a task's options; `models` says which models take one, where not all do."""
    models = registry.models_of(task)
    special = {
        name: {**SPECIAL[name], "models": [spec.id for spec in models if name in spec.options]}
        for name in SPECIAL
        if any(name in spec.options for spec in models)
    }
    scale = {"scale": SCALE} if task == "upscale" else {}
    face = {**FACE, "background": background()} if task == "face" else {}
    described = {"model": MODEL, **scale, **face, **special, **COMMON}
    # What few users need comes last; what all tasks have keeps its order.
    return dict(sorted(described.items(), key=lambda item: bool(item[1].get("advanced"))))

"""A hash of everything that the weights of a run depend on, by which a resumed run is recognized.

It is stored in the run's folder. So what is hashed keeps the names and values that it had when
runs were first stored, whatever classes and fields are called since.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pixelmend_engine.training.stage_spec import StageSpec

CLASSES = {
    "AdversarialSettings": "Rivalry",
    "CameraSettings": "Degradation",
    "ConstantUntil": "Hold",
    "CosineSegment": "Cycle",
    "DownscalingSettings": "Reduction",
    "InpaintingMaskSettings": "Holes",
    "RealESRGANSettings": "RealWorld",
    "StageSpec": "Plan",
}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "AdversarialSettings": {"discriminator": "game"},
    "InpaintingMaskSettings": {"augmented": "varied"},
    "Recipe": {"orientations": "turns", "degradation": "worsening", "pool_size": "pool"},
    "Stage": {
        "ema_decay": "average",
        "pixel_loss_region": "known_alone",
        "joint_training_from": "joint_from",
        "adversarial": "rivalry",
        "perceptual_network": "sight",
        "degradation": "worsening",
    },
    "StageSpec": {"folders": "sources", "perceptual_weights": "perception"},
}
VALUES: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("AdversarialSettings", "discriminator"): {"unet": "pixels", "patch": "patches"},
    ("Stage", "pixel_loss"): {"l1": "absolute", "psnr": "decibels"},
    ("Stage", "pixel_loss_region"): {"all": False, "known": True, "holes": "holes"},
}
# Settings that came later, and what they are where a stored run knew nothing of them.
LATER: Mapping[tuple[str, str], object] = {
    ("CameraSettings", "recompressed_share"): 0.0,
    ("CameraSettings", "grain_size"): (0.0, 0.0),
    ("CameraSettings", "specks"): (0.0, 0.0),
    ("CameraSettings", "gray_share"): 0.0,
    ("CameraSettings", "soft_original_share"): 0.0,
    ("CameraSettings", "soft_original"): (0.5, 2.0),
    ("CameraSettings", "display_light_share"): 0.0,
    ("RealESRGANSettings", "enlarged"): False,
    ("DiffIRConfig", "encoder"): "published",
    ("DownscalingSettings", "worn"): None,
    ("Recipe", "guards_prior"): False,
    ("Recipe", "least_side"): 0,
    ("Recipe", "whole"): False,
    ("Stage", "blur_weight"): 0.0,
    ("Stage", "condition_noise"): 0,
    ("Stage", "dropped_captions"): 0.0,
    ("StageSpec", "base"): (),
    ("StageSpec", "captions"): False,
    ("StageSpec", "pool"): None,
}


def fingerprint(spec: StageSpec, pictures: Sequence[str], processes: int) -> str:
    """Returns the hash of a stage that is trained on pictures of these names."""
    # Folders and files may be moved.
    portable = dataclasses.replace(
        spec, folders=(), teacher=(), start=(), base=(), discriminator=None, perceptual_weights=None
    )
    starts = (spec.discriminator is not None, spec.perceptual_weights is not None)
    if spec.number <= 2 and spec.start:  # else a second stage has a teacher
        starts = (*starts, bool(spec.teacher))
    weights = [folder.weight for folder in spec.folders]
    facts = (portable, starts, weights, list(pictures), processes)
    return hashlib.sha256(stored_text(facts).encode()).hexdigest()


def stored_text(value: object) -> str:
    """Writes a value as Python does, in the names that it is stored under."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = type(value).__name__
        renamed = FIELDS.get(kind, {})
        fields = (
            f"{renamed.get(field.name, field.name)}={_field_text(kind, field.name, value)}"
            for field in dataclasses.fields(value)
            if (kind, field.name) not in LATER
            or getattr(value, field.name) != LATER[kind, field.name]
        )
        return f"{CLASSES.get(kind, kind)}({', '.join(fields)})"
    if isinstance(value, tuple):
        parts = [stored_text(part) for part in cast("tuple[Any, ...]", value)]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    return repr(value)


def _field_text(kind: str, name: str, owner: object) -> str:
    value: Any = getattr(owner, name)
    if (kind, name) in VALUES:
        value = VALUES[kind, name].get(value, value)  # later ones are stored as they are
    return stored_text(value)

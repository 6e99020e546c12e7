"""From a model's facts to a loaded model: files read, family found, networks filled."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.models import diffir, hidiff
from pixelmend_engine.models.diffbir import model
from pixelmend_engine.models.pipeline import Pipeline
from pixelmend_engine.weights.checkpoints import reading
from pixelmend_engine.weights.checkpoints.files import DIFFUSERS

logger = logging.getLogger(__name__)


def load(
    candidates: Sequence[ModelSpec],
    files: Sequence[Path],
    device: torch.device,
    dtype: torch.dtype,
    rest: Sequence[Path] = (),
) -> tuple[ModelSpec, Pipeline]:
    """Loads the first of the candidate models whose names and shapes the files have.

    Networks of DiffBIR that are not in these files are taken from `rest`, its published ones.

    Raises:
        UnreadableCheckpoint: The files are damaged, or fit none of them.
    """
    states = {_name(path): reading.read(path) for path in files}
    refusal: UnreadableCheckpoint | None = None
    for spec in candidates:
        try:
            pipeline = _build(spec, states, device, dtype, rest)
        except UnreadableCheckpoint as error:
            refusal = error
        else:
            logger.info("loaded %s on %s in %s", spec.id, device, dtype)
            return spec, pipeline
    if refusal is None or len(candidates) > 1:
        raise UnreadableCheckpoint(
            "The weights are those of no model that Pixelmend knows for this task",
            hint="Name the model with --model to see what differs; where it enlarges, --scale "
            "says how many times",
        ) from refusal
    raise refusal


def _name(path: Path) -> str:
    # diffusers calls the files of several networks alike, and tells them by their folders.
    return f"{path.parent.name}/{path.name}" if path.parent.name in DIFFUSERS else path.name


def _build(
    spec: ModelSpec,
    states: Mapping[str, reading.StateDict],
    device: torch.device,
    dtype: torch.dtype,
    rest: Sequence[Path],
) -> Pipeline:
    def read_rest() -> dict[str, reading.StateDict]:
        return {_name(path): reading.read(path) for path in rest}

    match spec.config:
        case HIDiffConfig() as config:
            return hidiff.load(config, states, device, dtype)
        case DiffIRConfig() as config:
            return diffir.load(config, states, device, dtype)
        case DiffBIRConfig() as config:
            return model.load(config, states, device, dtype, read_rest)
        case _:
            raise AssertionError(spec.config)

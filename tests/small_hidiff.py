"""HI-Diff in a size that runs and learns in no time; it is good for nothing else."""

import dataclasses
from pathlib import Path

import torch
from fakes import CPU
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.hidiff import COMPACT
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.models import hidiff
from pixelmend_engine.models.hidiff import HIDiff
from pixelmend_engine.models.prior_guided import PriorGuidedPipeline
from pixelmend_engine.weights import store
from pixelmend_engine.weights.checkpoints.reading import StateDict

CONFIG = dataclasses.replace(
    COMPACT,
    dim=8,
    blocks=(1, 1, 1, 1),
    embed_dim=8,
    encoder_blocks=1,
    denoiser_width=16,
    denoiser_blocks=3,
    steps=4,
)


def small(model_id: str) -> ModelSpec:
    """A published model in this size."""
    return dataclasses.replace(registry.find(model_id), config=CONFIG)


def random_state() -> StateDict:
    """The same random weights each time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = HIDiff(CONFIG, teacher=False).state_dict()
    return {key: tensor.contiguous() for key, tensor in state.items()}


def pipeline(dtype: torch.dtype = torch.float32) -> PriorGuidedPipeline:
    """A small system with random weights, that did not go through files."""
    return hidiff.load(CONFIG, {"small": random_state()}, CPU, dtype)


def install(model_id: str, models_dir: Path) -> None:
    """Puts random weights where the program has a model's."""
    path = store.path_of(model_id, models_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(random_state(), path)

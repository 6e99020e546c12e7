"""How much memory a step of training takes, found out without taking any.

The step is run on torch's fake tensors, which have shapes and no contents, and what is alive at
once is added up: weights, gradients, the optimizer's state, and what is kept for gradients. A
library's workspace and the fragments between tensors come on top.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from pixelmend.errors import OutOfMemory
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.models import hidiff
from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.data.latent_pool import LatentBatch
from pixelmend_engine.training.frozen_networks import FrozenNetworks
from pixelmend_engine.training.initial_weights import Objective
from pixelmend_engine.training.objectives.control import ControlObjective
from pixelmend_engine.training.objectives.diffir import DiffIRObjective
from pixelmend_engine.training.objectives.hidiff import HIDiffObjective
from pixelmend_engine.training.objectives.restoration_module import RestorationObjective
from pixelmend_engine.training.stage_spec import StageSpec

STEPS = 2  # of which the second has the optimizer's state beside everything else
USABLE = 0.9  # of what is free: workspace and fragments come on top
GB = 10**9  # bytes
CPU = torch.device("cpu")


@dataclass(frozen=True)
class MemoryEstimate:
    """What a step takes, in bytes."""

    fixed_bytes: int  # with no picture at all
    picture_bytes: int  # more for each that is computed at once

    def bytes_of(self, pictures: int) -> int:
        """Returns what a step takes that computes so many pictures at once."""
        return self.fixed_bytes + pictures * self.picture_bytes

    def fitting(self, free_bytes: int) -> int:
        """Returns how many pictures at once fit; 0: none."""
        return max(0, int((USABLE * free_bytes - self.fixed_bytes) // self.picture_bytes))


def estimate(spec: StageSpec, dtype: torch.dtype, device: torch.device) -> MemoryEstimate:
    """Returns what steps of a stage take, of the largest crops; without a discriminator's."""
    one, two = (step_bytes(spec, dtype, pictures, device) for pictures in (1, 2))
    return MemoryEstimate(one - (two - one), two - one)


def pictures_at_once(
    memory: MemoryEstimate, *, wanted: int | None, batch: int, free_bytes: int
) -> int:
    """Returns how many pictures of a step are computed together: as wanted, or as many as fit.

    Raises:
        OutOfMemory: So many do not fit; the message says what would.
    """
    fitting = memory.fitting(free_bytes)
    if fitting < (wanted or 1):
        needed = memory.bytes_of(wanted or 1)
        raise OutOfMemory(
            f"A step of training takes about {needed / GB:.1f} GB with {wanted or 1} at once, and "
            f"{free_bytes / GB:.1f} GB are free",
            hint=f"Use --at-once {fitting}"
            if fitting
            else "Close other programs, or train on a computer with more memory",
        )
    return min(batch, wanted or fitting)


def step_bytes(
    spec: StageSpec, dtype: torch.dtype, pictures: int, device: torch.device = CPU
) -> int:
    """Returns the most that is alive at once in a step with so many pictures, in bytes.

    On another device than the CPU, without what lies there only before and after steps.
    """
    with FakeTensorMode(), LiveStorages() as live:
        objective = unfilled(spec, dtype)
        objective.set_trainable(prior_only=False)
        objective.train()
        if isinstance(objective, ControlObjective) and device.type != "cpu":
            del objective.frozen
        trained = [p for part in objective.parts.values() for p in part.parameters()]
        optimizer = torch.optim.AdamW([p for p in trained if p.requires_grad], fused=True)
        for _ in range(STEPS):
            batch = _empty_batch(spec, pictures)
            draws = objective.draw(batch, torch.Generator())
            outcome = objective(*batch.inputs, draws)
            torch.stack([*outcome.losses.values()]).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            del batch, draws, outcome
    return live.peak_bytes


class LiveStorages(TorchDispatchMode):
    """Adds up the storages of tensors, from when an operation makes them until nobody has them."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self.peak_bytes = 0
        self._known: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Runs an operation, and looks at what it gives."""
        result = func(*args, **(kwargs or {}))
        for value in tree_iter(result):
            if isinstance(value, Tensor):
                self._add(value.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata  # pyright: ignore[reportPrivateUsage] - a storage has no other identity
        if key in self._known:
            return
        self._known[key] = storage.nbytes()
        self.bytes += storage.nbytes()
        self.peak_bytes = max(self.peak_bytes, self.bytes)
        weakref.finalize(storage, self._remove, key)

    def _remove(self, key: int) -> None:
        self.bytes -= self._known.pop(key)


def unfilled(spec: StageSpec, dtype: torch.dtype) -> Objective:
    """Makes the networks of a stage, with no weights of their own."""
    stage, number = spec.stage, spec.number
    match spec.recipe.config:
        case HIDiffConfig() as config:
            return HIDiffObjective(hidiff.HIDiff(config, teacher=True), number, stage, dtype)
        case DiffIRConfig() as config:
            return DiffIRObjective(config, number, stage, dtype)
        case DiffBIRConfig() as config if number == 1:
            return RestorationObjective(config, stage, dtype)
        case DiffBIRConfig() as config:
            return ControlObjective(config, stage, FrozenNetworks(config, CPU, dtype), dtype)


def _empty_batch(spec: StageSpec, pictures: int) -> Batch | LatentBatch:
    config, side = spec.recipe.config, max(phase.patch for phase in spec.stage.phases)
    channels, scale = 3, 1
    if isinstance(config, DiffIRConfig):
        channels, scale = config.inputs, config.scale
    if isinstance(config, DiffBIRConfig) and spec.number == 2:
        small = side // config.autoencoder.shrink
        return LatentBatch(
            torch.empty(pictures, 8, small, small),
            torch.empty(pictures, 4, small, small),
            torch.empty(pictures, config.text.tokens, config.text.width),
        )
    return Batch(
        torch.empty(pictures, channels, side // scale, side // scale),
        torch.empty(pictures, 3, side, side),
    )

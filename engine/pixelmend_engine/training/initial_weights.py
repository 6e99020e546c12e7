"""What a stage begins with: random weights, or those of stages before, ours or the authors'."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from pixelmend.errors import BadRequest, UnreadableCheckpoint
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.models import hidiff
from pixelmend_engine.models.diffir import DUPLICATES
from pixelmend_engine.training.objectives import adversarial_losses, perceptual
from pixelmend_engine.training.objectives.diffir import DiffIRObjective
from pixelmend_engine.training.objectives.hidiff import HIDiffObjective
from pixelmend_engine.training.plan import Plan
from pixelmend_engine.weights.checkpoints import reading
from pixelmend_engine.weights.checkpoints.reading import StateDict

Objective = HIDiffObjective | DiffIRObjective


def seed(*numbers: int) -> int:
    """Makes one seed of several numbers, that has nothing to do with those of others."""
    digest = hashlib.sha256(repr(numbers).encode()).digest()
    return int.from_bytes(digest[:8], "little") % 2**63


def objective(plan: Plan, dtype: torch.dtype) -> Objective:
    """Makes the networks of a stage, and fills those that stages before have trained.

    Raises:
        UnreadableCheckpoint: A file holds other networks.
        BadRequest: A file is one of another stage.
    """
    stage, config = plan.stage, plan.recipe.config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed(plan.seed, plan.number))
        match config:
            case HIDiffConfig():
                first, second = hidiff_networks(plan.teacher), hidiff_networks(plan.start)
                networks = hidiff.HIDiff(config, teacher=bool(first) or not second)
                made = HIDiffObjective(networks, plan.number, stage, dtype)
            case DiffIRConfig():
                adversary = None
                if (rivalry := stage.rivalry) is not None:
                    adversary = adversarial_losses.adversary(rivalry.game, rivalry.width)
                made = DiffIRObjective(config, plan.number, stage, dtype, adversary=adversary)
                first, second = diffir_networks(plan.teacher), diffir_networks(plan.start)
            case _:
                raise AssertionError(config)
    if isinstance(made, DiffIRObjective):
        if stage.sight is not None and plan.perception is not None:
            made.perception = perceptual.read(stage.sight, plan.perception)
        if made.adversary is not None and plan.discriminator is not None:
            _fill_discriminator(made.adversary.discriminator, plan.discriminator)
    made.begin(first, second)
    return made


def hidiff_networks(files: Sequence[Path]) -> dict[str, StateDict]:
    """Reads networks of HI-Diff: a file for each, or one of ours for all.

    Raises:
        UnreadableCheckpoint: One is none of HI-Diff, or comes twice.
    """
    return hidiff.convert({path.name: reading.read(path) for path in files})


def diffir_networks(files: Sequence[Path]) -> dict[str, StateDict]:
    """Reads the networks of one stage of DiffIR, in any of the layouts that it is published in.

    Raises:
        UnreadableCheckpoint: There are several files, or it is none of DiffIR.
    """
    if not files:
        return {}
    if len(files) > 1:
        raise UnreadableCheckpoint(
            f"A stage of DiffIR is one file, and there are {len(files)}",
            hint="Name the file itself",
        )
    networks: dict[str, StateDict] = {}
    for key, tensor in reading.read(files[0]).items():
        if not key.startswith(DUPLICATES):
            network, _, name = key.partition(".")
            networks.setdefault(network, {})[name] = tensor
    return networks


def _fill_discriminator(network: torch.nn.Module, path: Path) -> None:
    state = reading.read(path, part="discriminator")
    wanted = network.state_dict()
    wrong = sorted(wanted.keys() ^ state.keys()) or sorted(
        key for key in wanted if wanted[key].shape != state[key].shape
    )
    if wrong:
        raise BadRequest(
            f"The file is not that of the recipe's discriminator ({wrong[0]}): `{path}`",
            hint="Published ones have `net_d` in their name",
        )
    network.load_state_dict(state)

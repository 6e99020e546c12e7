"""What a stage begins with: random weights, or those of stages before, ours or the authors'."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch

from pixelmend.errors import BadRequest, UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.models import hidiff
from pixelmend_engine.models.diffbir import files as diffbir_files
from pixelmend_engine.models.diffir import DUPLICATES
from pixelmend_engine.training.frozen_networks import FrozenNetworks
from pixelmend_engine.training.objectives import adversarial_losses, perceptual
from pixelmend_engine.training.objectives.control import ControlObjective
from pixelmend_engine.training.objectives.diffir import DiffIRObjective
from pixelmend_engine.training.objectives.hidiff import HIDiffObjective
from pixelmend_engine.training.objectives.restoration_module import RestorationObjective
from pixelmend_engine.training.stage_spec import StageSpec
from pixelmend_engine.weights.checkpoints import reading
from pixelmend_engine.weights.checkpoints.reading import StateDict

CPU = torch.device("cpu")
PriorObjective = HIDiffObjective | DiffIRObjective
Objective = PriorObjective | RestorationObjective | ControlObjective


def derive_seed(*numbers: int) -> int:
    """Makes one seed of several numbers, that has nothing to do with those of others."""
    digest = hashlib.sha256(repr(numbers).encode()).digest()
    return int.from_bytes(digest[:8], "little") % 2**63


def build_objective(spec: StageSpec, dtype: torch.dtype, device: torch.device = CPU) -> Objective:
    """Makes the networks of a stage, and fills those that stages before have trained.

    Raises:
        UnreadableCheckpoint: A file holds other networks.
        BadRequest: A file is one of another stage.
    """
    stage, config = spec.stage, spec.recipe.config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(spec.seed, spec.number))
        match config:
            case HIDiffConfig():
                first, second = read_hidiff(spec.teacher), read_hidiff(spec.start)
                needs_teacher = spec.number == 1 or bool(first) or not second
                networks = hidiff.HIDiff(config, teacher=needs_teacher)
                objective = HIDiffObjective(networks, spec.number, stage, dtype)
            case DiffIRConfig():
                gan_loss = None
                if (adversarial := stage.adversarial) is not None:
                    gan_loss = adversarial_losses.build_gan_loss(
                        adversarial.discriminator, adversarial.width
                    )
                objective = DiffIRObjective(config, spec.number, stage, dtype, gan_loss=gan_loss)
                first, second = read_diffir(spec.teacher), read_diffir(spec.start)
            case DiffBIRConfig() if spec.number == 2:
                return _control_objective(spec, config, dtype, device)
            case DiffBIRConfig():
                restoration = RestorationObjective(config, stage, dtype)
                restoration.load_initial(read_restoration_module(config, spec.start))
                return restoration
    if isinstance(objective, DiffIRObjective):
        if stage.perceptual_network is not None and spec.perceptual_weights is not None:
            objective.perceptual_network = perceptual.load(
                stage.perceptual_network, spec.perceptual_weights
            )
        if objective.gan_loss is not None and spec.discriminator is not None:
            _load_discriminator(objective.gan_loss.discriminator, spec.discriminator)
    objective.load_initial(first, second)
    return objective


def read_hidiff(files: Sequence[Path]) -> dict[str, StateDict]:
    """Reads networks of HI-Diff: a file for each, or one of ours for all.

    Raises:
        UnreadableCheckpoint: One is none of HI-Diff, or comes twice.
    """
    return hidiff.convert({path.name: reading.read(path) for path in files})


def read_diffir(files: Sequence[Path]) -> dict[str, StateDict]:
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


def _control_objective(
    spec: StageSpec, config: DiffBIRConfig, dtype: torch.dtype, device: torch.device
) -> ControlObjective:
    states = {} if spec.base == spec.start else _read_diffbir(config, spec.base)
    states.pop("control", None)  # the stage begins with the U-Net, unless it goes on
    states |= _read_diffbir(config, spec.start)
    if spec.teacher:
        states = {key: state for key, state in states.items() if not key.startswith("swinir")}
        states |= read_restoration_module(config, spec.teacher)
    frozen = FrozenNetworks.filled(config, states, device, dtype)
    objective = ControlObjective(config, spec.stage, frozen, dtype)
    objective.load_initial(states)
    return objective


def _read_diffbir(config: DiffBIRConfig, files: Sequence[Path]) -> dict[str, StateDict]:
    return diffbir_files.sorted_by_network(config, {p.name: reading.read(p) for p in files})


def read_restoration_module(config: DiffBIRConfig, files: Sequence[Path]) -> dict[str, StateDict]:
    """Reads what removes degradations from the files of a DiffBIR system, under its name in it.

    One for faces and one for all else have the same names and shapes, and either will do.

    Raises:
        UnreadableCheckpoint: There are files, and it is in none of them.
    """
    if not files:
        return {}
    name = config.restoration_modules[0][1]
    networks = _read_diffbir(config, files)
    for candidate in (name, "swinir", "swinir_face"):
        if candidate in networks:
            return {name: networks[candidate]}
    raise UnreadableCheckpoint(
        f"What removes degradations (SwinIR) is not in `{files[0].parent}`",
        hint="Name the file that stage 1 has left, or a published one",
    )


def _load_discriminator(network: torch.nn.Module, path: Path) -> None:
    state = reading.read(path, part="discriminator")
    expected = network.state_dict()
    mismatched = sorted(expected.keys() ^ state.keys()) or sorted(
        key for key in expected if expected[key].shape != state[key].shape
    )
    if mismatched:
        raise BadRequest(
            f"The file is not that of the recipe's discriminator ({mismatched[0]}): `{path}`",
            hint="Published ones have `net_d` in their name",
        )
    network.load_state_dict(state)

"""Weights in the layouts of the published code, so that it can go on with them."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from pixelmend_engine.diffusion.schedule import Schedule
from pixelmend_engine.models.diffir import DUPLICATES
from pixelmend_engine.training.objectives.control import ControlObjective
from pixelmend_engine.training.objectives.diffir import DiffIRObjective
from pixelmend_engine.training.objectives.hidiff import HIDiffObjective
from pixelmend_engine.training.objectives.restoration_module import RestorationObjective

Networks = Mapping[str, Mapping[str, Tensor]]  # tensors by name, of each network
Files = Mapping[str, Mapping[str, object]]  # contents by the names of files, within a folder

LIGHTNING_VERSION = "1.2.9"
SMALLEST_VARIANCE = 1e-20  # that a logarithm is taken of
DIFFIR_NAMES = {1: "DiffIRS1.pth", 2: "DiffIRS2.pth", 3: "DiffIRS2-GAN.pth"}


def to_published(
    objective: HIDiffObjective | DiffIRObjective | RestorationObjective | ControlObjective,
    trained: Networks,
    ema: Networks | None,
    step: int,
) -> Files:
    """Lays the trained networks, and the average of weights if there is one, out as published."""
    if isinstance(objective, HIDiffObjective):
        return {
            f"{name}.pth": _basicsr(state, None if ema is None else ema[name])
            for name, state in trained.items()
        }
    if isinstance(objective, ControlObjective):
        return {"control.pth": (trained if ema is None else ema)["control"]}
    if isinstance(objective, RestorationObjective):
        # Without wrapping, but with what follows from the sizes: its own code asks for every name.
        state = (trained if ema is None else ema)[objective.name]
        return {f"{objective.name}.pth": {**state, **objective.network.published_buffers()}}
    schedule = objective.networks.schedule
    flat = _flatten(trained, schedule)
    if objective.pixel_loss_region == "known":  # the published systems that fill holes
        return {"last.ckpt": _lightning(flat, _discriminator(objective), step)}
    flat_ema = None if ema is None else _flatten(ema, schedule)
    files: dict[str, dict[str, object]] = {DIFFIR_NAMES[objective.number]: _basicsr(flat, flat_ema)}
    if objective.gan_loss is not None:
        # In a folder of its own: who restores with all files of a folder has no use for it.
        files["discriminator/net_d.pth"] = _basicsr(_discriminator(objective), None)
    return files


def _basicsr(state: Mapping[str, Tensor], ema: Mapping[str, Tensor] | None) -> dict[str, object]:
    content: dict[str, object] = {"params": dict(state)}
    if ema is not None:
        content["params_ema"] = dict(ema)
    return content


def _lightning(
    generator: Mapping[str, Tensor], discriminator: Mapping[str, Tensor], step: int
) -> dict[str, object]:
    return {
        "epoch": 0,
        "global_step": step,
        "pytorch-lightning_version": LIGHTNING_VERSION,
        "state_dict": {
            **{f"generator.{name}": tensor for name, tensor in generator.items()},
            **{f"discriminator.{name}": tensor for name, tensor in discriminator.items()},
        },
    }


def _discriminator(objective: DiffIRObjective) -> dict[str, Tensor]:
    assert objective.gan_loss is not None
    state = objective.gan_loss.discriminator.state_dict()
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def _flatten(networks: Networks, schedule: Schedule) -> dict[str, Tensor]:
    """Puts a stage into one mapping; the second has its schedule there, and two networks twice."""
    flat = {
        f"{network}.{name}": tensor
        for network, state in networks.items()
        for name, tensor in state.items()
    }
    if "condition" not in networks:
        return flat
    duplicates = {"model": "denoise", "condition": "condition"}
    return {
        **flat,
        **{DUPLICATES + name: tensor for name, tensor in schedule_buffers(schedule).items()},
        **{
            f"{DUPLICATES}{copy}.{name}": tensor
            for copy, network in duplicates.items()
            for name, tensor in networks[network].items()
        },
    }


def schedule_buffers(schedule: Schedule) -> dict[str, Tensor]:
    """Returns what the published code keeps of a schedule: all in float32, from float64."""
    alpha_bar = schedule.alpha_bar
    values = {
        "betas": schedule.betas,
        "alphas_cumprod": alpha_bar,
        "alphas_cumprod_prev": schedule.alpha_bar_prev,
        "sqrt_alphas_cumprod": schedule.sqrt_alpha_bar,
        "sqrt_one_minus_alphas_cumprod": schedule.sqrt_one_minus_alpha_bar,
        "log_one_minus_alphas_cumprod": np.log(1.0 - alpha_bar),
        "sqrt_recip_alphas_cumprod": schedule.sqrt_recip_alpha_bar,
        "sqrt_recipm1_alphas_cumprod": schedule.sqrt_recip_alpha_bar_minus_one,
        "posterior_variance": schedule.posterior_variance,
        "posterior_log_variance_clipped": np.log(
            np.maximum(schedule.posterior_variance, SMALLEST_VARIANCE)
        ),
        "posterior_mean_coef1": schedule.posterior_mean_x0,
        "posterior_mean_coef2": schedule.posterior_mean_xt,
    }
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in values.items()}

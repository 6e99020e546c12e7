"""What the two stages of HI-Diff are trained to do, in one forward pass each.

Source: arXiv:2305.12966, section 3, and the published code (see `models/hidiff.py`), which differs
from the paper in how the GoPro system makes its noisy prior.
"""

import math
from typing import Literal, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.diffusion.schedule import float32
from pixelmend_engine.models.hidiff import HIDiff, Pictures, Prior

StageNumber = Literal[1, 2]
Losses = dict[str, Float[Tensor, ""]]

# Which networks each stage changes. The teacher, `net_le`, is frozen in stage 2.
TRAINED: dict[StageNumber, tuple[str, ...]] = {
    1: ("net_g", "net_le"),
    2: ("net_g", "net_le_dm", "net_d"),
}


class Objective(nn.Module):
    """The networks and what is asked of them: losses in `forward`, so that several GPUs share it.

    `dtype` is what `net_g` computes in; everything about the prior stays in float32, as it does
    when pictures are restored.
    """

    def __init__(
        self, networks: HIDiff, stage: StageNumber, dtype: torch.dtype, frequency_weight: float
    ) -> None:
        super().__init__()
        self.networks = networks
        self.stage: StageNumber = stage
        self.dtype = dtype
        self.frequency_weight = frequency_weight
        for name, network in networks.named_children():
            network.requires_grad_(name in TRAINED[stage])

    def forward(self, lq: Pictures, hq: Pictures, noise: Prior) -> Losses:
        """Returns the losses, which are to be added up; `noise` is standard normal."""
        losses: Losses = {}
        if self.stage == 1:
            prior = self.networks.teacher_prior(lq, hq)
        else:
            with torch.no_grad():
                target = self.networks.teacher_prior(lq, hq)
            prior = self.networks.diffuse_prior(lq, noisy_prior(self.networks, target, noise))
            losses["prior"] = (target - prior).abs().mean()
        restored = self.restore(lq, prior)
        losses["pixels"] = (restored - hq).abs().mean()
        if self.frequency_weight:
            losses["frequencies"] = self.frequency_weight * frequency_loss(restored, hq)
        return losses

    def restore(self, lq: Pictures, prior: Prior) -> Pictures:
        """Runs the transformer alone, in `dtype`."""
        half = self.dtype != torch.float32
        with torch.autocast(lq.device.type, self.dtype, enabled=half):
            restored = self.networks.net_g(lq, prior)
        return restored.float() if half else restored


def noisy_prior(networks: HIDiff, prior: Prior, noise: Prior) -> Prior:
    """Returns the prior as it is after the last step of the forward diffusion.

    The GoPro system weighs the prior by alpha_bar where DDPM, eq. 4, has its square root; its
    published weights were trained so.
    """
    alpha_bar = float32(networks.schedule.alpha_bar)[-1]
    match networks.config.prediction:
        case "epsilon":
            signal = alpha_bar
        case "x0":
            signal = math.sqrt(alpha_bar)
    return signal * prior + math.sqrt(1 - signal**2) * noise


def frequency_loss(restored: Pictures, hq: Pictures) -> Float[Tensor, ""]:
    """Returns the mean distance between Fourier transforms, which weighs fine detail more.

    Source: Cho et al., MIMO-UNet, arXiv:2108.05054, eq. 4. The published HI-Diff does without.
    """
    difference = cast("Tensor", torch.fft.rfft2(restored.float() - hq.float()))
    return torch.view_as_real(difference).abs().mean()

"""Classifier-free guidance: DiffBIR's networks with both prompts in one call, tile by tile.

Source: Ho and Salimans, arXiv:2207.12598. A batch holds all pictures with the prompt first (cond),
then all of them with the negative prompt (uncond).
"""

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.nn import gaussian_blending
from pixelmend_engine.nn.stable_diffusion.controlnet import ControlNet
from pixelmend_engine.nn.stable_diffusion.unet import UNet

Latent = Float[Tensor, "b c h w"]


class ClassifierFreeGuidance:
    """Predicts cond and uncond, as `denoiser.PredictBoth`; control sees both prompts too."""

    def __init__(
        self,
        unet: UNet,
        control: ControlNet,
        condition: Latent,
        context: Float[Tensor, "2 n d"],
        strength: float,
        tile: int | None,
    ) -> None:
        self._unet = unet
        self._control = control
        self._condition = condition
        self._context = context
        self._strength = strength
        self._tile = tile

    @property
    def tiles(self) -> int:
        """How many tiles each call has."""
        if self._tile is None:
            return 1
        height, width = self._condition.shape[-2:]
        return gaussian_blending.count(height, width, self._tile, self._tile // 2)

    def __call__(self, x: Latent, t: float, both: bool) -> tuple[Latent, Latent]:
        """Returns the networks' outputs for cond and uncond; without `both`, cond twice."""
        prompts = self._context if both else self._context[:1]
        contexts = repeat(prompts, "n k d -> (n b) k d", b=len(x))

        def predict(tile: Latent, top: int = 0, left: int = 0) -> Float[Tensor, "nb c h w"]:
            height, width = tile.shape[-2:]
            condition = self._condition[..., top : top + height, left : left + width]
            latents, conditions = (
                repeat(tensor, "b c h w -> (n b) c h w", n=len(prompts))
                for tensor in (tile, condition)
            )
            timesteps = torch.full((len(contexts),), t, device=tile.device)
            residuals = self._control(latents, conditions, timesteps, contexts)
            control = [self._strength * residual for residual in residuals]
            return self._unet(latents, timesteps, contexts, control).float()

        if self._tile is None:
            output = predict(x)
        else:
            output = gaussian_blending.fused(predict, x, self._tile, self._tile // 2)
        return output[: len(x)], output[-len(x) :]

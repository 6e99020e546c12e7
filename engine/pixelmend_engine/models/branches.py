"""One call of DiffBIR's diffusion networks: for what is wanted and what is not, tile by tile."""

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.nn import gaussian_tiles
from pixelmend_engine.nn.control import ControlNet
from pixelmend_engine.nn.unet import UNet

Latent = Float[Tensor, "b c h w"]


class Branches:
    """Predicts with both texts at once, as `denoiser.Branches`; the control sees the same texts."""

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
        return gaussian_tiles.count(height, width, self._tile, self._tile // 2)

    def __call__(self, x: Latent, t: float, both: bool) -> tuple[Latent, Latent]:
        """Returns the networks' outputs for what is wanted, and for what is not (if needed)."""
        texts = self._context if both else self._context[:1]

        def part(piece: Latent, top: int = 0, left: int = 0) -> Float[Tensor, "n c h w"]:
            height, width = piece.shape[-2:]
            seen = self._condition[..., top : top + height, left : left + width]
            latents, conditions = (
                repeat(tensor, "1 c h w -> n c h w", n=len(texts)) for tensor in (piece, seen)
            )
            times = torch.full((len(texts),), t, device=piece.device)
            residuals = self._control(latents, conditions, times, texts)
            control = [self._strength * residual for residual in residuals]
            return self._unet(latents, times, texts, control).float()

        if self._tile is None:
            output = part(x)
        else:
            output = gaussian_tiles.fused(part, x, self._tile, self._tile // 2)
        return output[:1], output[-1:]

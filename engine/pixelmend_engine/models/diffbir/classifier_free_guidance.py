"""One call of DiffBIR's diffusion networks: for what is wanted and what is not, tile by tile.

Both are asked for all pictures of a batch at once: first what is wanted of each, then what is not.
"""

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.nn import gaussian_tiles
from pixelmend_engine.nn.stable_diffusion.controlnet import ControlNet
from pixelmend_engine.nn.stable_diffusion.unet import UNet

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

        contexts = repeat(texts, "n k d -> (n b) k d", b=len(x))

        def part(piece: Latent, top: int = 0, left: int = 0) -> Float[Tensor, "nb c h w"]:
            height, width = piece.shape[-2:]
            seen = self._condition[..., top : top + height, left : left + width]
            latents, conditions = (
                repeat(tensor, "b c h w -> (n b) c h w", n=len(texts)) for tensor in (piece, seen)
            )
            times = torch.full((len(contexts),), t, device=piece.device)
            residuals = self._control(latents, conditions, times, contexts)
            control = [self._strength * residual for residual in residuals]
            return self._unet(latents, times, contexts, control).float()

        if self._tile is None:
            output = part(x)
        else:
            output = gaussian_tiles.fused(part, x, self._tile, self._tile // 2)
        return output[: len(x)], output[-len(x) :]

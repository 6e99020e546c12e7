"""IRControlNet: what it sees of the degraded picture conditions a frozen U-Net.

Source: Lin et al., DiffBIR, arXiv:2308.15070, section 3.2. Parameter names are those of the
published checkpoints. `zero_convs` are called so because training starts with them at zero.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.catalog.sizes import UNetSizes
from pixelmend_engine.nn.stable_diffusion.cross_attention import Context
from pixelmend_engine.nn.stable_diffusion.unet import UNetEncoder


class ControlNet(UNetEncoder):
    """A copy of the U-Net's first half that sees the condition beside the noisy latent."""

    def __init__(self, sizes: UNetSizes) -> None:
        super().__init__(sizes, 2 * sizes.latent)
        self.zero_convs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, width, 1)) for width in self.widths
        )
        self.middle_block_out = nn.Sequential(nn.Conv2d(self.widths[-1], self.widths[-1], 1))

    def forward(
        self,
        x: Float[Tensor, "b 4 h w"],
        condition: Float[Tensor, "b 4 h w"],
        t: Float[Tensor, " b"],
        context: Context,
        *,
        recompute: bool = False,
    ) -> list[Tensor]:
        """Returns a residual for each skip of the U-Net, and one for its middle.

        `x` and `condition` are latents in the same, scaled unit. With `recompute`, what is inside
        of a stage is computed once more for gradients, and not kept.
        """
        features, middle = self.encode(
            torch.cat([x, condition], dim=1), self.embed(t), context, recompute=recompute
        )
        residuals = [conv(feature) for conv, feature in zip(self.zero_convs, features, strict=True)]
        return [*residuals, self.middle_block_out(middle)]

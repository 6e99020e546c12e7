"""An encoder of compact priors that sees a picture's local spectrum.

HI-Diff's encoder takes means of features, in which brightness and color outweigh the fine detail
that blur and noise change; what is the same for all pictures grows in it without bounds. This one
has the published layers between three others: a cosine transform of each 4 x 4 pixels, whose
coefficients are brought to the same variance (photographs have a thousand times more power in the
coarsest than in the finest); the logarithm of each cell's energy instead of its mean; and a
standardized output, so that no entry can be the same for all pictures.
"""

import math

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.nn.banded_pooling import Bands
from pixelmend_engine.nn.mlp_mixer import MLPMixer
from pixelmend_engine.nn.standardize import Standardize

SIDE = 4  # pixels of a transformed block, as HI-Diff's encoder shrinks
LEAST_ENERGY = 1e-6  # of a channel in a cell, so that flat places have a logarithm
LEAK = 0.1  # of the output's LeakyReLU, as that of the denoiser that has to put out the same


class SpectrumEncoder(nn.Module):
    """Pictures in, the tokens of a prior out."""

    def __init__(
        self, *, pictures: int, width: int, blocks: int, group: int, max_pixels: int
    ) -> None:
        super().__init__()
        channels, prior_dim = 3 * pictures * SIDE**2, 4 * width
        self.group = group
        self.spectrum = BlockSpectrum(channels)
        self.conv1 = nn.Sequential(_conv(channels, width), nn.GELU())
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv(width, width), nn.GELU(), _conv(width, width))
            for _ in range(blocks)
        )
        self.conv2 = _conv(width, width)
        reach = sum(isinstance(module, nn.Conv2d) for module in self.modules())  # each is 3x3
        self.bands = Bands(shrink=SIDE, reach=reach, max_pixels=max_pixels)
        self.norm = Standardize(width)
        self.mlp = MLPMixer(group**2, width, group**2 // 2, 4 * width)
        self.end = nn.Linear(width, prior_dim)
        self.end_norm = Standardize(prior_dim)
        self.activation = nn.LeakyReLU(LEAK)

    @property
    def steps(self) -> list[nn.Module]:
        """The blocks, one after the other."""
        return list(self.blocks)

    def band_count(self, height: int, width: int) -> int:
        """Returns in how many bands of rows it encodes a picture."""
        return self.bands.count(height, width)

    def forward(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n d"]:
        """Encodes pictures, stacked by channel: sRGB, [0, 1]; sides multiples of 4."""
        energy = self.bands.pooled(self._energy, pictures, self.group)
        cells = self.norm((energy + LEAST_ENERGY).log())
        tokens = self.end(self.mlp(rearrange(cells, "b c h w -> b (h w) c")))
        standardized = self.end_norm(rearrange(tokens, "b n d -> b d n"))
        return self.activation(rearrange(standardized, "b d n -> b n d"))

    def _energy(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f hs ws"]:
        x = self.conv1(self.spectrum(pictures))
        for block in self.blocks:
            x = x + block(x)
        return self.conv2(x).square()


class BlockSpectrum(nn.Module):
    """Cosine transform (DCT-II) of blocks of pixels; every coefficient with the same variance."""

    basis: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.unshuffle = nn.PixelUnshuffle(SIDE)
        self.norm = Standardize(channels)
        # A constant, and none of the weights: it follows the device, and no file has it.
        self.register_buffer("basis", _basis(), persistent=False)

    def forward(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b f hs ws"]:
        pixels = rearrange(self.unshuffle(pictures), "b (c p) h w -> b c p h w", p=SIDE**2)
        coefficients = torch.einsum("k p, b c p h w -> b c k h w", self.basis, pixels)
        return self.norm(rearrange(coefficients, "b c k h w -> b (c k) h w"))


def _basis() -> Float[Tensor, "k p"]:
    # Written out, as networks are also made on the meta device, where nothing can be computed.
    rows = [
        [
            math.sqrt((1 + (k > 0)) / SIDE) * math.cos(math.pi * (n + 0.5) * k / SIDE)
            for n in range(SIDE)
        ]
        for k in range(SIDE)
    ]
    return torch.tensor(
        [[a * b for a in down for b in right] for down in rows for right in rows], device="cpu"
    )


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)

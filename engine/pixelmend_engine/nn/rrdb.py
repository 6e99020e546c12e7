"""RRDBNet, which enlarges pictures four times; BSRNet's weights make it a blind restorer.

Sources: Wang et al., ESRGAN, arXiv:1809.00219; Zhang et al., BSRGAN, arXiv:2103.14006. Parameter
names are those of the published BSRNet.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.catalog.sizes import RRDBSizes

RESIDUAL = 0.2  # how much of what a block computes is added to what it was given
SLOPE = 0.2  # of the leaky rectifiers

Features = Float[Tensor, "b c h w"]


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees what all before it put out."""

    def __init__(self, sizes: RRDBSizes) -> None:
        super().__init__()
        width, growth = sizes.channels, sizes.growth
        self.conv1 = _conv(width, growth)
        self.conv2 = _conv(width + growth, growth)
        self.conv3 = _conv(width + 2 * growth, growth)
        self.conv4 = _conv(width + 3 * growth, growth)
        self.conv5 = _conv(width + 4 * growth, width)

    def forward(self, x: Features) -> Features:
        features = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            features = torch.cat([features, functional.leaky_relu(conv(features), SLOPE)], dim=1)
        return x + RESIDUAL * self.conv5(features)


class ResidualBlock(nn.Module):
    """Three dense blocks, around which the input goes unchanged."""

    def __init__(self, sizes: RRDBSizes) -> None:
        super().__init__()
        self.RDB1, self.RDB2, self.RDB3 = (DenseBlock(sizes) for _ in range(3))

    def forward(self, x: Features) -> Features:
        return x + RESIDUAL * self.RDB3(self.RDB2(self.RDB1(x)))


class RRDBNet(nn.Module):
    """Pictures in, pictures four times as large out: sRGB in [0, 1], not clamped."""

    scale = 4
    multiple = 1  # any size will do

    def __init__(self, sizes: RRDBSizes) -> None:
        super().__init__()
        width = sizes.channels
        self.conv_first = _conv(3, width)
        self.RRDB_trunk = nn.Sequential(*(ResidualBlock(sizes) for _ in range(sizes.blocks)))
        self.trunk_conv = _conv(width, width)
        self.upconv1, self.upconv2 = _conv(width, width), _conv(width, width)
        self.HRconv = _conv(width, width)
        self.conv_last = _conv(width, 3)

    @property
    def steps(self) -> list[nn.Module]:
        """Its blocks, one after the other."""
        return list(self.RRDB_trunk)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h4 w4"]:
        """Enlarges pictures."""
        first = self.conv_first(image)
        x = first + self.trunk_conv(self.RRDB_trunk(first))
        for up in (self.upconv1, self.upconv2):
            x = functional.leaky_relu(up(functional.interpolate(x, scale_factor=2.0)), SLOPE)
        return self.conv_last(functional.leaky_relu(self.HRconv(x), SLOPE))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)

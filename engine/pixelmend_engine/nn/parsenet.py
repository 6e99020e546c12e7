"""ParseNet: which part of a face each pixel of an aligned crop belongs to.

Published weights: facexlib v0.2.2 (MIT); the origin of the network is not stated there. Names of
parameters are those of the published file, hence a convolution's `conv2d` and a norm's `norm.norm`.
"""

import itertools
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 19
SLOPE = 0.2  # of LeakyReLU
WIDTHS = (64, 128, 256, 256, 256)  # channels, from full size down to a sixteenth
BODY_BLOCKS = 10

Features = Float[Tensor, "b _ _ _"]  # sizes change on the way
Resampling = Literal["none", "down", "up"]


class ParseNet(nn.Module):
    """The whole network. The second head, which redraws the face, is in the file and not used."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(WIDTHS))
        self.encoder = nn.Sequential(
            Convolution(3, WIDTHS[0], bias=True),
            *(ResidualBlock(inputs, outputs, "down") for inputs, outputs in pairs),
        )
        deepest = WIDTHS[-1]
        self.body = nn.Sequential(
            *(ResidualBlock(deepest, deepest, "none") for _ in range(BODY_BLOCKS))
        )
        self.decoder = nn.Sequential(
            *(ResidualBlock(inputs, outputs, "up") for outputs, inputs in reversed(pairs))
        )
        self.out_img_conv = Convolution(WIDTHS[0], 3, bias=True)
        self.out_mask_conv = Convolution(WIDTHS[0], CLASSES, bias=True)

    def forward(self, face: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b k h w"]:
        """Returns a logit for each class; values in [-1, 1], sides multiples of 16."""
        return self.out_mask_conv(self.features(face))

    def features(self, face: Float[Tensor, "b 3 h w"]) -> Features:
        """Returns what both heads see."""
        x = self.encoder(face)
        return self.decoder(x + self.body(x))


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut, halving or doubling the size on the way."""

    def __init__(self, inputs: int, outputs: int, resampling: Resampling) -> None:
        super().__init__()
        down: Resampling = "down" if resampling == "down" else "none"
        up: Resampling = "up" if resampling == "up" else "none"
        self.shortcut_func = (
            nn.Identity()
            if resampling == "none"
            else Convolution(inputs, outputs, resampling=resampling, bias=True)
        )
        self.conv1 = Convolution(inputs, outputs, resampling=up, norm=True)
        self.conv2 = Convolution(outputs, outputs, resampling=down, norm=True)

    def forward(self, x: Features) -> Features:
        y = functional.leaky_relu(self.conv1(x), SLOPE)
        return self.conv2(y) + self.shortcut_func(x)


class Convolution(nn.Module):
    """A 3x3 convolution over mirrored borders, doubling first or halving as it goes."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        resampling: Resampling = "none",
        norm: bool = False,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.doubled = resampling == "up"
        stride = 2 if resampling == "down" else 1
        self.conv2d = nn.Conv2d(inputs, outputs, 3, stride=stride, bias=bias)
        self.norm = Norm(outputs) if norm else nn.Identity()

    def forward(self, x: Features) -> Features:
        if self.doubled:
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.norm(self.conv2d(functional.pad(x, (1, 1, 1, 1), mode="reflect")))


class Norm(nn.Module):
    """Batch normalization, by the published name."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Features) -> Features:
        return self.norm(x)

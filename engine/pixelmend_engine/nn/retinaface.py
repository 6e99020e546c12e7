"""RetinaFace with a ResNet-50: where faces may be, and how sure it is, at every anchor.

Paper: Deng et al., RetinaFace, arXiv:1905.00641. Published weights: facexlib v0.1.0, MIT. Parameter
names are those of the published file. What the numbers mean stands in `faces/detection.py`.
"""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 256  # channels of the pyramid
LEVELS = 3  # of the pyramid: an eighth, a sixteenth and a thirty-second of the size
ANCHORS = 2  # squares that are tried at each place

Features = Float[Tensor, "b _ _ _"]  # sizes change on the way


class RetinaFaceOutput(NamedTuple):
    """What the network says of each anchor, level after level, row after row."""

    offsets: Float[Tensor, "b n 4"]  # of the box, relative to its anchor
    logits: Float[Tensor, "b n 2"]  # no face, face
    landmarks: Float[Tensor, "b n 10"]  # of both eyes, the nose, the corners of the mouth


class RetinaFace(nn.Module):
    """The whole network."""

    def __init__(self) -> None:
        super().__init__()
        self.body = ResNet50()
        self.fpn = Pyramid((512, 1024, 2048))
        self.ssh1, self.ssh2, self.ssh3 = Context(), Context(), Context()
        self.ClassHead = nn.ModuleList(Head(2) for _ in range(LEVELS))
        self.BboxHead = nn.ModuleList(Head(4) for _ in range(LEVELS))
        self.LandmarkHead = nn.ModuleList(Head(10) for _ in range(LEVELS))

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> RetinaFaceOutput:
        """Looks at pictures of any size: values from 0 to 255, less the mean of each channel."""
        levels = self.fpn(self.body(image))
        contexts = (self.ssh1, self.ssh2, self.ssh3)
        features = [context(level) for context, level in zip(contexts, levels, strict=True)]
        return RetinaFaceOutput(
            *(
                _concatenated(h, features)
                for h in (self.BboxHead, self.ClassHead, self.LandmarkHead)
            )
        )


def _concatenated(heads: nn.ModuleList, features: list[Features]) -> Float[Tensor, "b n k"]:
    return torch.cat([head(level) for head, level in zip(heads, features, strict=True)], dim=1)


class Head(nn.Module):
    """So many numbers for each anchor."""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(WIDTH, ANCHORS * numbers, 1)

    def forward(self, x: Features) -> Float[Tensor, "b n k"]:
        return rearrange(self.conv1x1(x), "b (a k) h w -> b (h w a) k", a=ANCHORS)


class Context(nn.Module):
    """SSH: convolutions that reach 3, 5 and 7 pixels wide, side by side."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter = WIDTH // 2, WIDTH // 4
        self.conv3X3 = _conv_norm(WIDTH, half, 3)
        self.conv5X5_1 = _conv_norm(WIDTH, quarter, 3, nn.ReLU())
        self.conv5X5_2 = _conv_norm(quarter, quarter, 3)
        self.conv7X7_2 = _conv_norm(quarter, quarter, 3, nn.ReLU())
        self.conv7x7_3 = _conv_norm(quarter, quarter, 3)

    def forward(self, x: Features) -> Features:
        near = self.conv5X5_1(x)
        parts = [self.conv3X3(x), self.conv5X5_2(near), self.conv7x7_3(self.conv7X7_2(near))]
        return functional.relu(torch.cat(parts, dim=1))


class Pyramid(nn.Module):
    """FPN: coarse features help finer ones."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__()
        first, second, third = widths
        self.output1 = _conv_norm(first, WIDTH, 1, nn.ReLU())
        self.output2 = _conv_norm(second, WIDTH, 1, nn.ReLU())
        self.output3 = _conv_norm(third, WIDTH, 1, nn.ReLU())
        self.merge1 = _conv_norm(WIDTH, WIDTH, 3, nn.ReLU())
        self.merge2 = _conv_norm(WIDTH, WIDTH, 3, nn.ReLU())

    def forward(self, levels: tuple[Features, Features, Features]) -> list[Features]:
        first, second, third = levels
        coarse = self.output3(third)
        middle = self.merge2(_added(self.output2(second), coarse))
        return [self.merge1(_added(self.output1(first), middle)), middle, coarse]


def _added(fine: Features, coarse: Features) -> Features:
    return fine + functional.interpolate(coarse, size=fine.shape[-2:], mode="nearest")


class ResNet50(nn.Module):
    """He et al., arXiv:1512.03385; the stride is in the 3x3 convolution, as in torchvision."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = _stage(64, 64, blocks=3, stride=1)
        self.layer2 = _stage(256, 128, blocks=4, stride=2)
        self.layer3 = _stage(512, 256, blocks=6, stride=2)
        self.layer4 = _stage(1024, 512, blocks=3, stride=2)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[Features, Features, Features]:
        """Returns features at an eighth, a sixteenth and a thirty-second of the size."""
        x = functional.relu(self.bn1(self.conv1(image)))
        x = self.layer1(functional.max_pool2d(x, 3, stride=2, padding=1))
        second = self.layer2(x)
        third = self.layer3(second)
        return second, third, self.layer4(third)


class Bottleneck(nn.Module):
    """Narrow, look around, widen; with a residual."""

    EXPANSION = 4

    def __init__(self, inputs: int, width: int, stride: int, *, projected: bool) -> None:
        super().__init__()
        outputs = self.EXPANSION * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if projected:
            self.downsample.append(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False))
            self.downsample.append(nn.BatchNorm2d(outputs))

    def forward(self, x: Features) -> Features:
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def _stage(inputs: int, width: int, *, blocks: int, stride: int) -> nn.Sequential:
    outputs = Bottleneck.EXPANSION * width
    first = Bottleneck(inputs, width, stride, projected=True)
    rest = (Bottleneck(outputs, width, 1, projected=False) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


def _conv_norm(inputs: int, outputs: int, size: int, *after: nn.Module) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), *after)

"""Perceptual losses: pictures are compared by the features that a trained network has of them.

The networks' weights are downloads that nothing here brings along: VGG-19 of ImageNet as
torchvision publishes it (Simonyan and Zisserman, arXiv:1409.1556), and the dilated ResNet-50 of
ADE20K as MIT's scene parsing publishes its encoder (Zhou et al., CVPR 2017). Parameter names are
those of the files.
"""

import re
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.training.recipes.recipe import PerceptualNetworkName
from pixelmend_engine.weights.checkpoints import reading
from pixelmend_engine.weights.checkpoints.reading import StateDict

Pictures = Float[Tensor, "b 3 h w"]
Features = Float[Tensor, "b c h w"]
Loss = Float[Tensor, ""]

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
VGG_LAYERS = (2, 2, 4, 4, 4)  # convolutions in each block
VGG_WEIGHTS = (0.1, 0.1, 1.0, 1.0, 1.0)  # of the last of each block, in DiffIR as in Real-ESRGAN
ADE20K_WEIGHT = 30.0
# What classifies, and what norms that several GPUs shared kept for themselves.
LEFT_OUT = re.compile(r"^classifier\.|\._(tmp_running_mean|tmp_running_var|running_iter)$")


class VGG19(nn.Module):
    """The convolutions of VGG-19: five blocks, and half the size after each."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        self.taps: list[int] = []  # the last convolution of each block, before its activation
        inputs = 3
        for block, count in enumerate(VGG_LAYERS):
            width = min(64 * 2**block, 512)
            for _ in range(count):
                layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
                inputs = width
            self.taps.append(len(layers) - 2)
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[: self.taps[-1] + 1])

    def forward(self, image: Pictures) -> list[Tensor]:
        """Returns what the last convolution of each block sees, half the size each time."""
        features: list[Tensor] = []
        x: Tensor = _normalized(image)
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.taps:
                features.append(x)
        return features

    def loss(self, restored: Pictures, hq: Pictures) -> Loss:
        """Returns how far the features of two pictures are apart."""
        with torch.no_grad():
            target = self(hq)
        distances = [functional.l1_loss(a, b) for a, b in zip(self(restored), target, strict=True)]
        weights = torch.tensor(VGG_WEIGHTS, device=restored.device)
        return (weights * torch.stack(distances)).sum()


class DilatedResNet50(nn.Module):
    """ResNet-50 with three convolutions at its start, whose last two levels keep their size."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = _norm_after(3, 64, 3, stride=2)
        self.conv2, self.bn2 = _norm_after(64, 64, 3)
        self.conv3, self.bn3 = _norm_after(64, 128, 3)
        self.layer1 = _level(128, 64, 3)
        self.layer2 = _level(256, 128, 4, stride=2)
        # Strides became dilations: the first block of a level has that of the level before.
        self.layer3 = _level(512, 256, 6, dilations=(1, 2))
        self.layer4 = _level(1024, 512, 3, dilations=(2, 4))

    def forward(self, image: Pictures) -> list[Tensor]:
        """Returns what each of the four levels sees: at a quarter of the size, then an eighth."""
        x: Tensor = _normalized(image)
        for convolution, norm in (
            (self.conv1, self.bn1),
            (self.conv2, self.bn2),
            (self.conv3, self.bn3),
        ):
            x = functional.relu(norm(convolution(x)))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        features: list[Tensor] = []
        for level in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = level(x)
            features.append(x)
        return features

    def loss(self, restored: Pictures, hq: Pictures) -> Loss:
        """Returns how far the features of two pictures are apart."""
        with torch.no_grad():
            target = self(hq)
        distances = [functional.mse_loss(a, b) for a, b in zip(self(restored), target, strict=True)]
        return ADE20K_WEIGHT * torch.stack(distances).sum()


class _Bottleneck(nn.Module):
    """Three convolutions around a shortcut; the middle one is the wide one."""

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = _norm_after(inputs, width, 1)
        self.conv2, self.bn2 = _norm_after(width, width, 3, stride=stride, dilation=dilation)
        self.conv3, self.bn3 = _norm_after(width, outputs, 1)
        self.downsample = None
        if inputs != outputs:
            self.downsample = nn.Sequential(*_norm_after(inputs, outputs, 1, stride=stride))

    def forward(self, x: Features) -> Float[Tensor, "b c2 h2 w2"]:
        """Adds to what it is given, or to a projection of it."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


def _level(
    inputs: int, width: int, blocks: int, *, stride: int = 1, dilations: tuple[int, int] = (1, 1)
) -> nn.Sequential:
    first = _Bottleneck(inputs, width, stride, dilations[0])
    rest = (_Bottleneck(4 * width, width, 1, dilations[1]) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


def _norm_after(
    inputs: int, outputs: int, size: int, *, stride: int = 1, dilation: int = 1
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    convolution = nn.Conv2d(
        inputs,
        outputs,
        size,
        stride=stride,
        padding=dilation * (size // 2),
        dilation=dilation,
        bias=False,
    )
    return convolution, nn.BatchNorm2d(outputs)


def _normalized(image: Pictures) -> Pictures:
    mean, deviation = (image.new_tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    return (image - mean) / deviation


PerceptualNetwork = VGG19 | DilatedResNet50


def load(name: PerceptualNetworkName, path: Path) -> PerceptualNetwork:
    """Reads a recipe's perceptual network; what it does not need of the file is left out.

    Raises:
        UnreadableCheckpoint: The file holds another network.
    """
    with torch.device("meta"):
        network = build(name)
    expected = network.state_dict()
    state: StateDict = reading.read(path)
    used = {key: value for key, value in state.items() if not LEFT_OUT.search(key)}
    # Old files do not count batches, and nothing here does.
    counters = {key: torch.tensor(0) for key in expected if key.endswith("num_batches_tracked")}
    holder = nn.ModuleDict({"perception": network})
    reading.fill_strictly(holder, {"perception": {**counters, **used}})
    return freeze(network)


def build(name: PerceptualNetworkName) -> PerceptualNetwork:
    """Builds a recipe's perceptual network."""
    return VGG19() if name == "vgg19" else DilatedResNet50()


def freeze(network: PerceptualNetwork) -> PerceptualNetwork:
    """Makes sure that it stays as it is."""
    return network.eval().requires_grad_(requires_grad=False)

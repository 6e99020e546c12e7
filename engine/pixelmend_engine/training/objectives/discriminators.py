"""The networks that tell real pictures from restored ones while a model is trained.

Source: DiffIR (see `models/diffir.py`), which has its discriminators from Real-ESRGAN
(arXiv:2107.10833) and LaMa (arXiv:2109.07161). Parameter names are the published ones.
"""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import spectral_norm

Pictures = Float[Tensor, "b 3 h w"]
Features = Float[Tensor, "b c h w"]

SLOPE = 0.2  # of every activation
WIDEST = 512  # channels, of the patches' discriminator


class UNetDiscriminator(nn.Module):
    """A U-Net with spectral norms, that judges every pixel: above 0 it takes it for real."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, width, 3, padding=1)
        self.conv1 = _downsampling_conv(width, 2 * width)
        self.conv2 = _downsampling_conv(2 * width, 4 * width)
        self.conv3 = _downsampling_conv(4 * width, 8 * width)
        self.conv4 = _conv(8 * width, 4 * width)
        self.conv5 = _conv(4 * width, 2 * width)
        self.conv6 = _conv(2 * width, width)
        self.conv7 = _conv(width, width)
        self.conv8 = _conv(width, width)
        self.conv9 = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, image: Pictures) -> Float[Tensor, "b 1 h w"]:
        """Judges pictures; height and width multiples of 8."""
        level0 = _leaky_relu(self.conv0(image))
        level1 = _leaky_relu(self.conv1(level0))
        level2 = _leaky_relu(self.conv2(level1))
        level3 = _leaky_relu(self.conv3(level2))

        x = _leaky_relu(self.conv4(_upsample(level3))) + level2
        x = _leaky_relu(self.conv5(_upsample(x))) + level1
        x = _leaky_relu(self.conv6(_upsample(x))) + level0
        return self.conv9(_leaky_relu(self.conv8(_leaky_relu(self.conv7(x)))))


def _downsampling_conv(inputs: int, outputs: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False))


def _conv(inputs: int, outputs: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))


def _leaky_relu(x: Features) -> Features:
    return functional.leaky_relu(x, SLOPE)


def _upsample(x: Features) -> Float[Tensor, "b c h2 w2"]:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class PatchDiscriminator(nn.Module):
    """A chain of convolutions that judges overlapping patches: above 0 it takes one for real."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        widths = (3, *(min(width * 2**layer, WIDEST) for layer in range(5)))
        self.model0 = _patch_layer(widths[0], widths[1], stride=2, norm=False)
        self.model1 = _patch_layer(widths[1], widths[2], stride=2, norm=True)
        self.model2 = _patch_layer(widths[2], widths[3], stride=2, norm=True)
        self.model3 = _patch_layer(widths[3], widths[4], stride=2, norm=True)
        self.model4 = _patch_layer(widths[4], widths[5], stride=1, norm=True)
        self.model5 = nn.Sequential(nn.Conv2d(widths[5], 1, 4, padding=2))

    def forward(self, image: Pictures) -> tuple[Float[Tensor, "b 1 hp wp"], list[Tensor]]:
        """Judges pictures; also returns what its five hidden layers put out."""
        features: list[Tensor] = []
        x: Tensor = image
        for layer in (self.model0, self.model1, self.model2, self.model3, self.model4):
            x = layer(x)
            features.append(x)
        return self.model5(x), features


def _patch_layer(inputs: int, outputs: int, *, stride: int, norm: bool) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 4, stride=stride, padding=2)
    norms = [nn.BatchNorm2d(outputs)] if norm else []
    return nn.Sequential(convolution, *norms, nn.LeakyReLU(SLOPE))

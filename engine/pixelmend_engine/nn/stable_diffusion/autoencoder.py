"""The autoencoder of Stable Diffusion: pictures to latents an eighth as large, and back.

Source: Rombach et al., Latent Diffusion, arXiv:2112.10752. Parameter names are those of the
published checkpoints.

Its norms look at the whole picture; how it runs in tiles all the same stands in
`tiled_autoencoder`.
"""

from collections.abc import Iterable

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.catalog.sizes import AutoencoderSizes
from pixelmend_engine.nn.stable_diffusion.cross_attention import NORM_GROUPS

Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [-1, 1]
Latent = Float[Tensor, "b z hs ws"]
Features = Float[Tensor, "b c h w"]
Outputs = Float[Tensor, "b o h w"]
Resized = Float[Tensor, "b o hs ws"]

LOG_VARIANCE = (-30.0, 20.0)  # clamped to this


class ResidualBlock(nn.Module):
    """Two convolutions, each behind a norm, around which the input goes unchanged."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = _norm(inputs)
        self.conv1 = _conv(inputs, outputs)
        self.norm2 = _norm(outputs)
        self.conv2 = _conv(outputs, outputs)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Features) -> Outputs:
        # In one expression, so that each feature map is freed as soon as the next one is there.
        y = self.conv2(functional.silu(self.norm2(self.conv1(functional.silu(self.norm1(x))))))
        return self.shortcut(x) + y

    def shortcut(self, x: Features) -> Outputs:
        """Returns the input, with as many channels as the output."""
        return self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x


class Attention(nn.Module):
    """Each place attends to all others, with one head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Features) -> Features:
        return x + self.attend(self.norm(x))

    def attend(self, normed: Features) -> Features:
        """Returns what is added to the input."""
        q, k, v = (
            rearrange(part(normed), "b c h w -> b 1 (h w) c") for part in (self.q, self.k, self.v)
        )
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.proj_out(rearrange(attended, "b 1 (h w) c -> b c h w", h=normed.shape[-2]))


class Middle(nn.Module):
    """The blocks of the coarsest level."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1 = ResidualBlock(channels, channels)
        self.attn_1 = Attention(channels)
        self.block_2 = ResidualBlock(channels, channels)

    def forward(self, x: Features) -> Features:
        return self.block_2(self.attn_1(self.block_1(x)))


class Downsample(nn.Module):
    """Halves height and width; zeros are added right and below alone, as published."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Features) -> Float[Tensor, "b c hs ws"]:
        return self.conv(functional.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Doubles height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels)

    def forward(self, x: Features) -> Float[Tensor, "b c hs ws"]:
        return self.conv(functional.interpolate(x, scale_factor=2.0))


class Level(nn.Module):
    """Residual blocks of one size, and a change of size after them."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.block = nn.ModuleList(
            ResidualBlock(inputs if number == 0 else outputs, outputs) for number in range(blocks)
        )

    @property
    def layers(self) -> list[nn.Module]:
        """Its blocks, and what changes the size, one after the other."""
        resamplers = [getattr(self, name, None) for name in ("downsample", "upsample")]
        return [*self.block, *(layer for layer in resamplers if layer is not None)]


class Encoder(nn.Module):
    """Pictures to the moments of a latent."""

    def __init__(self, sizes: AutoencoderSizes) -> None:
        super().__init__()
        widths = [multiplier * sizes.channels for multiplier in sizes.multipliers]
        self.conv_in = _conv(3, sizes.channels)
        self.down = nn.ModuleList()
        inputs = sizes.channels
        for number, width in enumerate(widths):
            level = Level(inputs, width, sizes.blocks)
            if number < len(widths) - 1:
                level.downsample = Downsample(width)
            self.down.append(level)
            inputs = width
        self.mid = Middle(inputs)
        self.norm_out = _norm(inputs)
        self.conv_out = _conv(inputs, 2 * sizes.latent)

    @property
    def down_layers(self) -> list[nn.Module]:
        """The layers of all levels, from the finest to the coarsest."""
        return _layers(self.down)

    def forward(self, image: Pictures) -> Resized:
        x = self.conv_in(image)
        for layer in self.down_layers:
            x = layer(x)
        x = self.mid(x)
        return self.conv_out(functional.silu(self.norm_out(x)))


class Decoder(nn.Module):
    """Latents to pictures."""

    def __init__(self, sizes: AutoencoderSizes) -> None:
        super().__init__()
        widths = [multiplier * sizes.channels for multiplier in sizes.multipliers]
        inputs = widths[-1]
        self.conv_in = _conv(sizes.latent, inputs)
        self.mid = Middle(inputs)
        levels: list[Level] = []
        for number in reversed(range(len(widths))):
            level = Level(inputs, widths[number], sizes.blocks + 1)
            if number > 0:
                level.upsample = Upsample(widths[number])
            levels.append(level)
            inputs = widths[number]
        self.up = nn.ModuleList(reversed(levels))  # numbered from the finest, as published
        self.norm_out = _norm(inputs)
        self.conv_out = _conv(inputs, 3)

    @property
    def up_layers(self) -> list[nn.Module]:
        """The layers of all levels, from the coarsest to the finest."""
        return _layers(reversed(self.up))

    def forward(self, latent: Features) -> Resized:
        x = self.mid(self.conv_in(latent))
        for layer in self.up_layers:
            x = layer(x)
        return self.conv_out(functional.silu(self.norm_out(x)))


def _layers(levels: Iterable[nn.Module]) -> list[nn.Module]:
    # In one list: a level of its own would keep what it was given until its last layer.
    return [layer for level in levels if isinstance(level, Level) for layer in level.layers]


class Autoencoder(nn.Module):
    """Encoder and decoder, with the convolutions that lie between them and the latent."""

    def __init__(self, sizes: AutoencoderSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder = Encoder(sizes)
        self.decoder = Decoder(sizes)
        self.quant_conv = nn.Conv2d(2 * sizes.latent, 2 * sizes.latent, 1)
        self.post_quant_conv = nn.Conv2d(sizes.latent, sizes.latent, 1)

    def encode(self, image: Pictures) -> Float[Tensor, "b z2 hs ws"]:
        """Returns mean and log-variance of the latents, one behind the other, not scaled.

        Sides of the pictures are multiples of `sizes.shrink`.
        """
        return self.quant_conv(self.encoder(image))

    def decode(self, latent: Latent) -> Pictures:
        """Returns the pictures of latents that are not scaled; they may leave [-1, 1]."""
        return self.decoder(self.post_quant_conv(latent))


def mode(moments: Float[Tensor, "b z2 hs ws"]) -> Latent:
    """Returns the likeliest latents."""
    return moments.chunk(2, dim=1)[0]


def sample(moments: Float[Tensor, "b z2 hs ws"], noise: Latent) -> Latent:
    """Draws latents, with normal noise."""
    mean, log_variance = moments.chunk(2, dim=1)
    return mean + torch.exp(0.5 * log_variance.clamp(*LOG_VARIANCE)) * noise


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(NORM_GROUPS, channels, eps=1e-6)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)

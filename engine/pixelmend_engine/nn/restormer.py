"""Parts of Restormer that the U-shaped restoration networks are built from.

Source: Zamir et al., Restormer, arXiv:2111.09881. Parameter names are those of the published
checkpoints, which is why a norm keeps its weights in `body` and a resampler in `body.0`.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class TokenNorm(nn.Module):
    """Layer normalization of each token: mean 0, biased variance 1, then gain and offset."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.LayerNorm(channels, eps=1e-5)  # as published

    def forward(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b n c"]:
        return self.body(tokens)


class ChannelNorm(nn.Module):
    """Layer normalization over the channels at each place of a feature map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.LayerNorm(channels, eps=1e-5)  # as published

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return rearrange(self.body(rearrange(x, "b c h w -> b h w c")), "b h w c -> b c h w")


class UncenteredNorm(nn.Module):
    """Divides by the deviation over the channels, but does not take the mean away; no offset.

    Restormer's "BiasFree" norm.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Module()
        self.body.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        deviation = (x.var(dim=1, keepdim=True, correction=0) + 1e-5).sqrt()  # as published
        weight = self.body.get_parameter("weight")
        return x / deviation * rearrange(weight, "c -> c 1 1")


class PatchEmbed(nn.Module):
    """The first convolution: pictures in, features out."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, channels, 3, padding=1, bias=False)

    def forward(self, image: Float[Tensor, "b i h w"]) -> Float[Tensor, "b c h w"]:
        return self.proj(image)


class Downsample(nn.Module):
    """Halves height and width, doubles the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False), nn.PixelUnshuffle(2)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        return self.body(x)


class Upsample(nn.Module):
    """Doubles height and width, halves the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels * 2, 3, padding=1, bias=False), nn.PixelShuffle(2)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        return self.body(x)


def depthwise(channels: int) -> nn.Conv2d:
    """Makes a 3x3 convolution that looks at each channel alone."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    """Makes a 1x1 convolution that mixes the channels of each place."""
    return nn.Conv2d(inputs, outputs, 1, bias=False)


def convolved_chunks(
    x: Float[Tensor, "b i h w"], pointwise: nn.Conv2d, depthwise: nn.Conv2d, chunks: int
) -> list[Float[Tensor, "b c h w"]]:
    """Runs a pointwise and then a depthwise convolution; returns equal chunks of their channels.

    Each chunk is computed by itself. Cut from one result, its pixels would lie apart in memory,
    which takes a CPU twice as long to read; and no more than one chunk is held twice at a time.
    """
    weights = zip(pointwise.weight.chunk(chunks), depthwise.weight.chunk(chunks), strict=True)
    return [
        functional.conv2d(functional.conv2d(x, mixing), filters, padding=1, groups=len(filters))
        for mixing, filters in weights
    ]


def transposed_attention(
    q: Float[Tensor, "b c h w"],
    k: Float[Tensor, "b c h w"],
    v: Float[Tensor, "b c h w"],
    temperature: Float[Tensor, "heads 1 1"],
) -> Float[Tensor, "b c h w"]:
    """Attends from channel to channel, so that its cost grows with the pixels, not their square.

    Queries and keys have length 1 over the picture's places.

    Source: Restormer, eq. 1 (multi-Dconv head transposed attention).
    """
    height, heads = q.shape[-2], temperature.shape[0]
    q, k, v = (rearrange(x, "b (n c) h w -> b n c (h w)", n=heads) for x in (q, k, v))
    q = functional.normalize(q, dim=-1)
    k = functional.normalize(k, dim=-1)
    attention = (q @ k.transpose(-2, -1) * temperature).softmax(dim=-1)
    return rearrange(attention @ v, "b n c (h w) -> b (n c) h w", h=height)


def gate(
    gating: Float[Tensor, "b c h w"], value: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b c h w"]:
    """Lets features, through GELU, scale others.

    Source: Restormer, eq. 2 (gated-Dconv feed-forward network).
    """
    scale = functional.gelu(gating)
    if torch.is_grad_enabled():
        return scale * value
    return scale.mul_(value)  # in its place, as nobody needs it anymore

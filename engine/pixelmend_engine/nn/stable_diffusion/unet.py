"""The U-Net of Stable Diffusion 2.x, which predicts the noise in a latent.

Source: Rombach et al., Latent Diffusion, arXiv:2112.10752. Parameter names are those of the
published checkpoints, which number the blocks: `input_blocks`, `middle_block`, `output_blocks`.
"""

from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.catalog.sizes import UNetSizes
from pixelmend_engine.nn.recomputation import recomputed
from pixelmend_engine.nn.stable_diffusion.cross_attention import (
    NORM_GROUPS,
    Context,
    Features,
    SpatialTransformer,
    timestep_embedding,
)

Embedding = Float[Tensor, "b e"]
Result = Float[Tensor, "b o h w"]
Resized = Float[Tensor, "b o hs ws"]
EMBEDDING_RATIO = 4  # the timestep's embedding is so many times as wide as the finest level


class PreciseGroupNorm(nn.GroupNorm):
    """Normalizes in float32, whatever it is given, and gives back that type."""

    def forward(self, input: Features) -> Features:  # noqa: A002 - torch's own name for it
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float()).to(input.dtype)


class ResidualBlock(nn.Module):
    """Two convolutions; what the timestep says is added between them."""

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            PreciseGroupNorm(NORM_GROUPS, inputs), nn.SiLU(), _conv(inputs, outputs)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, outputs))
        self.out_layers = nn.Sequential(
            PreciseGroupNorm(NORM_GROUPS, outputs),
            nn.SiLU(),
            nn.Identity(),  # the checkpoints count a dropout that is never used
            _conv(outputs, outputs),
        )
        same = inputs == outputs
        self.skip_connection = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Features, embedding: Embedding) -> Result:
        y = self.in_layers(x)
        y = y + rearrange(self.emb_layers(embedding).to(y.dtype), "b c -> b c 1 1")
        return self.skip_connection(x) + self.out_layers(y)


class Downsample(nn.Module):
    """Halves height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Features) -> Resized:
        return self.op(x)


class Upsample(nn.Module):
    """Doubles height and width."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels)

    def forward(self, x: Features) -> Resized:
        return self.conv(functional.interpolate(x, scale_factor=2.0))


class Stage(nn.ModuleList):
    """One numbered entry of the checkpoints: layers that take what each of them needs."""

    def forward(self, x: Features, embedding: Embedding, context: Context) -> Resized:
        for layer in self:
            match layer:
                case ResidualBlock():
                    x = layer(x, embedding)
                case SpatialTransformer():
                    x = layer(x, context)
                case _:
                    x = layer(x)
        return x


class UNetEncoder(nn.Module):
    """What U-Net and control network have in common: the encoder, and the middle block."""

    def __init__(self, sizes: UNetSizes, inputs: int) -> None:
        super().__init__()
        self.sizes = sizes
        width = sizes.channels
        embedding = EMBEDDING_RATIO * width
        self.time_embed = nn.Sequential(
            nn.Linear(width, embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )
        stages = [Stage([_conv(inputs, width)])]
        self.widths = [width]  # of what each of the stages puts out
        channels = width
        for level, multiplier in enumerate(sizes.multipliers):
            for _ in range(sizes.blocks):
                layers: list[nn.Module] = [ResidualBlock(channels, multiplier * width, embedding)]
                channels = multiplier * width
                if level < sizes.attending_levels:
                    layers.append(SpatialTransformer(channels, sizes))
                stages.append(Stage(layers))
                self.widths.append(channels)
            if level < len(sizes.multipliers) - 1:
                stages.append(Stage([Downsample(channels)]))
                self.widths.append(channels)
        self.input_blocks = nn.ModuleList(stages)
        self.middle_block = Stage(
            [
                ResidualBlock(channels, channels, embedding),
                SpatialTransformer(channels, sizes),
                ResidualBlock(channels, channels, embedding),
            ]
        )

    def embed(self, t: Float[Tensor, " b"]) -> Embedding:
        """Embeds a timestep, counted from 0."""
        first = self.time_embed[0].get_parameter("weight")
        return self.time_embed(timestep_embedding(t, self.sizes.channels).to(first.dtype))

    def encode(
        self, x: Features, embedding: Embedding, context: Context, *, recompute: bool = False
    ) -> tuple[list[Tensor], Tensor]:
        """Returns what each stage puts out, and the middle."""
        features: list[Tensor] = []
        for stage in self.input_blocks:
            x = _run(stage, x, embedding, context, recompute=recompute)
            features.append(x)
        return features, _run(self.middle_block, x, embedding, context, recompute=recompute)


class UNet(UNetEncoder):
    """Predicts the noise (or v) in a latent, at a timestep, for a text; control is added on top."""

    def __init__(self, sizes: UNetSizes) -> None:
        super().__init__(sizes, sizes.latent)
        width = sizes.channels
        embedding = EMBEDDING_RATIO * width
        skips = list(self.widths)
        channels = skips[-1]
        stages: list[Stage] = []
        for level, multiplier in reversed(list(enumerate(sizes.multipliers))):
            for number in range(sizes.blocks + 1):
                layers: list[nn.Module] = [
                    ResidualBlock(channels + skips.pop(), multiplier * width, embedding)
                ]
                channels = multiplier * width
                if level < sizes.attending_levels:
                    layers.append(SpatialTransformer(channels, sizes))
                if level and number == sizes.blocks:
                    layers.append(Upsample(channels))
                stages.append(Stage(layers))
        self.output_blocks = nn.ModuleList(stages)
        self.out = nn.Sequential(
            PreciseGroupNorm(NORM_GROUPS, channels), nn.SiLU(), _conv(channels, sizes.latent)
        )

    def forward(
        self,
        x: Float[Tensor, "b 4 h w"],
        t: Float[Tensor, " b"],
        context: Context,
        control: Sequence[Tensor] = (),
        *,
        recompute: bool = False,
    ) -> Float[Tensor, "b 4 h w"]:
        """Predicts; sides of the latent are multiples of 8.

        `control` has one residual for each of the skips, and one more for the middle. With
        `recompute`, stages of the decoder are computed once more for gradients, and not kept; in
        the encoder nothing is kept as long as it does not learn.
        """
        embedding = self.embed(t)
        skips, x = self.encode(x, embedding, context)
        if control:
            *residuals, middle = control
            x = x + middle
            skips = [skip + residual for skip, residual in zip(skips, residuals, strict=True)]
        for stage in self.output_blocks:
            x = torch.cat([x, skips.pop()], dim=1)
            x = _run(stage, x, embedding, context, recompute=recompute)
        return self.out(x)


def _run(
    stage: nn.Module, x: Features, embedding: Embedding, context: Context, *, recompute: bool
) -> Resized:
    if recompute:
        return recomputed(stage, x, embedding, context)
    return stage(x, embedding, context)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)

"""How large the published networks of latent diffusion are. Read without torch.

Defaults are the published sizes; tests build the same networks smaller.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SwinIRSizes:
    """SwinIR as DiffBIR uses it: on a picture folded eight times, its result unfolded again."""

    channels: int = 180
    blocks: tuple[int, ...] = (6, 6, 6, 6, 6, 6, 6, 6)  # in each residual group
    heads: int = 6
    window: int = 8
    mlp_ratio: int = 2
    shrink: int = 8
    tail_channels: int = 64

    @property
    def multiple(self) -> int:
        """What the sides of a picture are multiples of: whole windows of folded pixels."""
        return self.window * self.shrink


@dataclass(frozen=True, kw_only=True)
class RRDBSizes:
    """BSRNet, an RRDBNet that enlarges four times."""

    channels: int = 64
    blocks: int = 23
    growth: int = 32


@dataclass(frozen=True, kw_only=True)
class SCUNetSizes:
    """SCUNet: seven stages, down and up again."""

    channels: int = 64
    blocks: tuple[int, int, int, int, int, int, int] = (4, 4, 4, 4, 4, 4, 4)
    head_channels: int = 32
    window: int = 8


@dataclass(frozen=True, kw_only=True)
class UNetSizes:
    """The U-Net of Stable Diffusion 2.x; IRControlNet is a copy of its first half."""

    channels: int = 320
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    blocks: int = 2  # residual blocks of each level, going down; one more coming up
    attending_levels: int = 3  # that have attention, from the finest
    head_channels: int = 64
    context: int = 1024
    latent: int = 4


@dataclass(frozen=True, kw_only=True)
class AutoencoderSizes:
    """The autoencoder of Stable Diffusion."""

    channels: int = 128
    multipliers: tuple[int, ...] = (1, 2, 4, 4)
    blocks: int = 2  # residual blocks of each level of the encoder; one more in the decoder
    latent: int = 4

    @property
    def shrink(self) -> int:
        """How many pixels a side one place of the latent stands for."""
        return 2 ** (len(self.multipliers) - 1)


@dataclass(frozen=True, kw_only=True)
class TextEncoderSizes:
    """The text half of OpenCLIP ViT-H/14, as far as Stable Diffusion 2.x runs it."""

    width: int = 1024
    heads: int = 16
    layers: int = 23  # of 24: the last one is left out
    tokens: int = 77
    vocabulary: int = 49408

"""SwinIR on folded pictures: the first stage of DiffBIR, which removes degradations.

Source: Liang et al., SwinIR, arXiv:2108.10257. Sizes and parameter names are DiffBIR's.
"""

from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.catalog.sizes import SwinIRSizes
from pixelmend_engine.nn.recomputation import recomputed

MEAN = (0.4488, 0.4371, 0.4040)  # of DIV2K, red, green, blue; taken away and put back
MASKED = -100.0  # added to a logit where two places do not belong together

Pictures = Float[Tensor, "b 3 h w"]
Grid = Float[Tensor, "b h w c"]
BlockFactors = Float[Tensor, "b 2"]  # of a block's two residuals, for each picture
Factors = Float[Tensor, "b n 2"]  # the same of all blocks


class WindowAttention(nn.Module):
    """Attention among the places of a window, with a bias learned for each relative position."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(
        self, x: Float[Tensor, "windows n c"], mask: Float[Tensor, "masks n n"] | None
    ) -> Float[Tensor, "windows n c"]:
        q, k, v = rearrange(
            self.qkv(x), "w n (part heads c) -> part w heads n c", part=3, heads=self.heads
        )
        positions = relative_positions(self.window, x.device)
        bias = rearrange(self.relative_position_bias_table[positions], "n m heads -> 1 heads n m")
        if mask is not None:
            copies = x.shape[0] // mask.shape[0]
            bias = bias + rearrange(mask, "w n m -> w 1 n m").repeat(copies, 1, 1, 1)
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return self.proj(rearrange(attended, "w heads n c -> w n (heads c)"))


def relative_positions(window: int, device: torch.device) -> Int[Tensor, "n n"]:
    """Numbers the offset from each place of a window to each other, as Swin's tables do."""
    places = torch.cartesian_prod(torch.arange(window), torch.arange(window)).to(device)
    offset = places[:, None] - places[None] + window - 1
    return offset[..., 0] * (2 * window - 1) + offset[..., 1]


class Mlp(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Float[Tensor, "... c"]) -> Float[Tensor, "... c"]:
        return self.fc2(functional.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    """Attention within windows, then an MLP; every other block shifts the windows by a half."""

    def __init__(self, sizes: SwinIRSizes, *, shifted: bool) -> None:
        super().__init__()
        self.window = sizes.window
        self.shift = sizes.window // 2 if shifted else 0
        self.norm1 = nn.LayerNorm(sizes.channels)
        self.attn = WindowAttention(sizes.channels, sizes.heads, sizes.window)
        self.norm2 = nn.LayerNorm(sizes.channels)
        self.mlp = Mlp(sizes.channels, sizes.mlp_ratio * sizes.channels)

    def forward(self, x: Grid, factors: BlockFactors | None = None) -> Grid:
        """Runs the block; `factors` scale what it adds, in training, where some are 0."""
        first, second = (1, 1) if factors is None else rearrange(factors, "b two -> two b 1 1 1")
        x = x + first * self._attend(self.norm1(x))
        return x + second * self.mlp(self.norm2(x))

    def _attend(self, x: Grid) -> Grid:
        height, width = x.shape[1:3]
        rolled = x.roll((-self.shift, -self.shift), (1, 2))
        mask = self.mask(height, width, x.device) if self.shift else None
        attended = self.attn(windows_of(rolled, self.window), mask)
        rows, columns = height // self.window, width // self.window
        merged = rearrange(
            attended,
            "(b r s) (i j) c -> b (r i) (s j) c",
            r=rows,
            s=columns,
            i=self.window,
        )
        return merged.roll((self.shift, self.shift), (1, 2))

    def mask(self, height: int, width: int, device: torch.device) -> Float[Tensor, "windows n n"]:
        """Returns what keeps places of a grid apart that shifting has put into one window."""
        # After the roll the last windows hold places from opposite edges: they don't see another.
        down, across = (self._regions(length, device) for length in (height, width))
        region = rearrange(down[:, None] * 3 + across, "h w -> 1 h w 1")
        numbers = windows_of(region, self.window)[..., 0]
        apart = numbers[:, :, None] != numbers[:, None, :]
        return apart.float() * MASKED

    def _regions(self, length: int, device: torch.device) -> Float[Tensor, " n"]:
        regions = torch.zeros(length, device=device)
        bounds = (0, length - self.window, length - self.shift, length)
        for number, (start, stop) in enumerate(pairwise(bounds)):
            regions[start:stop] = number
        return regions


def windows_of(x: Grid, window: int) -> Float[Tensor, "windows n c"]:
    """Cuts a grid into square windows, row by row."""
    return rearrange(x, "b (r i) (s j) c -> (b r s) (i j) c", i=window, j=window)


class ResidualGroup(nn.Module):
    """Some blocks and a convolution, around which the input goes unchanged."""

    def __init__(self, sizes: SwinIRSizes, blocks: int) -> None:
        super().__init__()
        self.residual_group = nn.Module()
        self.residual_group.blocks = nn.ModuleList(
            SwinBlock(sizes, shifted=number % 2 == 1) for number in range(blocks)
        )
        self.conv = _conv(sizes.channels, sizes.channels)

    def forward(self, x: Grid, factors: Factors | None = None) -> Grid:
        y = x
        for number, block in enumerate(self.blocks):
            y = block(y, None if factors is None else factors[:, number])
        y = self.conv(rearrange(y, "b h w c -> b c h w"))
        return x + rearrange(y, "b c h w -> b h w c")

    @property
    def blocks(self) -> list[nn.Module]:
        """Its blocks, one after the other."""
        return list(self.residual_group.get_submodule("blocks").children())


class SwinIR(nn.Module):
    """Pictures in, pictures of the same size out: sRGB in [0, 1], not clamped."""

    BUFFERS = ("relative_position_index", "attn_mask")  # in the files; they follow from the sizes

    def __init__(self, sizes: SwinIRSizes) -> None:
        super().__init__()
        self.sizes = sizes
        width, tail = sizes.channels, sizes.tail_channels
        fold = nn.PixelUnshuffle(sizes.shrink)
        self.conv_first = nn.Sequential(fold, _conv(3 * sizes.shrink**2, width))
        self.patch_embed = nn.Module()
        self.patch_embed.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(ResidualGroup(sizes, blocks) for blocks in sizes.blocks)
        self.norm = nn.LayerNorm(width)
        self.conv_after_body = _conv(width, width)
        self.conv_before_upsample = nn.Sequential(_conv(width, tail), nn.LeakyReLU())
        self.conv_up1, self.conv_up2, self.conv_up3 = (_conv(tail, tail) for _ in range(3))
        self.conv_hr = _conv(tail, tail)
        self.conv_last = _conv(tail, 3)

    @property
    def multiple(self) -> int:
        """What height and width are multiples of."""
        return self.sizes.multiple

    @property
    def steps(self) -> list[nn.Module]:
        """Its groups of blocks, one after the other."""
        return list(self.layers)

    def published_buffers(self) -> dict[str, Tensor]:
        """Returns what is in published files beside weights: `BUFFERS`, for crops of 512 pixels."""
        side = 8 * self.sizes.window
        buffers: dict[str, Tensor] = {}
        for group_number, group in enumerate(self.layers):
            for number, block in enumerate(group.get_submodule("residual_group.blocks").children()):
                assert isinstance(block, SwinBlock)
                name = f"layers.{group_number}.residual_group.blocks.{number}"
                positions = relative_positions(block.window, torch.device("cpu"))
                buffers[f"{name}.attn.relative_position_index"] = positions
                if block.shift:
                    buffers[f"{name}.attn_mask"] = block.mask(side, side, torch.device("cpu"))
        return buffers

    @property
    def block_count(self) -> int:
        """How many blocks it has, in all of its groups."""
        return sum(self.sizes.blocks)

    def forward(
        self, image: Pictures, factors: Factors | None = None, *, recompute: bool = False
    ) -> Pictures:
        """Restores pictures whose sides are multiples of `multiple`.

        `factors` scale what each block adds (stochastic depth). With `recompute`, what a group
        computes is computed once more for gradients, and not kept (gradient checkpointing).
        """
        mean = rearrange(torch.tensor(MEAN, device=image.device), "c -> 1 c 1 1")
        first = self.conv_first(image - mean)
        x = self.patch_embed.get_submodule("norm")(rearrange(first, "b c h w -> b h w c"))
        first_block = 0
        for layer, blocks in zip(self.layers, self.sizes.blocks, strict=True):
            part = None if factors is None else factors[:, first_block : first_block + blocks]
            first_block += blocks
            x = recomputed(layer, x, part) if recompute else layer(x, part)
        x = self.conv_after_body(rearrange(self.norm(x), "b h w c -> b c h w")) + first
        x = self.conv_before_upsample(x)
        for up in (self.conv_up1, self.conv_up2, self.conv_up3):
            x = functional.leaky_relu(up(functional.interpolate(x, scale_factor=2.0)), 0.2)
        return self.conv_last(functional.leaky_relu(self.conv_hr(x), 0.2)) + mean


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)

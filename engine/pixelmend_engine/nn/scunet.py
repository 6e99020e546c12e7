"""SCUNet: a denoiser whose blocks are half convolution, half attention within windows.

Source: Zhang et al., SCUNet, arXiv:2203.13278. Parameter names are those of the published
`scunet_color_real_psnr`.
"""

import math

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.catalog.sizes import SCUNetSizes

MULTIPLE = 64  # three halvings of whole windows

Features = Float[Tensor, "b c h w"]
Grid = Float[Tensor, "b h w c"]


class WindowAttention(nn.Module):
    """Attention among the places of a window; `shift` moves the windows over the picture."""

    def __init__(self, channels: int, sizes: SCUNetSizes, shift: int) -> None:
        super().__init__()
        self.heads = channels // sizes.head_channels
        self.window, self.shift = sizes.window, shift
        side = 2 * sizes.window - 1
        self.relative_position_params = nn.Parameter(torch.zeros(self.heads, side, side))
        self.embedding_layer = nn.Linear(channels, 3 * channels)
        self.linear = nn.Linear(channels, channels)

    def forward(self, x: Grid) -> Grid:
        window, shift = self.window, self.shift
        x = x.roll((-shift, -shift), (1, 2))
        rows, columns = x.shape[1] // window, x.shape[2] // window
        cells = rearrange(x, "b (r i) (s j) c -> b (r s) (i j) c", i=window, j=window)
        q, k, v = rearrange(
            self.embedding_layer(cells),
            "b w n (part heads c) -> part b w heads n c",
            part=3,
            heads=self.heads,
        )
        bias = self._bias().to(q.dtype)
        if shift:
            apart = rearrange(self._apart(rows, columns), "w n m -> w 1 n m").to(q.device)
            bias = bias.masked_fill(apart, -math.inf)
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        merged = rearrange(
            self.linear(rearrange(attended, "b w heads n c -> b w n (heads c)")),
            "b (r s) (i j) c -> b (r i) (s j) c",
            r=rows,
            i=window,
        )
        return merged.roll((shift, shift), (1, 2))

    def _bias(self) -> Float[Tensor, "heads n n"]:
        places = torch.cartesian_prod(torch.arange(self.window), torch.arange(self.window))
        offset = places[:, None] - places[None] + self.window - 1  # from the key to the query
        return self.relative_position_params[:, offset[..., 0], offset[..., 1]]

    def _apart(self, rows: int, columns: int) -> Bool[Tensor, "windows n n"]:
        # The last row and column of windows hold places from opposite edges of the picture.
        before = torch.arange(self.window) < self.window - self.shift
        across = before[:, None] != before
        shape = (rows, columns, *([self.window] * 4))
        apart = torch.zeros(shape, dtype=torch.bool)
        apart[-1] |= across[None, :, None, :, None]
        apart[:, -1] |= across[None, None, :, None, :]
        return rearrange(apart, "r s i j k l -> (r s) (i j) (k l)")


class TransformerBlock(nn.Module):
    """Attention within windows, then an MLP, each behind a norm and with a residual."""

    def __init__(self, channels: int, sizes: SCUNetSizes, shift: int) -> None:
        super().__init__()
        self.ln1 = nn.LayerNorm(channels)
        self.msa = WindowAttention(channels, sizes, shift)
        self.ln2 = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def forward(self, x: Grid) -> Grid:
        x = x + self.msa(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class Block(nn.Module):
    """One half of the channels goes through convolutions, the other through attention."""

    def __init__(self, channels: int, sizes: SCUNetSizes, *, shifted: bool) -> None:
        super().__init__()
        half = channels // 2
        self.trans_block = TransformerBlock(half, sizes, sizes.window // 2 if shifted else 0)
        self.conv1_1 = nn.Conv2d(channels, channels, 1)
        self.conv1_2 = nn.Conv2d(channels, channels, 1)
        self.conv_block = nn.Sequential(
            nn.Conv2d(half, half, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(half, half, 3, padding=1, bias=False),
        )

    def forward(self, x: Features) -> Features:
        convolved, attended = self.conv1_1(x).chunk(2, dim=1)
        convolved = convolved + self.conv_block(convolved)
        attended = self.trans_block(rearrange(attended, "b c h w -> b h w c"))
        both = torch.cat([convolved, rearrange(attended, "b h w c -> b c h w")], dim=1)
        return x + self.conv1_2(both)


class SCUNet(nn.Module):
    """Pictures in, pictures of the same size out: sRGB in [0, 1], not clamped."""

    multiple = 1  # any size will do: it pads

    def __init__(self, sizes: SCUNetSizes) -> None:
        super().__init__()
        dims = [sizes.channels * 2**level for level in range(4)]
        blocks = sizes.blocks

        def stage(channels: int, count: int) -> list[nn.Module]:
            return [Block(channels, sizes, shifted=number % 2 == 1) for number in range(count)]

        def down(level: int) -> nn.Module:
            return nn.Conv2d(dims[level], dims[level + 1], 2, 2, bias=False)

        def up(level: int) -> nn.Module:
            return nn.ConvTranspose2d(dims[level + 1], dims[level], 2, 2, bias=False)

        self.m_head = nn.Sequential(nn.Conv2d(3, dims[0], 3, padding=1, bias=False))
        self.m_down1 = nn.Sequential(*stage(dims[0], blocks[0]), down(0))
        self.m_down2 = nn.Sequential(*stage(dims[1], blocks[1]), down(1))
        self.m_down3 = nn.Sequential(*stage(dims[2], blocks[2]), down(2))
        self.m_body = nn.Sequential(*stage(dims[3], blocks[3]))
        self.m_up3 = nn.Sequential(up(2), *stage(dims[2], blocks[4]))
        self.m_up2 = nn.Sequential(up(1), *stage(dims[1], blocks[5]))
        self.m_up1 = nn.Sequential(up(0), *stage(dims[0], blocks[6]))
        self.m_tail = nn.Sequential(nn.Conv2d(dims[0], 3, 3, padding=1, bias=False))

    @property
    def steps(self) -> list[nn.Module]:
        """Its stages, one after the other."""
        return [
            self.m_down1,
            self.m_down2,
            self.m_down3,
            self.m_body,
            self.m_up3,
            self.m_up2,
            self.m_up1,
        ]

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Denoises pictures of any size."""
        height, width = image.shape[-2:]
        padding = (0, -width % MULTIPLE, 0, -height % MULTIPLE)
        x1 = self.m_head(functional.pad(image, padding, mode="replicate"))
        x2 = self.m_down1(x1)
        x3 = self.m_down2(x2)
        x4 = self.m_down3(x3)
        x = self.m_up3(self.m_body(x4) + x4)
        x = self.m_up2(x + x3)
        x = self.m_up1(x + x2)
        return self.m_tail(x + x1)[..., :height, :width]

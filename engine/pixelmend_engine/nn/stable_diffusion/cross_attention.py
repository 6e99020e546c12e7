"""The transformers of Stable Diffusion's U-Net: places attend to each other, then to a text.

Source: Rombach et al., Latent Diffusion, arXiv:2112.10752. Parameter names are those of the
published checkpoints.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.catalog.sizes import UNetSizes

Features = Float[Tensor, "b c h w"]
Places = Float[Tensor, "b p c"]
Context = Float[Tensor, "b n d"]

NORM_GROUPS = 32


class CrossAttention(nn.Module):
    """Each place attends to the tokens of a context, or to the places themselves."""

    def __init__(self, channels: int, context: int, head_channels: int) -> None:
        super().__init__()
        self.heads = channels // head_channels
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x: Places, context: Context) -> Places:
        q, k, v = (
            rearrange(part, "b n (heads c) -> b heads n c", heads=self.heads)
            for part in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        attended = functional.scaled_dot_product_attention(q, k, v)
        return self.to_out(rearrange(attended, "b heads n c -> b n (heads c)"))


class GEGLU(nn.Module):
    """GEGLU: one half of a projection, through GELU, scales the other."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 2 * hidden)

    def forward(self, x: Places) -> Float[Tensor, "b p hidden"]:
        value, gating = self.proj(x).chunk(2, dim=-1)
        return value * functional.gelu(gating)


class FeedForward(nn.Module):
    """Four times as wide in between."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The checkpoints count a dropout that is never used.
        self.net = nn.Sequential(
            GEGLU(channels, 4 * channels),
            nn.Identity(),
            nn.Linear(4 * channels, channels),
        )

    def forward(self, x: Places) -> Places:
        return self.net(x)


class TransformerBlock(nn.Module):
    """Self-attention, attention to the text, feed-forward; each behind a norm, with a residual."""

    def __init__(self, channels: int, sizes: UNetSizes) -> None:
        super().__init__()
        self.attn1 = CrossAttention(channels, channels, sizes.head_channels)
        self.ff = FeedForward(channels)
        self.attn2 = CrossAttention(channels, sizes.context, sizes.head_channels)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))

    def forward(self, x: Places, context: Context) -> Places:
        normed = self.norm1(x)
        x = x + self.attn1(normed, normed)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer over the places of a feature map, around which the input goes unchanged."""

    def __init__(self, channels: int, sizes: UNetSizes) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(NORM_GROUPS, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, sizes)])
        self.proj_out = nn.Linear(channels, channels)

    def forward(self, x: Features, context: Context) -> Features:
        height = x.shape[-2]
        places = self.proj_in(rearrange(self.norm(x), "b c h w -> b (h w) c"))
        for block in self.transformer_blocks:
            places = block(places, context)
        return x + rearrange(self.proj_out(places), "b (h w) c -> b c h w", h=height)


def timestep_embedding(t: Float[Tensor, " b"], channels: int) -> Float[Tensor, "b c"]:
    """Writes a timestep, which may be a fraction, as cosines and then sines of many frequencies.

    Source: arXiv:2006.11239, appendix B; frequencies 10000^(-i/half), as published.
    """
    half = channels // 2
    exponents = torch.arange(half, dtype=torch.float32, device=t.device) / half
    angles = t[:, None] * torch.exp(-torch.log(torch.tensor(10000.0)).to(t.device) * exponents)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)

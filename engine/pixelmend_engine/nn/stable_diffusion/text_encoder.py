"""The text half of OpenCLIP ViT-H/14, which encodes prompts for Stable Diffusion 2.x.

Sources: Radford et al., CLIP, arXiv:2103.00020; Cherti et al., OpenCLIP, arXiv:2212.07143.
Parameter names are those of the published checkpoints. The last of the published layers is never
run, so it is not there.
"""

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.catalog.sizes import TextEncoderSizes

Tokens = Float[Tensor, "b n c"]


class Attention(nn.Module):
    """Each token attends to those before it, and to itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(0.02 * torch.randn(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tokens) -> Tokens:
        q, k, v = rearrange(
            functional.linear(x, self.in_proj_weight, self.in_proj_bias),
            "b n (part heads c) -> part b heads n c",
            part=3,
            heads=self.heads,
        )
        attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(rearrange(attended, "b heads n c -> b n (heads c)"))


class Block(nn.Module):
    """Attention, then an MLP four times as wide, each behind a norm and with a residual."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Module()
        self.mlp.c_fc = nn.Linear(width, 4 * width)
        self.mlp.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tokens) -> Tokens:
        x = x + self.attn(self.ln_1(x))
        hidden = functional.gelu(self.mlp.get_submodule("c_fc")(self.ln_2(x)))
        return x + self.mlp.get_submodule("c_proj")(hidden)


class TextEncoder(nn.Module):
    """Token ids in, one vector for each token out."""

    def __init__(self, sizes: TextEncoderSizes) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(sizes.vocabulary, sizes.width)
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(sizes.tokens, sizes.width))
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.Sequential(
            *(Block(sizes.width, sizes.heads) for _ in range(sizes.layers))
        )
        self.ln_final = nn.LayerNorm(sizes.width)

    def forward(self, ids: Int[Tensor, "b n"]) -> Tokens:
        """Encodes as many ids as there are positions."""
        x = self.token_embedding(ids) + self.positional_embedding
        return self.ln_final(self.transformer.get_submodule("resblocks")(x))

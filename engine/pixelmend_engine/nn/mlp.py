"""The denoiser of compact priors: a chain of linear layers that predicts x_0.

HI-Diff's RealBlur systems and DiffIR share it; parameter names are the published ones.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class _Layer(nn.Module):
    """A linear layer, one module deeper because the checkpoints say `resmlp` (no residual)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.resmlp = nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(0.1))

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        return self.resmlp(x)


class MLPDenoiser(nn.Module):
    """Sees the condition, the step over `time_scale`, and x_t; puts out x_0."""

    def __init__(self, dim: int, width: int, layers: int, time_scale: int) -> None:
        super().__init__()
        self.time_scale = time_scale
        self.resmlp = nn.Sequential(
            nn.Linear(2 * dim + 1, width),
            nn.LeakyReLU(0.1),
            *(_Layer(width) for _ in range(layers)),
        )

    def forward(
        self, x_t: Float[Tensor, "b n d"], condition: Float[Tensor, "b n d"], t: int
    ) -> Float[Tensor, "b n d"]:
        """Predicts for step `t`, counted from 0."""
        # In float32 first, as published, even where the network runs in float64.
        tau = torch.full_like(x_t[..., :1], t / self.time_scale, dtype=torch.float32)
        return self.resmlp(torch.cat([condition, tau.to(x_t.dtype), x_t], dim=-1))

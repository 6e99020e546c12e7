"""The MLP-mixer block: tokens talk to each other, then channels do.

Source: Tolstikhin et al., MLP-Mixer, arXiv:2105.01601. Parameter names are those of HI-Diff.
"""

from jaxtyping import Float
from torch import Tensor, nn


class MLPMixer(nn.Module):
    """Mixes over the tokens, then over the channels, each with a residual."""

    def __init__(self, tokens: int, channels: int, token_hidden: int, channel_hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.patch_mixer = nn.Sequential(
            nn.Linear(tokens, token_hidden), nn.GELU(), nn.Linear(token_hidden, tokens)
        )
        self.channel_mixer = nn.Sequential(
            nn.Linear(channels, channel_hidden), nn.GELU(), nn.Linear(channel_hidden, channels)
        )

    def forward(self, x: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        x = x + self.patch_mixer(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel_mixer(self.norm2(x))

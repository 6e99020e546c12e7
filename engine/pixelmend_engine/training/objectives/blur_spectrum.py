"""How much of a picture's detail a degradation took away, by frequency and direction.

The logarithm of the ratio of two power spectra, summed over bands: what the modulation transfer
function of the blur does, and where noise comes up. A teacher's prior that tells these numbers
tells one degradation from another, before the transformer has learned to make use of it.
"""

from functools import lru_cache
from itertools import pairwise
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor

# Cycles per pixel, from long waves to those of two pixels; each ring is nearly twice as wide.
EDGES = (0.02, 0.05, 0.1, 0.16, 0.24, 0.34, 0.5)
DIRECTIONS = 8  # of half a turn; what lies opposite is the same
BANDS = (len(EDGES) - 1) * DIRECTIONS
# Of the variance in a band, for samples in [0, 1]: what is darker than a quantization step is none.
FLOOR = 1e-6

Pictures = Float[Tensor, "b 3 h w"]


def attenuation(lq: Pictures, hq: Pictures) -> Float[Tensor, "b bands"]:
    """Returns the log ratio of the power of `lq` to that of `hq` in each band: square pictures."""
    return (_power(lq) + FLOOR).log() - (_power(hq) + FLOOR).log()


def _power(pictures: Pictures) -> Float[Tensor, "b bands"]:
    side = pictures.shape[-1]
    gray = pictures.float().mean(dim=1)
    window = torch.hann_window(side, device=gray.device)
    centered = (gray - gray.mean(dim=(1, 2), keepdim=True)) * window[:, None] * window
    transformed = cast("Tensor", torch.fft.rfft2(centered))
    spectrum = transformed.abs().square().flatten(1)
    return spectrum @ _masks(side).to(gray.device) / side**2


@lru_cache(maxsize=4)
def _masks(side: int) -> Float[Tensor, "frequencies bands"]:
    """Averages over each band; small pictures have bands without any frequency, which are 0."""
    down = cast("Tensor", torch.fft.fftfreq(side))[:, None]
    right = cast("Tensor", torch.fft.rfftfreq(side))[None]
    radius = (down.square() + right.square()).sqrt()
    turn = torch.atan2(down, right) % torch.pi / torch.pi
    sector = (turn * DIRECTIONS).long().clamp(max=DIRECTIONS - 1)
    masks = torch.stack(
        [
            ((radius >= low) & (radius < high) & (sector == direction)).float().flatten()
            for low, high in pairwise(EDGES)
            for direction in range(DIRECTIONS)
        ],
        dim=1,
    )
    return masks / masks.sum(dim=0).clamp(min=1)

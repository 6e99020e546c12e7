"""The blur kernels that Real-ESRGAN draws: bells of three kinds, and sinc.

Source: Wang et al., arXiv:2107.10833, section 3, and the published operators (BasicSR 1.4.2).
"""

import math
from typing import Literal, cast

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.degradations.random_source import RandomSource

SIZE = 21  # of every kernel that is handed out; smaller ones get zeros around
SIZES = tuple(range(7, SIZE + 1, 2))
KIND_SHARES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)  # how often each of `KINDS` is drawn
SINC_SHARE, FINAL_SINC_SHARE = 0.1, 0.8
BESSEL_POINTS = 256
SMALL = 13  # pixels; smaller kernels can't hold low cutoffs

Kind = Literal["gaussian", "generalized", "plateau"]
KINDS: tuple[tuple[Kind, bool], ...] = (  # and whether it is as wide in all directions
    ("gaussian", True),
    ("gaussian", False),
    ("generalized", True),
    ("generalized", False),
    ("plateau", True),
    ("plateau", False),
)
Range = tuple[float, float]
Kernel = Float64[Tensor, "k k"]


def bivariate_kernel(
    kind: Kind, size: int, sigma: Range, theta: float = 0.0, beta: float = 1.0
) -> Float64[Tensor, "size size"]:
    """Returns a bell-shaped kernel that sums to 1.

    `sigma` is how wide it is along its two axes, in pixels; `theta` how far these are turned, in
    radians; `beta` how steep it is, which a Gaussian leaves alone.
    """
    turn = torch.tensor(
        [[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]],
        dtype=torch.float64,
    )
    widths = torch.diag(torch.tensor(sigma, dtype=torch.float64) ** 2)
    inverse = cast("Tensor", torch.linalg.inv(turn @ widths @ turn.T))
    down, right = _grid(size)
    positions = torch.stack([right, down], dim=-1)
    distance = torch.einsum("hwi,ij,hwj->hw", positions, inverse, positions)
    match kind:
        case "gaussian":
            values = (-distance / 2).exp()
        case "generalized":
            values = (-(distance**beta) / 2).exp()
        case "plateau":
            values = 1 / (1 + distance**beta)
    return values / values.sum()


def sinc_kernel(size: int, cutoff: float) -> Float64[Tensor, "size size"]:
    """Returns the filter that rings: frequencies below `cutoff` pass, in radians per pixel."""
    down, right = _grid(size)
    radius = (down**2 + right**2).sqrt()
    values = cutoff * _bessel_j1(cutoff * radius) / (2 * math.pi * radius)
    values[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    return values / values.sum()


def _bessel_j1(x: Float64[Tensor, "k k"]) -> Float64[Tensor, "k k"]:
    """Computes J1 by Bessel's integral; torch's own is exact to 1e-8 alone.

    The integrand is periodic: so many evenly placed points are exact as long as x is below 100.
    """
    turn = torch.linspace(0, 2 * math.pi, BESSEL_POINTS + 1, dtype=torch.float64)[:-1]
    return (turn - x[..., None] * turn.sin()).cos().mean(dim=-1)


def _grid(size: int) -> tuple[Tensor, Tensor]:
    steps = torch.arange(size, dtype=torch.float64) - size // 2
    down, right = torch.meshgrid(steps, steps, indexing="ij")
    return down, right


def random_kernel(sigma: Range, rng: RandomSource) -> Float[Tensor, "21 21"]:
    """Draws the kernel of one blur; bells are as wide as `sigma` allows."""
    size = SIZES[rng.integer(0, len(SIZES) - 1)]
    if rng.bernoulli(SINC_SHARE):
        lowest = math.pi / 3 if size < SMALL else math.pi / 5
        return _pad(sinc_kernel(size, rng.uniform(lowest, math.pi)))
    kind, round_ = KINDS[rng.categorical(KIND_SHARES)]
    first = rng.uniform(*sigma)
    second = first if round_ else rng.uniform(*sigma)
    theta = 0.0 if round_ else rng.uniform(-math.pi, math.pi)
    beta = 1.0
    match kind:
        case "gaussian":
            pass
        case "generalized":
            beta = rng.uniform(0.5, 1.0) if rng.bernoulli(0.5) else rng.uniform(1.0, 4.0)
        case "plateau":
            beta = 1.0 if rng.bernoulli(0.5) else rng.uniform(1.0, 2.0)
    return _pad(bivariate_kernel(kind, size, (first, second), theta, beta))


def random_final_kernel(rng: RandomSource) -> Float[Tensor, "21 21"]:
    """Draws the kernel that ends a degradation: it rings, or leaves the picture alone."""
    if not rng.bernoulli(FINAL_SINC_SHARE):
        return _pad(torch.ones(1, 1, dtype=torch.float64))
    size = SIZES[rng.integer(0, len(SIZES) - 1)]
    return _pad(sinc_kernel(size, rng.uniform(math.pi / 3, math.pi)))


def _pad(kernel: Kernel) -> Float[Tensor, "21 21"]:
    around = (SIZE - kernel.shape[-1]) // 2
    return functional.pad(kernel, (around, around, around, around)).float()


def filter2d(
    images: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b k k"]
) -> Float[Tensor, "b c h w"]:
    """Lays each picture's own kernel over all of its pixels; pictures are mirrored at borders."""
    count, channels = images.shape[:2]
    around = kernels.shape[-1] // 2
    padded = functional.pad(images, (around, around, around, around), mode="reflect")
    stacked = rearrange(padded, "b c h w -> 1 (b c) h w")
    weights = repeat(kernels, "b i j -> (b c) 1 i j", c=channels)
    filtered = functional.conv2d(stacked, weights, groups=count * channels)
    return rearrange(filtered, "1 (b c) h w -> b c h w", b=count)

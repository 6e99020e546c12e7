"""How a point of light is smeared: by a hand that shakes, by missed focus, by a soft lens.

A path is where the image of one point is during the exposure, in pixels (down, right), at instants
that are equally far apart. The trajectories follow the idea of Boracchi and Foi, "Modeling the
performance of image restoration from motion blur", IEEE TIP 2012: a body with inertia, pushed at
random, and jerked now and then.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

INSTANTS = 64  # of an exposure; a path of 32 pixels moves half a pixel between two
INERTIA = (0.7, 0.98)  # share of the velocity that is kept from instant to instant
JERK_SHARE = 0.03  # of the instants have one
JERK = 8.0  # times as strong as other pushes
DRIFT = 3.0  # a steady motion beside the pushes, in their strength: most shakes are short arcs

Path = Float[Tensor, "b t 2"]
Kernels = Float[Tensor, "b _ k k"]  # one for each picture, or for each of several positions in it


def shake_paths(length: Float[Tensor, " b"], generator: torch.Generator) -> Path:
    """Draws paths of a camera that moves and shakes, each as long as asked, in pixels.

    The length is that of the way, not of the straight line between its ends. The mean of a path is
    0, so that the picture is blurred and not path. `generator` is one of the CPU.
    """
    path = _random_walk(len(length), 2, generator).to(length.device)
    way = path.diff(dim=1).square().sum(dim=-1).sqrt().sum(dim=1)
    path = path * (length / way.clamp_min(1e-6))[:, None, None]
    return path - path.mean(dim=1, keepdim=True)


def roll_angles(angle: Float[Tensor, " b"], generator: torch.Generator) -> Float[Tensor, "b t"]:
    """Draws how the camera turns around its axis meanwhile: radians, at most `angle`, mean 0."""
    roll = _random_walk(len(angle), 1, generator).to(angle.device)[..., 0]
    roll = roll - roll.mean(dim=1, keepdim=True)
    return roll * (angle / roll.abs().amax(dim=1).clamp_min(1e-6))[:, None]


def _random_walk(count: int, axes: int, generator: torch.Generator) -> Float[Tensor, "b t a"]:
    pushes = torch.randn(count, INSTANTS, axes, generator=generator)
    jerks = torch.rand(count, INSTANTS, 1, generator=generator) < JERK_SHARE
    pushes = pushes * torch.where(jerks, JERK, 1.0)
    low, high = INERTIA
    inertia = low + (high - low) * torch.rand(count, 1, 1, generator=generator)
    # The velocity is a sum of pushes that fade; as a matrix it takes no loop over the instants.
    age = torch.arange(INSTANTS)[:, None] - torch.arange(INSTANTS)
    fade = torch.where(age >= 0, inertia ** age.clamp_min(0), 0.0)
    steady = DRIFT * torch.randn(count, 1, axes, generator=generator) / (1 - inertia)
    return (fade @ pushes + steady * torch.rand(count, 1, 1, generator=generator)).cumsum(dim=1)


def rolled_paths(
    path: Path, roll: Float[Tensor, "b t"], positions: Float[Tensor, "n 2"]
) -> Float[Tensor, "b n t 2"]:
    """Returns the paths at several positions in a picture, in pixels (down, right) from its center.

    A roll moves what is far from the center most, which is why the blur of a shaken picture
    differs from corner to corner.
    """
    sideways = torch.stack([-positions[:, 1], positions[:, 0]], dim=-1)
    return path[:, None] + roll[:, None, :, None] * sideways[None, :, None, :]


def path_kernels(paths: Float[Tensor, "b n t 2"], reach: int) -> Kernels:
    """Draws paths as kernels of 2 * reach + 1 pixels a side, that sum to 1.

    Each instant is shared among the four nearest pixels, so a path may move by less than one. What
    is further than `reach` from the center is left out.
    """
    grid = torch.arange(-reach, reach + 1, device=paths.device, dtype=paths.dtype)
    hats = (1 - (paths[..., None] - grid).abs()).clamp_min(0)
    kernels = torch.einsum("bnti,bntj->bnij", hats[..., 0, :], hats[..., 1, :])
    return kernels / kernels.sum(dim=(-2, -1), keepdim=True).clamp_min(1e-6)


def disk_kernels(radius: Float[Tensor, " b"], reach: int) -> Kernels:
    """Draws what missed focus makes of a point: an even disk; a radius of 0 leaves it a point."""
    kernels = (radius[:, None, None] + 0.5 - _distances(reach, radius.device)).clamp(0, 1)
    return (kernels / kernels.sum(dim=(-2, -1), keepdim=True))[:, None]


def gaussian_kernels(sigma: Float[Tensor, " b"], reach: int) -> Kernels:
    """Draws what a soft lens makes of a point; a sigma of 0 leaves it a point."""
    squares = _distances(reach, sigma.device) ** 2
    kernels = (-squares / (2 * sigma.clamp_min(0.05)[:, None, None] ** 2)).exp()
    return (kernels / kernels.sum(dim=(-2, -1), keepdim=True))[:, None]


def _distances(reach: int, device: torch.device) -> Float[Tensor, "k k"]:
    grid = torch.arange(-reach, reach + 1, device=device, dtype=torch.float32)
    return (grid[:, None] ** 2 + grid**2).sqrt()


def reach_of(*, shake: float, defocus: float, sigma: float) -> int:
    """Returns how far a point of light may be smeared, in pixels.

    A camera that waits and then moves has its mean near the start of its path, hence the whole
    length of it; beyond three sigmas a Gaussian is below a percent.
    """
    return math.ceil(shake + defocus + 3 * sigma) + 1

"""Pictures that were made worse, and what they should have been: what methods are measured on."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn import functional

from pixelmend.errors import BadRequest
from pixelmend_engine.training.data import picture_files
from pixelmend_engine.training.data.crops import check_sizes
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.degradations import linear_light, motion_kernels
from pixelmend_engine.training.degradations.blur import blur
from pixelmend_engine.training.evaluation import metrics

Picture = UInt8[Tensor, "3 h w"]
Restored = UInt8[Tensor, "3 hs ws"]
Mask = Bool[Tensor, "h w"]
Kernel = Float[Tensor, "k k"]


@dataclass(frozen=True)
class Case:
    """A picture that was made worse, and what it should have been."""

    name: str
    degraded: Picture  # black in holes
    sharp: Restored  # larger by `scale`
    kernel: Kernel | None = None  # the blur, where it was simulated
    mask: Mask | None = None  # where holes are

    @property
    def scale(self) -> int:
        """How many times larger it should have been."""
        return self.sharp.shape[-1] // self.degraded.shape[-1]

    @property
    def model_input(self) -> Float[Tensor, "1 c h w"]:
        """The picture as models take it: sRGB, [0, 1], behind it where holes are."""
        image = self.degraded[None] / 255
        if self.mask is None:
            return image
        return torch.cat([image, self.mask[None, None].float()], dim=1)

    def judged(self, picture: Restored) -> UInt8[Tensor, "3 hj wj"]:
        """Returns the pixels of a picture that count: those in holes, in one row, or all."""
        return picture if self.mask is None else picture[:, None, self.mask]


@dataclass(frozen=True, kw_only=True)
class BlurSettings:
    """How sharp pictures are blurred: evenly, in linear light, and then made noisy."""

    length: tuple[float, float] = (3.0, 15.0)  # pixels, of the way that a point of light takes
    noise: float = 2.0  # standard deviation of the sRGB values, on their scale to 255
    kernels: tuple[Kernel, ...] = ()  # drawn from instead, where there are any
    seed: int = 0


def make_case(pair: TrainingPair, settings: BlurSettings) -> Case:
    """Reads a pair, or blurs a sharp picture as a shaking hand would.

    For a seed and a name the blur is always the same, whatever else is in the folder.

    Raises:
        BadRequest: The pictures of a pair differ in size, or one is smaller than its blur.
    """
    sharp = picture_files.read_rgb8(pair.sharp)
    if pair.degraded is None:
        return _shaken(pair.name, sharp, settings)
    blurred = picture_files.read_rgb8(pair.degraded)
    check_sizes(pair, blurred, sharp)
    return Case(pair.name, blurred, sharp, None)


def seeded_generator(seed: int, name: str) -> torch.Generator:
    """Returns the generator of a picture, whatever else is in its folder."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


def _shaken(name: str, sharp: Picture, settings: BlurSettings) -> Case:
    generator = seeded_generator(settings.seed, name)
    kernel = _kernel(settings, generator)
    reach = kernel.shape[-1] // 2
    image = sharp[None] / 255
    if reach >= min(image.shape[-2:]):
        raise BadRequest(
            f"The picture is smaller than the blur: `{name}`",
            hint="Leave it out, or blur by less",
        )
    around = functional.pad(
        linear_light.decode(image), (reach, reach, reach, reach), mode="reflect"
    )
    blurred = blur(around, kernel[None, None])[..., reach : -reach or None, reach : -reach or None]
    noise = torch.randn(blurred.shape, generator=generator) * (settings.noise / 255)
    return Case(name, metrics.to_uint8((linear_light.encode(blurred) + noise)[0]), sharp, kernel)


def _kernel(settings: BlurSettings, generator: torch.Generator) -> Kernel:
    if settings.kernels:
        return settings.kernels[
            int(torch.randint(len(settings.kernels), (1,), generator=generator))
        ]
    low, high = settings.length
    length = low + (high - low) * torch.rand(1, generator=generator)
    path = motion_kernels.shake_paths(length, generator)
    return motion_kernels.path_kernels(
        path[:, None], motion_kernels.reach_of(shake=high, defocus=0.0, sigma=0.0)
    )[0, 0]


def read_kernels(folder: Path) -> tuple[Kernel, ...]:
    """Reads blur kernels, drawn in white on black, from the pictures of a folder.

    Raises:
        BadImage: There are none.
        BadRequest: One is black all over.
    """
    kernels: list[Kernel] = []
    for path in picture_files.list_pictures(folder):
        strokes = picture_files.read_rgb8(path).float().mean(dim=0)
        if strokes.sum() == 0:
            raise BadRequest(f"The kernel is black: `{path}`", hint="Take it out of the folder")
        side = max(strokes.shape) | 1  # odd, so that there is a middle
        below, beside = side - strokes.shape[0], side - strokes.shape[1]
        padding = (beside // 2, beside - beside // 2, below // 2, below - below // 2)
        kernels.append(functional.pad(strokes / strokes.sum(), padding))
    return tuple(kernels)

"""How much sharper models make pictures, measured: against the sharp ones, and against baselines.

Everything is compared as it would be saved, in 8 bit; see `metrics`.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pixelmend.errors import BadRequest
from pixelmend_engine.inference import tiled_inference as restore
from pixelmend_engine.models.pipeline import Request, unreported
from pixelmend_engine.restoration.session import LoadedModel
from pixelmend_engine.training.data import pictures
from pixelmend_engine.training.data.crops import check_sizes
from pixelmend_engine.training.data.folders import Scene
from pixelmend_engine.training.degradations import linear_light
from pixelmend_engine.training.degradations import motion_kernels as kernels
from pixelmend_engine.training.degradations.blur import blur
from pixelmend_engine.training.evaluation import baselines, metrics
from pixelmend_engine.training.evaluation.contact_sheet import Print, sheet

INPUT = "input"  # what is said of the blurred picture itself
WORST = 5  # pictures on a sheet
SHEET_SIDE = 320  # pixels of each that are shown, as they are

Picture = UInt8[Tensor, "3 h w"]
Kernel = Float[Tensor, "k k"]


@dataclass(frozen=True)
class Case:
    """A blurred picture, and what it should have been."""

    name: str
    blurred: Picture
    sharp: Picture
    kernel: Kernel | None  # the blur, where it was simulated


@dataclass(frozen=True)
class Method:
    """A way to restore a picture; with `knows_blur`, one that is told the kernel."""

    name: str
    restore: Callable[[Case], Picture]
    knows_blur: bool = False


@dataclass(frozen=True)
class Figures:
    """How near to the sharp picture each method came, by its name: PSNR in dB, SSIM."""

    name: str  # of the picture
    psnr: dict[str, float]
    ssim: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Shake:
    """How sharp pictures are blurred: evenly, in linear light, and then made noisy."""

    length: tuple[float, float] = (3.0, 15.0)  # pixels, of the way that a point of light takes
    noise: float = 2.0  # standard deviation of the sRGB values, on their scale to 255
    kernels: tuple[Kernel, ...] = ()  # drawn from instead, where there are any
    seed: int = 0


def case(scene: Scene, shake: Shake) -> Case:
    """Reads a pair, or blurs a sharp picture as a shaking hand would.

    For a seed and a name the blur is always the same, whatever else is in the folder.

    Raises:
        BadRequest: The pictures of a pair differ in size, or one is smaller than its blur.
    """
    sharp = pictures.read(scene.sharp)
    if scene.blurred is None:
        return _shaken(scene.name, sharp, shake)
    blurred = pictures.read(scene.blurred)
    check_sizes(scene, blurred, sharp)
    return Case(scene.name, blurred, sharp, None)


def _shaken(name: str, sharp: Picture, shake: Shake) -> Case:
    digest = hashlib.sha256(f"{shake.seed}/{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
    kernel = _kernel(shake, generator)
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
    seen = blur(around, kernel[None, None])[..., reach : -reach or None, reach : -reach or None]
    noise = torch.randn(seen.shape, generator=generator) * (shake.noise / 255)
    return Case(name, metrics.rounded((linear_light.encode(seen) + noise)[0]), sharp, kernel)


def _kernel(shake: Shake, generator: torch.Generator) -> Kernel:
    if shake.kernels:
        return shake.kernels[int(torch.randint(len(shake.kernels), (1,), generator=generator))]
    low, high = shake.length
    length = low + (high - low) * torch.rand(1, generator=generator)
    path = kernels.shakes(length, generator)
    return kernels.traced(path[:, None], kernels.reach_of(shake=high, defocus=0.0, sigma=0.0))[0, 0]


def read_kernels(folder: Path) -> tuple[Kernel, ...]:
    """Reads blur kernels, drawn in white on black, from the pictures of a folder.

    Raises:
        BadImage: There are none.
        BadRequest: One is black all over.
    """
    found: list[Kernel] = []
    for path in pictures.files(folder):
        drawn = pictures.read(path).float().mean(dim=0)
        if drawn.sum() == 0:
            raise BadRequest(f"The kernel is black: `{path}`", hint="Take it out of the folder")
        side = max(drawn.shape) | 1  # odd, so that there is a middle
        below, beside = side - drawn.shape[0], side - drawn.shape[1]
        padding = (beside // 2, beside - beside // 2, below // 2, below - below // 2)
        found.append(functional.pad(drawn / drawn.sum(), padding))
    return tuple(found)


def model(name: str, loaded: LoadedModel, seed: int) -> Method:
    """Makes a method of a loaded model."""

    def through_it(case: Case) -> Picture:
        restored = restore.restore(
            loaded.pipeline,
            loaded.spec,
            case.blurred[None] / 255,
            restore.Options(request=Request(seeds=(seed,))),
            loaded.device,
            unreported,
        )
        return metrics.rounded(restored.image[0].cpu())

    return Method(name, through_it)


def classics(seed: int) -> list[Method]:
    """Lists the baselines; those that know the blur apply to simulated blur alone."""
    assumed = torch.from_numpy(baselines.assumed_kernel())

    def lucy(case: Case, kernel: Kernel) -> Picture:
        return _planes(baselines.deconvolved(_pixels(case.blurred), kernel.numpy()))

    def wiener(case: Case, kernel: Kernel) -> Picture:
        return _planes(baselines.wiener(_pixels(case.blurred), kernel.numpy(), seed))

    def known(case: Case) -> Kernel:
        if case.kernel is None:
            msg = "this blur was not simulated"
            raise AssertionError(msg)
        return case.kernel

    return [
        Method("unsharp mask", lambda case: _planes(baselines.unsharp(_pixels(case.blurred)))),
        Method("richardson-lucy", lambda case: lucy(case, assumed)),
        Method("wiener", lambda case: wiener(case, assumed)),
        Method("richardson-lucy, told the blur", lambda case: lucy(case, known(case)), True),
        Method("wiener, told the blur", lambda case: wiener(case, known(case)), True),
    ]


def _pixels(picture: Picture) -> Any:
    return rearrange(picture, "c h w -> h w c").numpy()


def _planes(pixels: Any) -> Picture:
    return rearrange(torch.from_numpy(pixels), "h w c -> c h w")


class Evaluation:
    """Figures of every picture so far, and the worst pictures of the first method."""

    def __init__(self, methods: Sequence[Method]) -> None:
        self._methods = methods
        self.figures: list[Figures] = []
        self._worst: list[tuple[float, list[Print]]] = []

    def run(self, cases: Iterable[Case]) -> Iterator[Figures]:
        """Restores picture after picture, and hands over the figures of each."""
        for case in cases:
            methods = [m for m in self._methods if case.kernel is not None or not m.knows_blur]
            results = {INPUT: case.blurred} | {m.name: m.restore(case) for m in methods}
            figures = Figures(
                case.name,
                {name: metrics.psnr(result, case.sharp) for name, result in results.items()},
                {name: metrics.ssim(result, case.sharp) for name, result in results.items()},
            )
            self.figures.append(figures)
            self._keep_if_bad(case, results, figures)
            yield figures

    def _keep_if_bad(self, case: Case, results: dict[str, Picture], figures: Figures) -> None:
        first = self._methods[0].name
        gain = figures.psnr[first] - figures.psnr[INPUT]
        texts = (
            f"{figures.name[:28]}  {figures.psnr[INPUT]:.2f} dB",
            f"{first}  {gain:+.2f} dB",
            "sharp",
        )
        shown = zip((case.blurred, results[first], case.sharp), texts, strict=True)
        self._worst.append((gain, [Print(_middle(picture), text) for picture, text in shown]))
        self._worst.sort(key=lambda entry: entry[0])
        del self._worst[WORST:]

    def worst_sheet(self) -> Image.Image:
        """Shows the pictures that the first method did least for: before, after, sharp."""
        return sheet([row for _, row in self._worst], SHEET_SIDE)


def _middle(picture: Picture) -> Picture:
    _, height, width = picture.shape
    top, left = max(0, (height - SHEET_SIDE) // 2), max(0, (width - SHEET_SIDE) // 2)
    return picture[:, top : top + SHEET_SIDE, left : left + SHEET_SIDE]


@dataclass(frozen=True)
class Summary:
    """One method over all pictures. Gains are against the input, in dB."""

    method: str
    psnr: float
    ssim: float
    gain: float
    worst_gain: float
    worst: str  # the picture


def summarize(figures: Sequence[Figures]) -> list[Summary]:
    """Takes the means, of each method over the pictures that it was applied to."""
    summaries: list[Summary] = []
    for method in dict.fromkeys(name for entry in figures for name in entry.psnr):
        entries = [entry for entry in figures if method in entry.psnr]
        gains = [(entry.psnr[method] - entry.psnr[INPUT], entry.name) for entry in entries]
        worst_gain, worst = min(gains)
        summaries.append(
            Summary(
                method=method,
                psnr=fmean(entry.psnr[method] for entry in entries),
                ssim=fmean(entry.ssim[method] for entry in entries),
                gain=fmean(gain for gain, _ in gains),
                worst_gain=worst_gain,
                worst=worst,
            )
        )
    return summaries

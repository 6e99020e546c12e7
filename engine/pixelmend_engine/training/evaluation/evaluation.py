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
from pixelmend_engine.inference.tiled_inference import LoadedModel, run_model
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.training.data import picture_files
from pixelmend_engine.training.data.crops import check_sizes
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.degradations import linear_light, motion_kernels
from pixelmend_engine.training.degradations.blur import blur
from pixelmend_engine.training.evaluation import baselines, metrics
from pixelmend_engine.training.evaluation.contact_sheet import SheetCell, sheet

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
    """A way to restore a picture; with `needs_kernel`, one that is told the kernel."""

    name: str
    restore: Callable[[Case], Picture]
    needs_kernel: bool = False


@dataclass(frozen=True)
class Figures:
    """How near to the sharp picture each method came, by its name: PSNR in dB, SSIM."""

    name: str  # of the picture
    psnr: dict[str, float]
    ssim: dict[str, float]


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
        return _blurred(pair.name, sharp, settings)
    blurred = picture_files.read_rgb8(pair.degraded)
    check_sizes(pair, blurred, sharp)
    return Case(pair.name, blurred, sharp, None)


def seeded_generator(seed: int, name: str) -> torch.Generator:
    """Returns the generator of a picture, whatever else is in its folder."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


def _blurred(name: str, sharp: Picture, settings: BlurSettings) -> Case:
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


def model_method(name: str, loaded: LoadedModel, seed: int) -> Method:
    """Makes a method of a loaded model."""

    def restore_with_model(case: Case) -> Picture:
        request = ModelRequest(seeds=(seed,))
        result = run_model(loaded, case.blurred[None] / 255, request, Progress())
        return metrics.to_uint8(result.image[0].cpu())

    return Method(name, restore_with_model)


def baseline_methods(seed: int) -> list[Method]:
    """Lists the baselines; those that know the blur apply to simulated blur alone."""
    assumed = torch.from_numpy(baselines.assumed_kernel())

    def lucy(case: Case, kernel: Kernel) -> Picture:
        return _planes(baselines.deconvolve_richardson_lucy(_pixels(case.blurred), kernel.numpy()))

    def wiener(case: Case, kernel: Kernel) -> Picture:
        return _planes(baselines.deconvolve_wiener(_pixels(case.blurred), kernel.numpy(), seed))

    def true_kernel(case: Case) -> Kernel:
        if case.kernel is None:
            msg = "this blur was not simulated"
            raise AssertionError(msg)
        return case.kernel

    return [
        Method(
            "unsharp mask",
            lambda case: _planes(baselines.apply_unsharp_mask(_pixels(case.blurred))),
        ),
        Method("richardson-lucy", lambda case: lucy(case, assumed)),
        Method("wiener", lambda case: wiener(case, assumed)),
        Method("richardson-lucy, told the blur", lambda case: lucy(case, true_kernel(case)), True),
        Method("wiener, told the blur", lambda case: wiener(case, true_kernel(case)), True),
    ]


def noise_baselines() -> list[Method]:
    """Lists the baselines for damage other than blur."""
    return [
        Method(
            "non-local means",
            lambda case: _planes(baselines.denoise_non_local_means(_pixels(case.blurred))),
        )
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
        self._worst: list[tuple[float, list[SheetCell]]] = []

    def run(self, cases: Iterable[Case]) -> Iterator[Figures]:
        """Restores picture after picture, and hands over the figures of each."""
        for case in cases:
            methods = [m for m in self._methods if case.kernel is not None or not m.needs_kernel]
            results = {INPUT: case.blurred} | {m.name: m.restore(case) for m in methods}
            figures = Figures(
                case.name,
                {name: metrics.psnr(result, case.sharp) for name, result in results.items()},
                {name: metrics.ssim(result, case.sharp) for name, result in results.items()},
            )
            self.figures.append(figures)
            self._keep_if_worst(case, results, figures)
            yield figures

    def _keep_if_worst(self, case: Case, results: dict[str, Picture], figures: Figures) -> None:
        first = self._methods[0].name
        gain = figures.psnr[first] - figures.psnr[INPUT]
        texts = (
            f"{figures.name[:28]}  {figures.psnr[INPUT]:.2f} dB",
            f"{first}  {gain:+.2f} dB",
            "sharp",
        )
        row = zip((case.blurred, results[first], case.sharp), texts, strict=True)
        self._worst.append((gain, [SheetCell(_middle(picture), text) for picture, text in row]))
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

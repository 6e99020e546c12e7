"""How well the networks do, while they are trained, on pictures that they are not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.data import pictures
from pixelmend_engine.training.data.crops import check_sizes, mirrored
from pixelmend_engine.training.data.folders import Scene
from pixelmend_engine.training.degradations import degrade
from pixelmend_engine.training.degradations.degrade import Worsening
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.contact_sheet import Print
from pixelmend_engine.training.initial_weights import Objective

Pictures = Float[Tensor, "b i h w"]
Restored = Float[Tensor, "b 3 hs ws"]
Picture = UInt8[Tensor, "3 h w"]

MOST = 16  # pictures in a look on the way; `pixelmend evaluate` is for figures
SHOWN = 4  # pictures on a sheet


@dataclass(frozen=True)
class Score:
    """What one look found: means after rounding to 8 bit, and some pictures.

    Of recipes that enlarge, the luma is compared, without a border as wide as the factor.
    """

    psnr: float  # dB
    input_psnr: float
    ssim: float | None  # of recipes that enlarge
    rows: list[list[Print]]


class Validation:
    """The middles of pictures that were kept back; made worse once, with fixed seeds."""

    def __init__(
        self,
        scenes: Sequence[Scene],
        how: Worsening,
        *,
        side: int,
        device: torch.device,
        most: int = MOST,
    ) -> None:
        self._cases = [
            _case(scene, how, side, number) for number, scene in enumerate(scenes[:most])
        ]
        self._device = device

    @torch.no_grad()
    def score(self, objective: Objective) -> Score:
        """Restores every picture as the stage does in training, and compares."""
        shape = (1, *objective.prior_shape)
        before: list[float] = []
        after: list[float] = []
        structure: list[float] = []
        rows: list[list[Print]] = []
        for number, case in enumerate(self._cases):
            noise = torch.randn(shape, generator=torch.Generator().manual_seed(number))
            seen, clear = case.lq.to(self._device), case.hq.to(self._device)
            made = objective.restored(seen, clear, noise.to(self._device)).cpu()
            restored = metrics.rounded(_known_kept(case.lq, made)[0])
            given, sharp = (metrics.rounded(x[0]) for x in (enlarged(case.lq, made), case.hq))
            scale = case.hq.shape[-1] // case.lq.shape[-1]
            if scale == 1:
                before.append(metrics.psnr(given, sharp))
                after.append(metrics.psnr(restored, sharp))
            else:
                before.append(metrics.luma_likeness(given, sharp, scale)[0])
                psnr, ssim = metrics.luma_likeness(restored, sharp, scale)
                after.append(psnr)
                structure.append(ssim)
            if number < SHOWN:
                texts = (f"{before[-1]:.2f} dB", f"{after[-1]:.2f} dB", "sharp")
                row = zip((given, restored, sharp), texts, strict=True)
                rows.append([Print(picture, text) for picture, text in row])
        return Score(fmean(after), fmean(before), fmean(structure) if structure else None, rows)


def enlarged(lq: Pictures, like: Restored) -> Restored:
    """Shows the colors of poor pictures in the size of others."""
    if lq.shape[-2:] == like.shape[-2:]:
        return lq[:, :3]
    return functional.interpolate(lq[:, :3], size=like.shape[-2:], mode="bicubic").clamp(0, 1)


def _known_kept(lq: Pictures, made: Restored) -> Restored:
    """Takes what a network made for holes alone, where it was told of holes."""
    if lq.shape[1] == 3:
        return made
    return lq[:, :3] + lq[:, 3:] * made


def _case(scene: Scene, how: Worsening, side: int, number: int) -> Batch:
    if scene.blurred is not None:
        scale = degrade.scale(how)
        blurred, sharp = (pictures.read(path) for path in scene.paths)
        check_sizes(scene, blurred, sharp, scale)
        lq = middle(blurred, side // scale)
        return Batch(lq[None] / 255, middle(sharp, side, scale)[None] / 255)
    around = middle(pictures.read(scene.sharp), degrade.cut(how, side).whole)
    generator = torch.Generator().manual_seed(number)
    return degrade.worsen(around[None] / 255, how, side, generator)


def middle(picture: Picture, side: int, scale: int = 1) -> UInt8[Tensor, "3 n n"]:
    """Cuts the middle out of a picture; a smaller one is mirrored at its borders.

    It is that of the `scale` times smaller picture that belongs to it.
    """
    for axis in (1, 2):
        size = picture.shape[axis] // scale
        first = (size - side // scale) // 2 * scale
        indices = mirrored(first, side, size * scale)
        picture = picture.index_select(axis, indices)
    return picture

"""How well the networks do, while they are trained, on pictures that they are not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.data import picture_files
from pixelmend_engine.training.data.crops import check_sizes, reflected_indices
from pixelmend_engine.training.data.folders import TrainingPair
from pixelmend_engine.training.data.picture_files import Read
from pixelmend_engine.training.degradations import degrade
from pixelmend_engine.training.degradations.degrade import DegradationSettings
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.contact_sheet import SheetCell
from pixelmend_engine.training.evaluation.prior_health import PriorHealth, PriorProbe
from pixelmend_engine.training.initial_weights import Objective
from pixelmend_engine.training.objectives.control import ControlObjective
from pixelmend_engine.training.objectives.restoration_module import RestorationObjective
from pixelmend_engine.training.trained_prior import TrainedPrior

Pictures = Float[Tensor, "b i h w"]
Restored = Float[Tensor, "b 3 hs ws"]
Picture = UInt8[Tensor, "3 h w"]

MAX_PICTURES = 16  # of a validation on the way; `pixelmend evaluate` is for figures
MAX_EXCHANGED = 8  # pictures whose priors are exchanged
SHEET_ROWS = 4  # pictures on a sheet


@dataclass(frozen=True)
class Score:
    """What one validation found: means after rounding to 8 bit, and some pictures.

    Of recipes that enlarge, the luma is compared, without a border as wide as the factor.
    """

    psnr: float  # dB
    input_psnr: float
    ssim: float | None  # of recipes that enlarge
    rows: list[list[SheetCell]]


class Validation:
    """The middles of pictures that were kept back; made worse once, with fixed seeds."""

    def __init__(
        self,
        pairs: Sequence[TrainingPair],
        degradation: DegradationSettings,
        *,
        side: int,
        device: torch.device,
        max_pictures: int = MAX_PICTURES,
        read: Read = picture_files.read_rgb8,
    ) -> None:
        self._cases = [
            _case(pair, degradation, side, number, read)
            for number, pair in enumerate(pairs[:max_pictures])
        ]
        self._device = device

    @torch.no_grad()
    def score(self, objective: Objective) -> Score:
        """Restores every picture as the stage does in training, and compares."""
        before: list[float] = []
        after: list[float] = []
        structure: list[float] = []
        rows: list[list[SheetCell]] = []
        for number, case in enumerate(self._cases):
            noise = objective.draw(case, torch.Generator().manual_seed(number))
            lq, hq = case.lq.to(self._device), case.hq.to(self._device)
            output = objective.predict(lq, hq, noise.to(self._device)).cpu()
            restored = metrics.to_uint8(_with_known_pixels(case.lq, output)[0])
            shown_input, sharp = (
                metrics.to_uint8(x[0]) for x in (resized_like(case.lq, output), case.hq)
            )
            scale = case.hq.shape[-1] // case.lq.shape[-1]
            if scale == 1:
                before.append(metrics.psnr(shown_input, sharp))
                after.append(metrics.psnr(restored, sharp))
            else:
                before.append(metrics.luma_psnr_ssim(shown_input, sharp, scale)[0])
                psnr, ssim = metrics.luma_psnr_ssim(restored, sharp, scale)
                after.append(psnr)
                structure.append(ssim)
            if number < SHEET_ROWS:
                texts = (f"{before[-1]:.2f} dB", f"{after[-1]:.2f} dB", "sharp")
                row = zip((shown_input, restored, sharp), texts, strict=True)
                rows.append([SheetCell(picture, text) for picture, text in row])
        return Score(fmean(after), fmean(before), fmean(structure) if structure else None, rows)

    def health(self, objective: Objective) -> PriorHealth | None:
        """Measures whether the prior, if any, depends on the picture, and exchanges it."""
        if isinstance(objective, RestorationObjective | ControlObjective):
            return None
        probe = PriorProbe(TrainedPrior(objective, self._device))
        for case in self._cases[:MAX_EXCHANGED]:
            probe.add(case.lq, case.hq, case.hq.shape[-1])
        return probe.health()


def resized_like(lq: Pictures, like: Restored) -> Restored:
    """Shows the colors of poor pictures in the size of others."""
    if lq.shape[-2:] == like.shape[-2:]:
        return lq[:, :3]
    return functional.interpolate(lq[:, :3], size=like.shape[-2:], mode="bicubic").clamp(0, 1)


def _with_known_pixels(lq: Pictures, output: Restored) -> Restored:
    """Takes a network's output in holes alone, where there are holes."""
    if lq.shape[1] == 3:
        return output
    return lq[:, :3] + lq[:, 3:] * output


def _case(
    pair: TrainingPair, degradation: DegradationSettings, side: int, number: int, read: Read
) -> Batch:
    if pair.degraded is not None:
        scale = degrade.downscaling_factor(degradation)
        degraded, sharp = (read(path) for path in pair.paths)
        check_sizes(pair, degraded, sharp, scale)
        lq = center_crop(degraded, side // scale)
        return Batch(lq[None] / 255, center_crop(sharp, side, scale)[None] / 255)
    around = center_crop(read(pair.sharp), degrade.source_crop(degradation, side).full_side)
    generator = torch.Generator().manual_seed(number)
    return degrade.degrade(around[None] / 255, degradation, side, generator)


def center_crop(picture: Picture, side: int, scale: int = 1) -> UInt8[Tensor, "3 n n"]:
    """Cuts the middle out of a picture; a smaller one is mirrored at its borders.

    It is that of the `scale` times smaller picture that belongs to it.
    """
    for axis in (1, 2):
        size = picture.shape[axis] // scale
        first = (size - side // scale) // 2 * scale
        indices = reflected_indices(first, side, size * scale)
        picture = picture.index_select(axis, indices)
    return picture

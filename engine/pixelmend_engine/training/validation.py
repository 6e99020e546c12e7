"""How well the networks do, while they are trained, on pictures that they are not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pixelmend_engine import metrics, pictures
from pixelmend_engine.contact_sheet import Print
from pixelmend_engine.training.data import mirrored
from pixelmend_engine.training.degradations import Degradation, degrade
from pixelmend_engine.training.folders import Scene
from pixelmend_engine.training.losses import Objective

MOST = 16  # pictures; it is a look on the way, `pixelmend evaluate` is for figures
SHOWN = 4  # pictures on a sheet


@dataclass(frozen=True)
class Score:
    """What one look found: means in dB, over RGB after rounding to 8 bit, and some pictures."""

    psnr: float
    input_psnr: float
    rows: list[list[Print]]


class Validation:
    """The middles of pictures that were kept back; made worse once, with fixed seeds."""

    def __init__(
        self,
        scenes: Sequence[Scene],
        degradation: Degradation,
        *,
        side: int,
        device: torch.device,
    ) -> None:
        self._cases = [
            _case(scene, degradation, side, number) for number, scene in enumerate(scenes[:MOST])
        ]
        self._device = device

    @torch.no_grad()
    def score(self, objective: Objective) -> Score:
        """Restores every picture as the stage does in training, and compares."""
        networks = objective.networks
        shape = (1, networks.config.prior_tokens, networks.config.prior_dim)
        before: list[float] = []
        after: list[float] = []
        rows: list[list[Print]] = []
        for number, (lq, hq) in enumerate(self._cases):
            noise = torch.randn(shape, generator=torch.Generator().manual_seed(number))
            seen, clear = lq.to(self._device), hq.to(self._device)
            if objective.stage == 1:
                prior = networks.teacher_prior(seen, clear)
            else:
                prior = networks.diffuse_prior(seen, noise.to(self._device))
            restored = metrics.rounded(objective.restore(seen, prior)[0].cpu())
            blurred, sharp = metrics.rounded(lq[0]), metrics.rounded(hq[0])
            before.append(metrics.psnr(blurred, sharp))
            after.append(metrics.psnr(restored, sharp))
            if number < SHOWN:
                texts = (f"{before[-1]:.2f} dB", f"{after[-1]:.2f} dB", "sharp")
                row = zip((blurred, restored, sharp), texts, strict=True)
                rows.append([Print(picture, text) for picture, text in row])
        return Score(fmean(after), fmean(before), rows)


def _case(
    scene: Scene, degradation: Degradation, side: int, number: int
) -> tuple[Float[Tensor, "1 3 h w"], Float[Tensor, "1 3 h w"]]:
    if scene.blurred is not None:
        blurred, sharp = (pictures.read(path) for path in scene.paths)
        return middle(blurred, side)[None] / 255, middle(sharp, side)[None] / 255
    around = middle(pictures.read(scene.sharp), side + 2 * degradation.reach)
    generator = torch.Generator().manual_seed(number)
    return degrade(around[None] / 255, degradation, generator)


def middle(picture: UInt8[Tensor, "3 h w"], side: int) -> UInt8[Tensor, "3 n n"]:
    """Cuts the middle out of a picture; a smaller one is mirrored at its borders."""
    for axis in (1, 2):
        size = picture.shape[axis]
        picture = picture.index_select(axis, mirrored((size - side) // 2, side, size))
    return picture

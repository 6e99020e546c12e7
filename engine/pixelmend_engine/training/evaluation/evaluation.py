"""How much better models make pictures, measured: against the sharp ones, and against baselines.

Everything is compared as it would be saved, in 8 bit; see `metrics`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from PIL import Image

from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.cases import Case, Restored
from pixelmend_engine.training.evaluation.contact_sheet import SheetCell, sheet
from pixelmend_engine.training.evaluation.methods import INPUT, Method

WORST = 5  # pictures on a sheet
SHEET_SIDE = 320  # pixels of each that are shown, as they are


@dataclass(frozen=True)
class Figures:
    """How near to the sharp picture each method came, by its name: PSNR in dB, SSIM."""

    name: str  # of the picture
    psnr: dict[str, float]
    ssim: dict[str, float]


class Evaluation:
    """Figures of every picture so far, and the worst pictures of the first method.

    Gains are against `reference`. Where pictures have holes, these alone count.
    """

    def __init__(self, methods: Sequence[Method], reference: Method = INPUT) -> None:
        self._methods = methods
        self._reference = reference
        self.figures: list[Figures] = []
        self._worst: list[tuple[float, list[SheetCell]]] = []

    def run(self, cases: Iterable[Case]) -> Iterator[Figures]:
        """Restores picture after picture, and hands over the figures of each."""
        for case in cases:
            methods = [m for m in self._methods if case.kernel is not None or not m.needs_kernel]
            results = {m.name: m.restore(case) for m in (self._reference, *methods)}
            judged = case.judged(case.sharp)
            figures = Figures(
                case.name,
                {name: metrics.psnr(case.judged(r), judged) for name, r in results.items()},
                {name: metrics.ssim(result, case.sharp) for name, result in results.items()},
            )
            self.figures.append(figures)
            self._keep_if_worst(case, results, figures)
            yield figures

    def _keep_if_worst(self, case: Case, results: dict[str, Restored], figures: Figures) -> None:
        first, reference = self._methods[0].name, self._reference.name
        gain = figures.psnr[first] - figures.psnr[reference]
        texts = (
            f"{figures.name[:28]}  {reference} {figures.psnr[reference]:.2f} dB",
            f"{first}  {gain:+.2f} dB",
            "sharp",
        )
        before = case.degraded if case.scale == 1 else results[reference]
        row = zip((before, results[first], case.sharp), texts, strict=True)
        self._worst.append((gain, [SheetCell(_middle(picture), text) for picture, text in row]))
        self._worst.sort(key=lambda entry: entry[0])
        del self._worst[WORST:]

    def worst_sheet(self) -> Image.Image:
        """Shows the pictures that the first method did least for: before, after, sharp."""
        return sheet([row for _, row in self._worst], SHEET_SIDE)


def _middle(picture: Restored) -> Restored:
    _, height, width = picture.shape
    top, left = max(0, (height - SHEET_SIDE) // 2), max(0, (width - SHEET_SIDE) // 2)
    return picture[:, top : top + SHEET_SIDE, left : left + SHEET_SIDE]


@dataclass(frozen=True)
class Summary:
    """One method over all pictures. Gains are against the first one, in dB."""

    method: str
    psnr: float
    ssim: float
    gain: float
    worst_gain: float
    worst: str  # the picture


def summarize(figures: Sequence[Figures]) -> list[Summary]:
    """Takes the means, of each method over the pictures that it was applied to."""
    reference = next(iter(figures[0].psnr))
    summaries: list[Summary] = []
    for method in dict.fromkeys(name for entry in figures for name in entry.psnr):
        entries = [entry for entry in figures if method in entry.psnr]
        gains = [(entry.psnr[method] - entry.psnr[reference], entry.name) for entry in entries]
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

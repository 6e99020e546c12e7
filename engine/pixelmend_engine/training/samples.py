"""What a recipe does to a photograph, to be looked at."""

from pathlib import Path

import torch
from PIL import Image

from pixelmend_engine import metrics, pictures
from pixelmend_engine.contact_sheet import Print, sheet
from pixelmend_engine.training import augmentations, worsening
from pixelmend_engine.training.dice import Dice
from pixelmend_engine.training.holes import Holes
from pixelmend_engine.training.validation import enlarged, middle
from pixelmend_engine.training.worsening import Worsening

SIDE = 256  # pixels of the photograph that are shown, as they are
COLUMNS = 4


def sample_sheet(photo: Path, how: Worsening, *, count: int, seed: int) -> Image.Image:
    """Shows the middle of a photograph, and so many pictures as training may make of it.

    Raises:
        BadImage: The photograph can't be read; see `images.read`.
    """
    picture = pictures.read(photo)
    cut = middle(picture, worsening.cut(how, SIDE).whole)
    generator = torch.Generator().manual_seed(seed)
    prints = [Print(middle(picture, SIDE), "sharp")]
    for _ in range(count):
        if isinstance(how, Holes) and how.varied:
            cut = augmentations.varied(picture, SIDE, Dice(generator))
        batch = worsening.worsen(cut[None] / 255, how, SIDE, generator)
        worse = metrics.rounded(enlarged(batch.lq, batch.hq)[0])
        text = f"{metrics.psnr(worse, metrics.rounded(batch.hq[0])):.2f} dB"
        prints.append(Print(worse, text))
    rows = [prints[start : start + COLUMNS] for start in range(0, len(prints), COLUMNS)]
    return sheet(rows, SIDE)

"""What a recipe does to a photograph, to be looked at."""

from pathlib import Path

import torch
from PIL import Image

from pixelmend_engine.training.data import augmentations, pictures
from pixelmend_engine.training.degradations import degrade
from pixelmend_engine.training.degradations.degrade import Worsening
from pixelmend_engine.training.degradations.inpainting_masks import Holes
from pixelmend_engine.training.degradations.random_source import Dice
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.contact_sheet import Print, sheet
from pixelmend_engine.training.validation import enlarged, middle

SIDE = 256  # pixels of the photograph that are shown, as they are
COLUMNS = 4


def sample_sheet(photo: Path, how: Worsening, *, count: int, seed: int) -> Image.Image:
    """Shows the middle of a photograph, and so many pictures as training may make of it.

    Raises:
        BadImage: The photograph can't be read; see `images.read`.
    """
    picture = pictures.read(photo)
    cut = middle(picture, degrade.cut(how, SIDE).whole)
    generator = torch.Generator().manual_seed(seed)
    prints = [Print(middle(picture, SIDE), "sharp")]
    for _ in range(count):
        if isinstance(how, Holes) and how.varied:
            cut = augmentations.varied(picture, SIDE, Dice(generator))
        batch = degrade.worsen(cut[None] / 255, how, SIDE, generator)
        worse = metrics.rounded(enlarged(batch.lq, batch.hq)[0])
        text = f"{metrics.psnr(worse, metrics.rounded(batch.hq[0])):.2f} dB"
        prints.append(Print(worse, text))
    rows = [prints[start : start + COLUMNS] for start in range(0, len(prints), COLUMNS)]
    return sheet(rows, SIDE)

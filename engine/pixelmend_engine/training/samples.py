"""What a recipe does to a photograph, to be looked at."""

from pathlib import Path

import torch
from PIL import Image

from pixelmend_engine import metrics, pictures
from pixelmend_engine.contact_sheet import Print, sheet
from pixelmend_engine.training.degradations import Degradation, degrade
from pixelmend_engine.training.validation import middle

SIDE = 256  # pixels of the photograph that are shown, as they are
COLUMNS = 4


def sample_sheet(photo: Path, degradation: Degradation, *, count: int, seed: int) -> Image.Image:
    """Shows the middle of a photograph, and so many pictures as training may make of it.

    Raises:
        BadImage: The photograph can't be read; see `images.read`.
    """
    around = middle(pictures.read(photo), SIDE + 2 * degradation.reach)[None] / 255
    generator = torch.Generator().manual_seed(seed)
    lq, hq = degrade(around.expand(count, -1, -1, -1), degradation, generator)
    sharp = metrics.rounded(hq[0])
    prints = [Print(sharp, "sharp")]
    for image in lq:
        picture = metrics.rounded(image)
        prints.append(Print(picture, f"{metrics.psnr(picture, sharp):.2f} dB"))
    rows = [prints[start : start + COLUMNS] for start in range(0, len(prints), COLUMNS)]
    return sheet(rows, SIDE)

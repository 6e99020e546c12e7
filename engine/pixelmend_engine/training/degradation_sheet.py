"""What a recipe does to a photograph, to be looked at."""

from pathlib import Path

import torch
from PIL import Image

from pixelmend_engine.training.data import augmentations, picture_files
from pixelmend_engine.training.degradations import degrade
from pixelmend_engine.training.degradations.degrade import DegradationSettings
from pixelmend_engine.training.degradations.inpainting_masks import InpaintingMaskSettings
from pixelmend_engine.training.degradations.random_source import RandomSource
from pixelmend_engine.training.evaluation import metrics
from pixelmend_engine.training.evaluation.contact_sheet import SheetCell, sheet
from pixelmend_engine.training.validation import center_crop, resized_like

SIDE = 256  # pixels of the photograph that are shown, as they are
COLUMNS = 4


def degradation_sheet(
    photo: Path, degradation: DegradationSettings, *, count: int, seed: int
) -> Image.Image:
    """Shows the middle of a photograph, and so many pictures as training may make of it.

    Raises:
        BadImage: The photograph can't be read; see `images.read`.
    """
    picture = picture_files.read_rgb8(photo)
    crop = center_crop(picture, degrade.source_crop(degradation, SIDE).full_side)
    generator = torch.Generator().manual_seed(seed)
    cells = [SheetCell(center_crop(picture, SIDE), "sharp")]
    for _ in range(count):
        if isinstance(degradation, InpaintingMaskSettings) and degradation.augmented:
            crop = augmentations.augment(picture, SIDE, RandomSource(generator))
        batch = degrade.degrade(crop[None] / 255, degradation, SIDE, generator)
        degraded = metrics.to_uint8(resized_like(batch.lq, batch.hq)[0])
        text = f"{metrics.psnr(degraded, metrics.to_uint8(batch.hq[0])):.2f} dB"
        cells.append(SheetCell(degraded, text))
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    return sheet(rows, SIDE)

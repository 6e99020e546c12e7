"""Pictures side by side, with a line of text under each."""

from collections.abc import Sequence
from dataclasses import dataclass

from einops import rearrange
from jaxtyping import UInt8
from PIL import Image, ImageDraw
from torch import Tensor

GAP = 8  # pixels between pictures
CAPTION_HEIGHT = 16  # pixels for a line of text


@dataclass(frozen=True)
class SheetCell:
    """One picture of a sheet."""

    picture: UInt8[Tensor, "3 h w"]
    text: str


def sheet(rows: Sequence[Sequence[SheetCell]], side: int) -> Image.Image:
    """Arranges pictures in rows, none larger than `side` pixels; smaller ones stay as they are."""
    columns = max(len(row) for row in rows)
    size = (columns * (side + GAP) + GAP, len(rows) * (side + CAPTION_HEIGHT + GAP) + GAP)
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            left, top = GAP + j * (side + GAP), GAP + i * (side + CAPTION_HEIGHT + GAP)
            image = Image.fromarray(rearrange(cell.picture.cpu(), "c h w -> h w c").numpy())
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            canvas.paste(image, (left, top))
            draw.text((left, top + image.height + 2), cell.text, fill="black")
    return canvas

"""A picture with its faces marked: boxes, landmarks and numbers, to choose from."""

from collections.abc import Sequence

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.restoration.faces.face import Face

LONGEST_SIDE = 1600  # pixels; larger pictures are shrunk, because nobody restores this one
SHOWN, LEFT_ALONE = "#ffd400", "#a0a0a0"
SHADOW = "#000000"


def annotated(
    image: Float[Tensor, "1 3 h w"], faces: Sequence[Face], min_size: int
) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Draws the faces of a picture, sRGB in [0, 1]; those below the smallest size in gray."""
    height, width = image.shape[-2:]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    if scale < 1:
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        image = functional.interpolate(image, size, mode="bilinear", antialias=True)
    pixels = rearrange((image.clamp(0, 1) * 255).round().to(torch.uint8), "1 c h w -> h w c")
    picture = Image.fromarray(np.ascontiguousarray(pixels.numpy()))
    draw = ImageDraw.Draw(picture)
    for number, face in enumerate(faces):
        _mark(draw, number, face, scale, SHOWN if face.size >= min_size else LEFT_ALONE)
    return np.array(picture)


def _mark(draw: ImageDraw.ImageDraw, number: int, face: Face, scale: float, color: str) -> None:
    line = max(1, round(face.size * scale / 80))
    box = [side * scale for side in face.box]
    draw.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=SHADOW, width=line + 2)
    draw.rectangle(box, outline=color, width=line)
    for x, y in face.landmarks:
        dot = [x * scale - line, y * scale - line, x * scale + line, y * scale + line]
        draw.ellipse(dot, fill=color)
    size = max(10.0, face.size * scale / 4)
    font = ImageFont.load_default(size)
    draw.text(
        (max(2.0, box[0] + 2 * line), max(2.0, box[1] + 2 * line)),
        str(number),
        fill=color,
        font=font,
        stroke_width=max(1, round(size / 12)),
        stroke_fill=SHADOW,
    )

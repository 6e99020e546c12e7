"""Makes the example picture and the README's comparison, with the model that ships.

    python examples/make_pictures.py

`astronaut.png` (NASA, public domain) is blurred as by a hand that moved 9 pixels during the
exposure, and restored; the comparison shows her face before (left) and after, twice enlarged.
"""

from pathlib import Path

import numpy as np
from PIL import Image

import pixelmend_engine

HERE = Path(__file__).parent
SHAKEN = HERE / "astronaut_shaken.png"
COMPARISON = HERE.parent / "docs" / "images" / "before_after.png"
CROP = (128, 16, 328, 216)  # her face


def shake(sharp: np.ndarray) -> np.ndarray:
    """Blurs a picture in linear light along a path of 9 pixels, half as high as it is long."""
    light = (sharp / 255.0) ** 2.2
    padded = np.pad(light, ((4, 4), (4, 4), (0, 0)), mode="symmetric")
    height, width, _ = light.shape
    blurred = np.zeros_like(light)
    for column in range(9):
        top = 4 - (column - 4) // 2
        blurred += padded[top : top + height, 8 - column : 8 - column + width] / 9
    return np.round(np.clip(blurred, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def main() -> None:
    """Writes both pictures."""
    with Image.open(HERE / "astronaut.png") as sharp:
        shaken = shake(np.asarray(sharp.convert("RGB")))
    Image.fromarray(shaken).save(SHAKEN, optimize=True)
    restore = pixelmend_engine.load("hi-diff-compact", device="cpu")
    both = [Image.fromarray(picture) for picture in (shaken, restore(shaken))]
    crops = [picture.crop(CROP).resize((400, 400)) for picture in both]
    comparison = Image.new("RGB", (808, 400), "white")
    comparison.paste(crops[0], (0, 0))
    comparison.paste(crops[1], (408, 0))
    comparison.save(COMPARISON, optimize=True)


if __name__ == "__main__":
    main()

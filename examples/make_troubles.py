"""Makes the README's small pictures of what can be wrong with a photograph.

    python examples/make_troubles.py

The damage is made here, the same each time, to photographs that scikit-image ships (public domain
and CC0). Three of six are shown restored as well, by the models that ship with Pixelmend; the
others need weights that were not at hand. The extra `train` brings scikit-image.
"""

from pathlib import Path

import numpy as np
from make_pictures import shake
from PIL import Image, ImageDraw, ImageFilter
from skimage import data

import pixelmend_engine

IMAGES = Path(__file__).parent.parent / "docs" / "images" / "troubles"
SIDE = 160  # pixels that the README shows of each picture
GAP = 8  # pixels between before and after
RANDOM = np.random.default_rng(0)


def photograph(name: str) -> np.ndarray:
    """Opens one that scikit-image ships."""
    return np.asarray(getattr(data, name)())


def defocus(sharp: np.ndarray, radius: int = 3) -> np.ndarray:
    """Blurs a picture in linear light as a lens does that missed: each point becomes a disk."""
    light = (sharp / 255.0) ** 2.2
    padded = np.pad(light, ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
    height, width, _ = light.shape
    reach = range(-radius, radius + 1)
    disk = [(down, right) for down in reach for right in reach if np.hypot(down, right) <= radius]
    blurred = np.zeros_like(light)
    for down, right in disk:
        top, left = radius + down, radius + right
        blurred += padded[top : top + height, left : left + width] / len(disk)
    return to_bytes(np.clip(blurred, 0, 1) ** (1 / 2.2) * 255)


def add_noise(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Adds noise of a standard deviation in levels of 255."""
    return to_bytes(picture + RANDOM.normal(0, sigma, picture.shape))


def scratch(picture: np.ndarray) -> np.ndarray:
    """Draws white scratches along wandering lines."""
    scratched = Image.fromarray(picture)
    pen = ImageDraw.Draw(scratched)
    for width in (1, 2, 2, 3):
        left = RANDOM.uniform(0.2, 0.6) * scratched.width
        steps = RANDOM.normal(RANDOM.uniform(-3, 3), 3, 24).cumsum()
        down = np.linspace(0, scratched.height, len(steps))
        pen.line(list(zip(left + steps, down, strict=True)), fill="white", width=width)
    return np.asarray(scratched)


def age(picture: np.ndarray) -> np.ndarray:
    """Makes an old print of it: brown, soft, faded and grainy."""
    soft = Image.fromarray(picture).convert("L").filter(ImageFilter.GaussianBlur(2.2))
    gray = add_noise(np.asarray(soft) * 0.6 + 70, 9) / 255.0
    return to_bytes(gray[..., None] ** [0.85, 1.0, 1.35] * 255)


def shrink(picture: np.ndarray, times: int = 6) -> np.ndarray:
    """Makes a picture smaller, and shows each pixel that is left as a square."""
    small = np.asarray(Image.fromarray(picture).reduce(times))
    return small.repeat(times, axis=0).repeat(times, axis=1)


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Rounds to 8 bits."""
    return np.round(np.clip(values, 0, 255)).astype(np.uint8)


def save(name: str, box: tuple[int, int, int], *pictures: np.ndarray) -> None:
    """Writes what a square shows of each picture, side by side; `box` is left, top and side."""
    left, top, side = box
    row = Image.new("RGB", (len(pictures) * (SIDE + GAP) - GAP, SIDE), "white")
    for number, picture in enumerate(pictures):
        square = Image.fromarray(picture).crop((left, top, left + side, top + side))
        row.paste(square.resize((SIDE, SIDE)), (number * (SIDE + GAP), 0))
    row.save(IMAGES / f"{name}.webp", quality=80, method=6)


def main() -> None:
    """Writes all six."""
    deblur = pixelmend_engine.load("hi-diff-compact", device="cpu")
    denoise = pixelmend_engine.load("compact", task="denoise", device="cpu")
    shaken, blurred = shake(photograph("chelsea")), defocus(photograph("coffee"))
    save("shaken", (100, 40, 160), shaken, deblur(shaken))
    save("out_of_focus", (250, 150, 160), blurred, deblur(blurred))
    noisy = add_noise(photograph("rocket"), 25)
    save("noisy", (250, 250, 160), noisy, denoise(noisy))
    save("small", (108, 24, 240), shrink(photograph("chelsea")))
    save("scratched", (100, 50, 220), scratch(photograph("camera")))
    save("old_face", (128, 16, 200), age(photograph("astronaut")))


if __name__ == "__main__":
    main()

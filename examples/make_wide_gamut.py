"""Makes the figure of docs/pixels.md: a gradient that leaves sRGB, before and after.

    python examples/make_wide_gamut.py

A 16-bit picture in Display P3 runs from gray to the purest green, under a fine pattern that is
blurred, so that the model has something to do. What is drawn is its red channel, because that is
where a green that sRGB has no room for differs from the nearest that it has: there red can't fall
further. Above the picture, in the middle the result of `pixelmend deblur`, below what a program
makes of it that works in sRGB from 0 to 1.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

from pixelmend_engine.images import files
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata

FIGURE = Path(__file__).parent.parent / "docs" / "images" / "wide_gamut.png"
HEIGHT, WIDTH, GAP = 96, 768, 8
P3 = imagecodecs.cms_profile(
    "rgb",
    whitepoint=(0.3127, 0.329),
    primaries=(0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    gamma=2.2,
)
SRGB = imagecodecs.cms_profile("srgb")


def main() -> None:
    """Writes the figure, and prints how far the results are from the picture."""
    before = gradient()
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "before.png"), Path(folder, "after.png")
        files.write(ImageFile(pixels=before, metadata=Metadata(icc_profile=P3)), source)
        command = [sys.executable, "-m", "pixelmend", "deblur", source, "-o", result, "-q"]
        subprocess.run([*command, "--model", "hi-diff-compact", "--device", "cpu"], check=True)
        after = files.read(result).pixels
    seen = to(before / np.float32(65535), P3, SRGB)
    clipped = np.rint(to(seen.clip(0, 1), SRGB, P3) * 65535)
    print(f"outside sRGB: {np.mean((seen < 0).any(axis=2)):.0%} of the pixels")
    for name, other in (("pixelmend", after), ("clipped to sRGB", clipped)):
        difference = np.abs(other[..., 0] - before[..., 0].astype(np.float64)) / 65535
        print(f"{name}: red differs by up to {difference.max():.3f}, {difference.mean():.4f} mean")
    strips = [np.rint(strip[..., 0] / 65535 * 255) for strip in (before, after, clipped)]
    gap = np.full((GAP, WIDTH), 255)
    figure = np.concatenate([strips[0], gap, strips[1], gap, strips[2]])
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(figure.astype(np.uint8)).save(FIGURE, optimize=True)


def gradient() -> np.ndarray:
    """A ramp from gray to green, under soft stripes."""
    pure = np.linspace(0, 1, WIDTH)[None, :, None]
    stripes = 0.55 + 0.05 * np.sin(np.arange(HEIGHT) / 3)[:, None, None]
    color = stripes * (1 - pure * np.array([1, 0, 1]))
    return np.rint(color * 65535).astype(np.uint16)


def to(values: np.ndarray, source: bytes, target: bytes) -> np.ndarray:
    """Converts between profiles, in float and without clipping."""
    return imagecodecs.cms_transform(
        np.ascontiguousarray(values, np.float32),
        source,
        target,
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype="float32",
    )


if __name__ == "__main__":
    main()

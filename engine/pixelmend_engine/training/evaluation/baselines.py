"""What could be done without a model: the classics, as scikit-image has them.

Deconvolution wants to know the blur. Where it was simulated, the true kernel can be given, which is
more than a photographer has; else a Gaussian is assumed.
"""

import math
from collections.abc import Callable
from typing import cast

# pyright: reportUnknownVariableType=false
# because scikit-image has no types of its own.
import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8
from skimage.filters import unsharp_mask
from skimage.restoration import (
    denoise_nl_means,
    inpaint_biharmonic,
    richardson_lucy,
    unsupervised_wiener,
)

from pixelmend_engine.images.color import decode, encode

RADIUS = 2.0  # pixels, of the unsharp mask; what photo editors begin with is near
ASSUMED_SIGMA = 1.5  # pixels
ITERATIONS = 15  # of Richardson-Lucy; more would amplify the noise
NON_LOCAL_STRENGTH = 0.8  # of the estimated noise
LAPLACIAN = np.array([(1, -2, 1), (-2, 4, -2), (1, -2, 1)], np.float32)
SAMPLES = 40  # at most, of the Wiener filter's unknown noise

Picture = UInt8[np.ndarray, "h w 3"]
Kernel = Float32[np.ndarray, "k k"]


def apply_unsharp_mask(picture: Picture) -> Picture:
    """Adds what a Gaussian blur takes away."""
    sharpened = unsharp_mask(_as_float(picture), radius=RADIUS, amount=1.0, channel_axis=2)
    return _as_8_bit(cast("np.ndarray", sharpened))


def deconvolve_richardson_lucy(picture: Picture, kernel: Kernel) -> Picture:
    """Deconvolves with Richardson and Lucy's method, in linear light."""

    def channel(values: np.ndarray) -> np.ndarray:
        restored = richardson_lucy(values, kernel, num_iter=ITERATIONS, filter_epsilon=1e-4)
        return cast("np.ndarray", restored)

    return _in_light(picture, kernel, channel)


def deconvolve_wiener(picture: Picture, kernel: Kernel, seed: int) -> Picture:
    """Deconvolves with a Wiener filter that estimates the noise itself, in linear light.

    Source: Orieux et al., JOSA A 27, 2010, arXiv:0911.3807.
    """

    def channel(values: np.ndarray) -> np.ndarray:
        restored, _ = unsupervised_wiener(
            values, kernel, user_params={"max_num_iter": SAMPLES}, rng=seed, clip=False
        )
        return cast("np.ndarray", restored)

    return _in_light(picture, kernel, channel)


def denoise_non_local_means(picture: Picture) -> Picture:
    """Averages patches that are alike, as strongly as the noise that it estimates.

    Source: Buades et al., "A non-local algorithm for image denoising", CVPR 2005, with the settings
    that scikit-image's documentation has for its fast variant; the noise by Immerkær, "Fast noise
    variance estimation", CVIU 64, 1996.
    """
    values = _as_float(picture)
    laplacian = cv2.filter2D(values, -1, LAPLACIAN, borderType=cv2.BORDER_REFLECT)
    sigma = math.sqrt(math.pi / 2) / 6 * float(np.abs(laplacian).mean())
    denoised = denoise_nl_means(
        values,
        patch_size=5,
        patch_distance=6,
        h=NON_LOCAL_STRENGTH * sigma,
        sigma=sigma,
        fast_mode=True,
        channel_axis=2,
    )
    return _as_8_bit(cast("np.ndarray", denoised))


def fill_biharmonic(picture: Picture, holes: Bool[np.ndarray, "h w"]) -> Picture:
    """Closes holes so that the Laplacian of the Laplacian is zero there.

    Source: Damelin and Hoang, "On surface completion and image inpainting by biharmonic functions",
    IJMMS 2018, arXiv:1707.06567.
    """
    filled = inpaint_biharmonic(_as_float(picture), holes, split_into_regions=True, channel_axis=2)
    return _as_8_bit(cast("np.ndarray", filled))


def assumed_kernel() -> Kernel:
    """Returns the Gaussian that stands in for a blur that nobody knows."""
    offsets = np.arange(-4, 5)
    profile = np.exp(-(offsets**2) / (2 * ASSUMED_SIGMA**2))
    kernel = np.outer(profile, profile)
    return (kernel / kernel.sum()).astype(np.float32)


def _in_light(
    picture: Picture, kernel: Kernel, channel: Callable[[np.ndarray], np.ndarray]
) -> Picture:
    # Mirrored around, because both methods take a picture to be black, or itself again, beyond.
    around = kernel.shape[0]
    light = decode(np.pad(_as_float(picture), ((around,) * 2, (around,) * 2, (0, 0)), "symmetric"))
    restored = np.stack([channel(light[..., i]) for i in range(3)], axis=2)
    return _as_8_bit(encode(restored[around:-around, around:-around].astype(np.float32)))


def _as_float(picture: Picture) -> Float32[np.ndarray, "h w 3"]:
    return picture.astype(np.float32) / np.float32(255)


def _as_8_bit(values: np.ndarray) -> Picture:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)

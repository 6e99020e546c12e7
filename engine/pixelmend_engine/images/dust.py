"""Dust and scratches of scanned film, found in the infrared channel of the scan.

The dyes of color film let infrared through, so the channel is even, but where something lies on the
film. It is no help with silver: black and white film, and Kodachrome, are dark there themselves.
Source: A. Edgar, US patent 5,266,805, "System and method for image recovery" (1993, lapsed).
"""

import cv2
import numpy as np
from jaxtyping import UInt8

from pixelmend.errors import UnsupportedImage
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.sample_types import white

SHARE = 40  # of the shorter side: what is larger is no dust
LEAST_REACH, MOST_REACH = 9, 255  # pixels, what the median looks at
DARKER, LEAST_STEP = 0.85, 6  # than around it; and in 255ths, against noise
RIM = 5  # pixels across, added around what was found: dust has soft edges


def find(photo: ImageFile, name: str) -> UInt8[np.ndarray, "h w"]:
    """Returns a mask: white where something lies on the film.

    Raises:
        UnsupportedImage: The picture has no infrared channel.
    """
    if photo.further is None:
        raise UnsupportedImage(
            f"`{name}` has no infrared channel",
            hint="Scan with infrared into a TIFF file with four channels (RGBI), or give a --mask",
        )
    scale = 255 / white(photo.further.dtype)
    infrared = np.nan_to_num(photo.further[..., 0].astype(np.float32)) * np.float32(scale)
    channel = np.rint(infrared.clip(0, 255)).astype(np.uint8)
    reach = int(np.clip(min(channel.shape) // SHARE, LEAST_REACH, MOST_REACH)) | 1
    around = cv2.medianBlur(channel, reach).astype(np.float32)
    dark = (channel < around * DARKER) & (around - channel > LEAST_STEP)
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (RIM, RIM))
    return cv2.dilate(dark.astype(np.uint8) * 255, rim).astype(np.uint8)

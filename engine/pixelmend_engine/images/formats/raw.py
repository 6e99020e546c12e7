"""Camera raw files, developed by LibRaw: white balance as shot, 16 bits of linear light.

The colors are BT.2020's, wider than what cameras mostly see, so that a profile can say them and
nothing is cut off at sRGB's. Previews, which raw files hold in any number, are never the picture.
"""

import contextlib
import io
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from pixelmend.errors import PackageMissing, UnsupportedImage
from pixelmend_engine.images import limits, metadata, stated_colors, xmp
from pixelmend_engine.images.damage import PILLOW, Damaged, damage
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import EXIF_HEADER, Metadata, MetadataReader

RAISED = (RuntimeError, ValueError, TypeError, MemoryError)  # of LibRaw's calls, besides its own
TIFF_STARTS = (b"II*\0", b"MM\0*")
XMP_TAG = 700
BT2020 = stated_colors.PRIMARIES[9]
NOTE = "it was developed from camera raw, with the camera's white balance, in linear light"


def read(path: Path) -> ImageFile:
    """Develops a file; its metadata as well.

    Raises:
        PackageMissing: The extra that does it is not installed.
        UnsupportedImage: LibRaw does not know such a camera.
        BadImage: It is too small or too large.
        Damaged: It is.
    """
    rawpy = _library(path)
    errors = (rawpy.LibRawError, rawpy.NotSupportedError, *RAISED)
    try:
        with damage(errors):
            opened = rawpy.imread(str(path))
    except Damaged as error:
        if isinstance(error.__cause__, rawpy.LibRawFileUnsupportedError):
            raise UnsupportedImage(
                f"`{path.name}` is a camera raw file of a kind that LibRaw does not know",
                hint="Convert it to DNG, or develop it to a 16-bit TIFF",
            ) from error
        raise
    with opened:
        limits.check_size(opened.sizes.width, opened.sizes.height, path.name)
        with damage(errors):
            pixels = opened.postprocess(
                use_camera_wb=True,
                output_bps=16,
                gamma=(1, 1),
                no_auto_bright=True,
                adjust_maximum_thr=0.0,  # the same light is the same number in each picture
                output_color=rawpy.ColorSpace.Rec2020,
            )
        reading = MetadataReader()
        preview = reading.attempt("EXIF", lambda: _preview_exif(opened, errors), None)
    own = Metadata(
        exif=reading.attempt("EXIF", lambda: _exif(path), None) or preview,
        xmp=reading.attempt("XMP", lambda: _xmp(path), None),
        icc_profile=stated_colors.profile(*BT2020, 1.0, gray=False),
    )
    return ImageFile(
        pixels=np.ascontiguousarray(pixels), metadata=own, notes=(NOTE, *reading.notes)
    )


def _library(path: Path) -> Any:
    try:
        import rawpy
    except ImportError as error:
        raise PackageMissing(
            f"`{path.name}` is a camera raw file, and what develops such is not installed",
            hint='`pip install "pixelmend[raw]"` brings it; or develop the file to a 16-bit TIFF',
        ) from error
    return rawpy


@contextlib.contextmanager
def _tags(path: Path) -> Generator[Image.Exif | None]:
    # Most raw files are laid out as TIFF is, and say there what was photographed. The folders are
    # read when they are asked for, so the file stays open.
    with path.open("rb") as stream:
        if stream.read(4) not in TIFF_STARTS:
            yield None
            return
        stream.seek(0)
        exif = Image.Exif()
        with damage(PILLOW):
            exif.load_from_fp(stream)
        yield exif


def _exif(path: Path) -> bytes | None:
    with _tags(path) as tags:
        return None if tags is None else metadata.encoded(metadata.described(tags))


def _preview_exif(opened: Any, errors: tuple[type[Exception], ...]) -> bytes | None:
    # Of the others the preview says it, which is a JPEG file.
    try:
        with damage(errors):
            preview = opened.extract_thumb()
    except Damaged:
        return None  # there is none
    if not isinstance(preview.data, bytes):
        return None
    with damage((*PILLOW, OSError)):
        exif = Image.open(io.BytesIO(preview.data)).info.get("exif")
    if exif is None:
        return None
    exif = EXIF_HEADER + exif.removeprefix(EXIF_HEADER)
    return metadata.turned_upright(exif) if metadata.orientation(exif) != 1 else exif


def _xmp(path: Path) -> bytes | None:
    with _tags(path) as tags:
        packet = None if tags is None else tags.get(XMP_TAG)
        lies = tags is not None and tags.get(ExifTags.Base.Orientation, 1) != 1
    if not isinstance(packet, bytes) or not packet:
        return None
    return xmp.turned_upright(packet) if lies else packet

"""HEIC and HEIF files, as phones write them: 8, 10 and 12 bits, alpha; by libheif.

libheif turns the picture upright by itself, as the container says; EXIF may say the same again.
"""

from pathlib import Path
from typing import Any, cast

import numpy as np

from pixelmend.errors import PackageMissing
from pixelmend_engine.images import limits, metadata, stated_colors, xmp
from pixelmend_engine.images.damage import PILLOW, Damaged, damage
from pixelmend_engine.images.image_file import ImageFile, with_channels
from pixelmend_engine.images.metadata import EXIF_HEADER, Metadata, MetadataReader
from pixelmend_engine.images.sample_types import spread, white

QUALITY = 90
MODES = {"L": 1, "I": 1, "LA": 2, "RGB": 3, "RGBA": 4}  # libheif's, and their channels
WRITTEN_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
BITS = ("10", "12")  # that the samples of deep files have


def read(path: Path) -> ImageFile:
    """Reads a file; its metadata as well.

    Raises:
        UnsupportedImage: It is HDR, or of a rare kind.
        BadImage: It is too small or too large.
        PackageMissing: The library is not installed.
        Damaged: It is.
    """
    pillow_heif = _library()
    with damage(PILLOW):
        file = pillow_heif.open_heif(path, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    width, height = file.size
    limits.check_size(width, height, path.name)
    mode, _, bits = file.mode.partition(";")
    if mode not in MODES or file.premultiplied_alpha:
        raise limits.rare(path.name, f"its samples are {file.mode}")
    info = cast("dict[str, Any]", file.info)
    profile = info.get("icc_profile") or _stated_profile(info, path, gray=MODES[mode] < 3)
    with damage(PILLOW):
        decoded = np.asarray(file)
    pixels = spread(with_channels(decoded), int(bits or 8))
    if pixels.shape != (height, width, MODES[mode]):
        raise Damaged(f"{pixels.shape} is not what its header says")
    notes: list[str] = []
    if len(file) > 1:
        notes.append(f"only the main one of the file's {len(file)} pictures was restored")
    reading = MetadataReader()
    file_metadata = Metadata(
        exif=reading.attempt("EXIF", lambda: _exif(info), None),
        xmp=reading.attempt("XMP", lambda: _xmp(info), None),
        icc_profile=profile,
        compression=bits or None,
    )
    return ImageFile(
        pixels=np.ascontiguousarray(pixels),
        metadata=file_metadata,
        notes=(*notes, *reading.notes),
    )


def _library() -> Any:
    # Loaded for such a file alone, because its wheels are under the GPL: an environment without it
    # is sound (NOTICE).
    try:
        import pillow_heif
    except ImportError as error:
        raise PackageMissing(
            "HEIC pictures are read and written by `pillow-heif`, which is not installed",
            hint="Run `pip install pillow-heif`, or export the picture as JPEG, PNG or TIFF",
        ) from error
    return pillow_heif


def _stated_profile(info: dict[str, Any], path: Path, *, gray: bool) -> bytes | None:
    codes = info.get("nclx_profile")
    if codes is None:
        return None
    primaries, curve = codes["color_primaries"], codes["transfer_characteristics"]
    return stated_colors.of_codes(int(primaries), int(curve), path.name, gray=gray)


def _exif(info: dict[str, Any]) -> bytes | None:
    raw = info.get("exif")
    if not raw:
        return None
    exif: bytes = EXIF_HEADER + raw.removeprefix(EXIF_HEADER)
    return metadata.turned_upright(exif) if metadata.orientation(exif) != 1 else exif


def _xmp(info: dict[str, Any]) -> bytes | None:
    packet = (info.get("xmp") or b"").rstrip(b"\0")
    try:
        return xmp.turned_upright(packet) if packet else None
    except Damaged:
        return packet  # carried along unread


def bits_of(photo: ImageFile) -> int:
    """Returns how many bits of each sample `write` keeps."""
    if photo.sample_type == "U8":
        return 8
    return 12 if photo.metadata.compression == "12" else 10


def keeps_depth(photo: ImageFile) -> bool:
    """Says whether `write` keeps all tones: those of 8 bits, or of a file of this very format."""
    return photo.sample_type == "U8" or photo.metadata.compression in BITS


def write(photo: ImageFile, path: Path) -> None:
    """Writes a file with EXIF, XMP and profile: integers of 8 bits, or of 16 as `bits_of` says."""
    pillow_heif = _library()
    mode = WRITTEN_MODES[photo.pixels.shape[2]]
    bits, pixels = bits_of(photo), photo.pixels
    if bits > 8:
        scale = np.float32((2**bits - 1) / white(pixels.dtype))
        pixels = np.rint(pixels * scale).astype(np.uint16)
        mode = f"{mode};{bits}"
    own = photo.metadata
    exif = own.exif
    options: dict[str, Any] = {
        "exif": None if exif is None else metadata.without_orientation(exif),
        "xmp": own.xmp,
        "icc_profile": own.icc_profile,
    }
    height, width, _ = pixels.shape
    with damage(PILLOW):
        file = pillow_heif.from_bytes(mode, (width, height), pixels.tobytes())
        file.save(
            path,
            format="HEIF",
            quality=QUALITY,
            chroma=444,
            **{name: value for name, value in options.items() if value is not None},
        )

"""JPEG, WebP and AVIF files, and whatever Pillow can tell of others: 8 bits, of AVIF up to 12."""

import contextlib
import ctypes
import functools
import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import AvifImagePlugin, ExifTags, Image, WebPImagePlugin, _imaging

from pixelmend.errors import UnsupportedImage
from pixelmend_engine.images import limits, metadata, stated_colors, xmp
from pixelmend_engine.images.damage import IMAGECODECS, PILLOW, Damaged, damage, unpack
from pixelmend_engine.images.image_file import ImageFile, Pixels, upright, with_channels
from pixelmend_engine.images.metadata import EXIF_HEADER, Metadata, MetadataReader
from pixelmend_engine.images.sample_types import spread

# MPO: a JPEG as phones write it, with more in it; PPM: of black and white alone.
READABLE = ("JPEG", "MPO", "WEBP", "AVIF", "BMP", "DIB", "TGA", "PPM")
SAME = {"MPO": "JPEG", "DIB": "BMP"}
GRAY = ("1", "L", "LA")  # Pillow's modes
QUALITY = {"JPEG": 95, "WEBP": 95, "AVIF": 90}
AVIF_SPEED = 8  # of 10; the default, 6, takes more than twice as long (docs/performance.md)
LONGEST_AVIF_HEADER = 1024 * 1024  # bytes; some hundred and a profile come before the pixels
HIGH_BIT_DEPTH, TWELVE_BITS = 0x40, 0x20  # in the third byte of `av1C`
APP13 = b"\xff\xed"  # the segment of a JPEG file that holds Photoshop's resources
PHOTOSHOP = b"Photoshop 3.0\0"


def read(path: Path) -> tuple[str, ImageFile]:
    """Reads a file; its metadata as well. Returns its format, too.

    Raises:
        UnsupportedImage: It is sound, but can't be restored without losing part of it.
        BadImage: It is too small or too large.
    """
    with opened(path) as image:
        _refuse_unsupported(image, path)
        limits.check_size(image.width, image.height, path.name)
        is_avif = isinstance(image, AvifImagePlugin.AvifImageFile)
        header = _avif_header(image, path) if is_avif else None
        if header is not None and header.profile is not None:
            image.info["icc_profile"] = header.profile
        if header is not None and header.bits > 8:
            pixels, notes = _deep_avif(path, header.bits), []
        else:
            load(image)
            pixels, notes = pixels_of(image)
        if image.format == "MPO":
            notes.append("only the first of the file's pictures was restored")
        format_ = SAME.get(str(image.format), str(image.format))
        return format_, with_metadata(pixels, image, path, notes)


def opened(path: Path, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Opens a file, which is not decoded yet; of one of the formats that Pillow knows.

    Raises:
        Damaged: It is.
        OSError: It can't be read, is damaged, or of no such format.
    """
    _silence_libtiff()
    with damage(PILLOW):
        return Image.open(path, formats=formats)


@functools.cache
def _silence_libtiff() -> None:
    # It prints what it finds, in its own words and past Python; who reads says what matters. Where
    # Pillow has it built in without its names, as on Windows, it can't be told.
    library = ctypes.CDLL(_imaging.__file__)
    for name in ("TIFFSetWarningHandler", "TIFFSetErrorHandler"):
        with contextlib.suppress(AttributeError):
            getattr(library, name)(None)


def load(image: Image.Image) -> None:
    """Decodes an opened file, whatever stands behind its pixels as well.

    Raises:
        Damaged: It is.
        OSError: It is damaged, or cut off.
    """
    with damage(PILLOW):
        image.load()


def has_several(image: Image.Image) -> bool:
    """Tells whether a file holds pages or an animation."""
    with damage(PILLOW):
        return getattr(image, "n_frames", 1) > 1


def _refuse_unsupported(image: Image.Image, path: Path) -> None:
    if image.format not in READABLE:
        raise UnsupportedImage(
            f"`{path.name}` is in the format {image.format}",
            hint="Save it as PNG or TIFF",
        )
    if image.format != "MPO" and has_several(image):
        raise limits.several_pictures(path.name)


@dataclass(frozen=True, kw_only=True)
class _AvifHeader:
    """What Pillow, which reduces deeper pictures to 8 bits without a word, does not tell."""

    bits: int
    profile: bytes | None  # of what is stated as videos' colors are


def _avif_header(image: Image.Image, path: Path) -> _AvifHeader:
    # Source: ISO 23008-12 (`colr`), AV1-ISOBMFF (`av1C`).
    with path.open("rb") as file:
        head = file.read(LONGEST_AVIF_HEADER)
    place = head.find(b"av1C")
    if place < 0:
        raise Damaged("it does not say how its samples are stored")
    flags = unpack("B", head, place + 6)[0]
    bits = 8 if not flags & HIGH_BIT_DEPTH else 12 if flags & TWELVE_BITS else 10
    place, profile = head.find(b"colrnclx"), None
    if place > 0 and not image.info.get("icc_profile"):
        primaries, curve = unpack(">HH", head, place + 8)
        gray = image.mode in GRAY
        profile = stated_colors.of_codes(primaries, curve, path.name, gray=gray)
    return _AvifHeader(bits=bits, profile=profile)


def _deep_avif(path: Path, bits: int) -> Pixels:
    data = path.read_bytes()
    with damage(IMAGECODECS):
        decoded = imagecodecs.avif_decode(data)
    return spread(with_channels(decoded), bits)


def pixels_of(image: Image.Image) -> tuple[Pixels, list[str]]:
    """Returns a loaded picture's pixels, and what had to be changed for them.

    Raises:
        UnsupportedImage: It is neither gray nor RGB.
    """
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        raise limits.other_colors(Path(getattr(image, "filename", "")).name, image.mode)
    notes: list[str] = []
    if image.mode == "P":
        notes.append("the palette was replaced by full color")
    if image.mode == "1":
        notes.append("black and white were replaced by shades of gray")
    mode = "L" if image.mode in GRAY else "RGB"
    with damage(PILLOW):
        alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
        color = np.asarray(image.convert(mode))
    if alpha is not None:
        return np.dstack([color, np.asarray(alpha)]), notes
    return with_channels(color), notes


def with_metadata(pixels: Pixels, image: Image.Image, path: Path, notes: list[str]) -> ImageFile:
    """Turns pixels upright, and reads what an opened file says beside them."""
    reading = MetadataReader()
    orientation = reading.attempt("EXIF orientation", lambda: _orientation(image), 1)
    turned = orientation in range(2, 9)

    def upright_exif() -> bytes | None:
        raw = _exif(image)
        return metadata.turned_upright(raw) if raw and turned else raw

    def upright_xmp() -> bytes | None:
        raw = image.info.get("xmp")
        raw = raw.encode() if isinstance(raw, str) else raw
        if raw and xmp.EXTENSION.encode() in raw:
            raw = xmp.without_extension(raw)
            reading.notes.append("the part of its XMP above 64 KB was left out")
        return xmp.turned_upright(raw) if raw and turned else raw

    file_metadata = Metadata(
        exif=reading.attempt("EXIF", upright_exif, None),
        icc_profile=image.info.get("icc_profile") or _profile_by_exif(image),
        xmp=reading.attempt("XMP", upright_xmp, None),
        iptc=reading.attempt("IPTC", lambda: _iptc(image), None),
        dpi=reading.attempt(
            "resolution", lambda: _dpi(image, turned=orientation in range(5, 9)), None
        ),
        compression=reading.attempt("compression", lambda: _compression(image, path), None),
    )
    return ImageFile(
        pixels=upright(pixels, orientation),
        metadata=file_metadata,
        notes=(*notes, *reading.notes),
    )


def _exif(image: Image.Image) -> bytes | None:
    raw = image.info.get("exif")
    return None if raw is None else EXIF_HEADER + raw.removeprefix(EXIF_HEADER)


def _profile_by_exif(image: Image.Image) -> bytes | None:
    return None if image.mode in GRAY else metadata.profile_by_exif(_exif(image))


def _orientation(image: Image.Image) -> int:
    # Not by `getexif`, which asks XMP as well; no viewer turns a picture by that.
    raw = _exif(image)
    return 1 if raw is None else metadata.orientation(raw)


def _dpi(image: Image.Image, *, turned: bool) -> tuple[float, float] | None:
    if "dpi" not in image.info:
        return None
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") not in (1, 2):
        with damage(PILLOW):
            stated = ExifTags.Base.XResolution in image.getexif()
        if not stated:
            return None  # Pillow says 72 where nobody says anything
    with damage(PILLOW):
        x, y = (float(value) for value in image.info["dpi"])
    return metadata.sound_dpi(y, x) if turned else metadata.sound_dpi(x, y)


def _iptc(image: Image.Image) -> bytes | None:
    if "photoshop" in image.info:  # of a JPEG, taken apart already
        return image.info["photoshop"].get(metadata.IPTC_RESOURCE)
    return None


def _compression(image: Image.Image, path: Path) -> str | None:
    if isinstance(image, WebPImagePlugin.WebPImageFile):
        return "lossless" if _is_lossless(path) else None
    return None


def _is_lossless(path: Path) -> bool:
    # A WebP file is a RIFF container; the chunk that holds the pixels tells how.
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            kind, size = struct.unpack("<4sI", head)
            if kind in (b"VP8L", b"VP8 "):
                return kind == b"VP8L"
            file.seek(size + size % 2, 1)
    return False


def write(photo: ImageFile, path: Path, format_: str) -> None:
    """Writes a JPEG, WebP or AVIF file, with all of the metadata that the format has room for.

    A JPEG file has no alpha; `images.check_format` lets none through that would be missed.
    """
    pixels = photo.pixels
    if photo.alpha is not None and format_ == "JPEG":
        pixels = pixels[..., :-1]
    # Into memory first: what the disk has to say is lost in the codec libraries.
    encoded = io.BytesIO()
    image = Image.fromarray(
        np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    )
    if format_ != "JPEG" and photo.channels == "YA":
        image = image.convert("RGBA")  # the others know gray only without alpha
    options = _save_options(photo, format_)
    with damage(PILLOW):
        try:
            image.save(encoded, format_, **options)
        except OSError:
            if not options.get("optimize"):
                raise
            # Who optimizes needs room for all of it at once, and Pillow has too little for noise.
            encoded = io.BytesIO()
            image.save(encoded, format_, **{**options, "optimize": False})
    path.write_bytes(encoded.getbuffer())


def _save_options(photo: ImageFile, format_: str) -> dict[str, Any]:
    file_metadata, exif = photo.metadata, photo.metadata.exif
    if exif is not None and format_ == "AVIF":
        # With an orientation in it Pillow would write EXIF anew, and lose some.
        exif = metadata.without_orientation(exif).removeprefix(EXIF_HEADER)
    options: dict[str, Any] = {
        "exif": exif,
        "icc_profile": file_metadata.icc_profile,
        "xmp": file_metadata.xmp,
        "quality": QUALITY[format_],
    }
    match format_:
        case "JPEG":
            options |= {"dpi": file_metadata.dpi, "subsampling": "4:4:4", "optimize": True}
            if file_metadata.iptc is not None:
                body = PHOTOSHOP + metadata.iptc_resource(file_metadata.iptc)
                options["extra"] = APP13 + struct.pack(">H", len(body) + 2) + body
        case "WEBP":
            lossless = file_metadata.compression == "lossless"
            options |= {"method": 4, "lossless": lossless, "exact": True}
        case _:
            gray = photo.channels == "Y"  # which is a kind of its own only without alpha
            options |= {"subsampling": "4:0:0" if gray else "4:4:4", "speed": AVIF_SPEED}
            if photo.alpha is not None:
                options["advanced"] = {"alpha:lossless": "1"}
    return {name: value for name, value in options.items() if value is not None}

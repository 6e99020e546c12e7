"""Image files in and out, of any format that is read and written here."""

import contextlib
import dataclasses
import stat
import warnings
from collections.abc import Generator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from pixelmend.atomic import as_output_failed
from pixelmend.errors import BadImage, OutOfMemory, OutputFailed, UnsupportedImage
from pixelmend.wire import MAX_PROFILE, Raster
from pixelmend_engine.images import kinds, left_out, limits, metadata, stated_colors, xmp
from pixelmend_engine.images.damage import Damaged
from pixelmend_engine.images.formats import heif, jpeg2000, jxl, pillow, png, pnm, raw, tiff
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.kinds import FORMATS, READABLE_NAMES
from pixelmend_engine.images.sample_types import DTYPES, white
from pixelmend_engine.images.xmp import Provenance

SIGNATURES = (*tiff.SIGNATURES, *jxl.SIGNATURES, b"\xff\xd8\xff", b"\x89PNG", b"RIFF")
STARTS = (  # how files begin, and the ending of a name for such
    (png.SIGNATURE, ".png"),
    *((signature, ".tif") for signature in tiff.SIGNATURES),
    *((signature, ".jxl") for signature in jxl.SIGNATURES),
    *((signature, ".jp2") for signature in jpeg2000.SIGNATURES),
    (b"RIFF", ".webp"),
    (b"BM", ".bmp"),
)
FINER_TONES = "{} files hold {} bits per channel; finer tones are lost"
# Pixels, what the codecs write.
MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 65_536, "HEIF": 65_535}
PROVENANCE_ROOM = 2048  # bytes, more than `signed` adds
# Bytes that one of a JPEG file's segments holds, without what names them.
MAX_EXIF, MAX_XMP, MAX_IPTC = 65_533, 65_504 - PROVENANCE_ROOM, 65_506
NO_GRAY = {"Y": ("WEBP",), "YA": ("WEBP", "AVIF", "HEIF")}  # formats that hold it as RGB
NO_IPTC = ("WEBP", "AVIF", "HEIF", "JXL")  # formats that have no place for it
SAMPLE_TYPES = {  # what pixels can be in each format, the best last
    "JPEG": ("U8",),
    "WEBP": ("U8",),
    "AVIF": ("U8",),
    "PNG": ("U8", "U16"),
    "TIFF": ("U8", "U16", "F16", "F32"),
    "HEIF": ("U8", "U16"),
    "JXL": ("U8", "U16", "F16", "F32"),
}


def read(path: Path) -> ImageFile:
    """Reads a picture upright, in the depth that its file has.

    The orientation that EXIF asks for is applied, and taken out of the metadata.

    Raises:
        BadImage: The file is missing, damaged, no image, too small or too large.
        UnsupportedImage: It is sound, but can't be restored without losing part of it.
        OutOfMemory: Its pixels do not fit.
    """
    _check_file(path)
    with warnings.catch_warnings():
        # Pillow warns of large pictures and odd metadata; the limits here are our own.
        warnings.simplefilter("ignore")
        with _decoding(path):
            start = _start(path)
            if kinds.is_raw(start, path.name):
                format_, photo = kinds.RAW, raw.read(path)
            elif start.startswith(tiff.SIGNATURES):
                format_, photo = "TIFF", tiff.read(path)
            elif start.startswith(jxl.SIGNATURES):
                format_, photo = "JXL", jxl.read(path)
            elif start.startswith(png.SIGNATURE):
                format_, photo = "PNG", png.read(path)
            elif start.startswith(jpeg2000.SIGNATURES):
                format_, photo = "JPEG2000", jpeg2000.read(path)
            elif pnm.is_one(start):
                format_, photo = "PPM", pnm.read(path)
            elif kinds.is_heic(start):
                format_, photo = "HEIF", heif.read(path)
            else:
                format_, photo = pillow.read(path)
            photo = left_out.named(photo, path, format_)
    stated_colors.refuse_hdr(photo.metadata.icc_profile, path.name)
    return dataclasses.replace(photo, notes=(*photo.notes, *_notes(photo, path, format_)))


def ending_for(path: Path) -> str:
    """Returns the ending of a name for a file's content; `.jpg` where it is of no known kind.

    Who reads it will say what is wrong with it.
    """
    start = _start(path)
    if b"avif" in kinds.brands(start):
        return ".avif"
    if kinds.is_heic(start):
        return ".heic"
    if kinds.is_raw(start, "") or pnm.is_one(start):
        return ".ppm" if pnm.is_one(start) else ".dng"
    return next((ending for text, ending in STARTS if start.startswith(text)), ".jpg")


def _check_file(path: Path) -> None:
    with _decoding(path):
        mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise BadImage(
            f"`{path}` is a folder", hint=f"Name its files, for example `{path / '*.jpg'}`"
        )
    if not stat.S_ISREG(mode):  # opened, a pipe would keep us waiting, and a device without end
        raise BadImage(
            f"`{path}` is no file, but a pipe or a device",
            hint="Save the picture to a file, or pipe it in, with `-` for its name",
        )


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(kinds.START_BYTES)


def _notes(photo: ImageFile, path: Path, format_: str) -> list[str]:
    notes: list[str] = []
    named = kinds.format_of(path.name) or "no format"
    if named != format_:
        notes.append(f"it is a {format_} file, though its name says {named}")
    profile = photo.metadata.icc_profile
    if profile is None and photo.pixels.dtype.kind == "f":
        notes.append("it has floats and no color profile; sRGB was assumed, and not linear light")
    if profile is not None and len(profile) > MAX_PROFILE:
        notes.append("its color profile is too large to be read; sRGB was assumed")
    return notes


@contextlib.contextmanager
def _decoding(path: Path) -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BadImage(f"There is no file `{path}`", hint="Check the path") from error
    except PermissionError as error:
        raise BadImage(
            f"`{path}` may not be read", hint="Check the permissions of the file"
        ) from error
    except Image.DecompressionBombError as error:
        raise limits.too_large(path.name) from error
    except UnidentifiedImageError as error:
        raise _unidentified(path) from error
    except MemoryError as error:
        raise OutOfMemory(
            f"There is no memory for the pixels of `{path.name}`", hint="Close other programs"
        ) from error
    except (OSError, Damaged) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the system's word, no codec's
            raise BadImage(
                f"`{path.name}` can't be read: {error.strerror or error}", hint="Check the path"
            ) from error
        raise BadImage(
            f"The image is damaged, or cut off: `{path.name}`",
            hint="Copy the file again from where it came, or open and save it in an image editor",
        ) from error


def _unidentified(path: Path) -> BadImage | UnsupportedImage:
    start = _start(path)
    if (kind := kinds.foreign(start)) is not None:
        what, hint = kind
        return UnsupportedImage(f"`{path.name}` is {what}", hint=hint)
    if start.startswith(SIGNATURES):
        return limits.rare(path.name, "none that is read here, or it is damaged")
    return BadImage(
        f"`{path.name}` is no image" if start else f"The file is empty: `{path.name}`",
        hint=f"Pixelmend reads {READABLE_NAMES}",
    )


def read_mask(path: Path) -> UInt8[np.ndarray, "h w"]:
    """Reads which parts of a picture are to be restored: white are, black are not.

    Raises:
        BadImage: As for `read`.
        UnsupportedImage: As for `read`.
    """
    photo = read(path)
    pixels = _as("U8", photo.pixels)
    gray = pixels[..., 0]
    if photo.channels.startswith("RGB"):
        gray = np.array(Image.fromarray(np.ascontiguousarray(pixels[..., :3])).convert("L"))
    if photo.alpha is not None:  # what is transparent was not painted
        gray = np.rint(gray * (pixels[..., -1] / np.float32(255))).astype(np.uint8)
    return np.ascontiguousarray(gray)


def to_raster(photo: ImageFile, mask: UInt8[np.ndarray, "h w"] | None = None) -> Raster:
    """Turns a picture into what travels to the engine.

    Raises:
        BadImage: The mask has another size.
    """
    height, width, _ = photo.pixels.shape
    if mask is not None and mask.shape != (height, width):
        raise BadImage(
            f"The mask has {mask.shape[1]} x {mask.shape[0]} pixels, the picture "
            f"{width} x {height}",
            hint="Give a mask of the picture's size, upright",
        )
    profile = photo.metadata.icc_profile
    return Raster(
        width=width,
        height=height,
        sample_type=photo.sample_type,
        channels=photo.channels,
        data=photo.pixels.data.cast("B"),
        mask=None if mask is None else np.ascontiguousarray(mask).data.cast("B"),
        color_profile=profile if profile and len(profile) <= MAX_PROFILE else None,
    )


def with_pixels(photo: ImageFile, raster: Raster) -> ImageFile:
    """Returns the picture with what came back from the engine in place of its own pixels.

    The resolution grows with the picture, so that it prints at its old size.
    """
    pixels = np.frombuffer(raster.data, photo.pixels.dtype)
    height, width, channels = photo.pixels.shape
    own = photo.metadata
    if (raster.height, raster.width) != (height, width):
        across, down = raster.width / width, raster.height / height
        own = metadata.resized(own, across, down)
        with contextlib.suppress(Damaged):  # what can't be read states nothing
            packet = None if own.xmp is None else xmp.resized(own.xmp, across, down)
            own = dataclasses.replace(own, xmp=packet)
    pixels = pixels.reshape(raster.height, raster.width, channels)
    further = photo.further if pixels.shape[:2] == (height, width) else None
    return dataclasses.replace(photo, pixels=pixels, further=further, metadata=own)


def signed(photo: ImageFile, provenance: Provenance) -> ImageFile:
    """Says in a picture's XMP that it was restored, and how; other metadata stay."""
    try:
        packet = xmp.restored(photo.metadata.xmp, provenance)
    except Damaged:
        note = (
            "its XMP could not be read; it is kept, and does not say that the picture is restored"
        )
        return dataclasses.replace(photo, notes=(*photo.notes, note))
    return dataclasses.replace(photo, metadata=dataclasses.replace(photo.metadata, xmp=packet))


def check_format(photo: ImageFile, path: Path, scale: float = 1.0) -> list[str]:
    """Makes sure, before the work, that a picture can be written to a file of that name.

    `scale` is how many times wider and higher it will be.

    Returns what the user should know of what the format has no room for.

    Raises:
        BadImage: The result would have too many pixels.
        OutputFailed: The ending names no format that we write, or one that can't hold the picture.
    """
    with as_output_failed(path):
        is_folder = path.is_dir()
    if is_folder:
        raise OutputFailed(f"`{path}` is a folder", hint="Name a file, or use --out-dir")
    format_ = FORMATS.get(path.suffix.lower())
    if not path.suffix:
        raise OutputFailed(
            f"The name `{path.name}` has no ending that says which format to write",
            hint=f"Name the result with -o, for example `-o {path.name}.jpg`",
        )
    if format_ is None:
        raise OutputFailed(
            f"Pixelmend does not write files that end in `{path.suffix}`",
            hint=f"Use one of {', '.join(FORMATS)}",
        )
    height, width, _ = photo.pixels.shape
    limits.check_result(width, height, scale)
    problem = _problem(photo, format_, scale)
    if problem is not None:
        raise OutputFailed(
            f"{format_} files can't hold {problem}", hint="Name a .png or .tif file with -o"
        )
    notes: list[str] = []
    if photo.sample_type not in SAMPLE_TYPES[format_]:
        bits = DTYPES[SAMPLE_TYPES[format_][-1]].itemsize * 8
        notes.append(FINER_TONES.format(format_, bits))
    elif format_ == "HEIF" and not heif.keeps_depth(photo):
        notes.append(FINER_TONES.format(format_, heif.bits_of(photo)))
    if photo.further is not None and (format_ != "TIFF" or scale != 1):
        why = "they have the size of before" if format_ == "TIFF" else "only TIFF files hold them"
        notes.append(f"its infrared or other further channels were left out; {why}")
    if photo.metadata.iptc is not None and format_ in NO_IPTC:
        notes.append(f"its IPTC records were left out; {format_} files have no place for them")
    return notes


def _problem(photo: ImageFile, format_: str, scale: float) -> str | None:
    file_metadata, longest = photo.metadata, int(max(photo.pixels.shape) * scale)
    if longest > MAX_SIDES.get(format_, longest):
        return f"a side of {longest} pixels"
    if format_ == "JXL" and not jxl.can_hold(photo):
        return "such colors as Pixelmend writes it: only sRGB, or its linear light"
    if format_ == "JPEG":
        if photo.alpha is not None and photo.alpha.min() < white(photo.pixels.dtype):
            return "the picture's transparency"
        sizes = {
            "EXIF": (file_metadata.exif, MAX_EXIF),
            "XMP": (xmp.rewritten(file_metadata.xmp), MAX_XMP),
            "IPTC": (file_metadata.iptc, MAX_IPTC),
        }
        for name, (packet, most) in sizes.items():
            if len(packet or b"") > most:
                return f"so much {name}"
    gray = photo.channels.startswith("Y")
    if (
        gray
        and file_metadata.icc_profile is not None
        and format_ in NO_GRAY.get(photo.channels, ())
    ):
        return "gray with a color profile for gray: they would hold it as color"
    return None


def write(photo: ImageFile, path: Path, *, result: Path | None = None) -> None:
    """Writes a picture in the format that the file's ending says, with all of its metadata.

    `result` is what `path` will be called; the user knows no other name.

    Raises:
        OutputFailed: The disk is full.
    """
    format_ = FORMATS[path.suffix.lower()]
    sample_types = SAMPLE_TYPES[format_]
    if photo.sample_type not in sample_types:
        pixels = _as(sample_types[-1], photo.pixels)
        photo = dataclasses.replace(photo, pixels=pixels)
    with warnings.catch_warnings(), _as_output_failed(result or path):
        warnings.simplefilter("ignore")  # of odd metadata, carried along as they are
        match format_:
            case "TIFF":
                tiff.write(photo, path)
            case "JXL":
                jxl.write(photo, path)
            case "PNG":
                png.write(photo, path)
            case "HEIF":
                heif.write(photo, path)
            case _:
                pillow.write(photo, path, format_)


def _as(sample_type: str, pixels: np.ndarray) -> np.ndarray:
    # For formats that hold less, and for masks; whole numbers alone.
    dtype = DTYPES[sample_type]
    if pixels.dtype == dtype:
        return pixels
    scale = white(dtype) / white(pixels.dtype)
    values = np.nan_to_num(pixels.astype(np.float32)).clip(0, white(pixels.dtype))
    return np.rint(values * np.float32(scale)).astype(dtype)


@contextlib.contextmanager
def _as_output_failed(path: Path) -> Generator[None]:
    try:
        with as_output_failed(path):
            yield
    except Damaged as error:
        raise OutputFailed(
            f"`{path}` can't be written in that format: {error}",
            hint="Name a file of another format with -o",
        ) from error

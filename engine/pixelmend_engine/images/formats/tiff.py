"""TIFF files: integers of 8 and 16 bits, floats of 16 and 32; strips, tiles, any compression."""

import dataclasses
import itertools
import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import tifffile
from PIL import Image
from PIL.TiffTags import ASCII, BYTE, LONG, UNDEFINED
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, PLANARCONFIG, SAMPLEFORMAT, TiffPage

from pixelmend_engine.images import limits, metadata, xmp
from pixelmend_engine.images.damage import PILLOW, TIFFFILE, Damaged, damage
from pixelmend_engine.images.formats import pillow
from pixelmend_engine.images.image_file import ImageFile, Pixels, upright, with_channels
from pixelmend_engine.images.metadata import FOLDERS, Metadata, MetadataReader
from pixelmend_engine.images.sample_types import sample_type_of, white

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # and those of BigTIFF
COLORS = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)
OTHER_COLORS: dict[int, str] = {PHOTOMETRIC.SEPARATED: "CMYK", PHOTOMETRIC.CIELAB: "LAB"}
SENSORS = (PHOTOMETRIC.CFA, PHOTOMETRIC.LINEAR_RAW)
SAMPLE_KINDS: dict[int, str] = {
    SAMPLEFORMAT.UINT: "whole numbers",
    SAMPLEFORMAT.INT: "signed numbers",
    SAMPLEFORMAT.IEEEFP: "floats",
}
MOST_FURTHER = 8  # channels beside the colors
MOST_PAGES = 16  # a picture, its previews and masks are fewer
FOR_PILLOW = (PHOTOMETRIC.PALETTE, PHOTOMETRIC.YCBCR)  # which 8 bits a sample can hold
LOSSLESS = (  # what files are written with
    COMPRESSION.LZW,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.PACKBITS,
    COMPRESSION.ZSTD,
    COMPRESSION.LZMA,
    COMPRESSION.NONE,
)
LAYOUT = (  # a page's attributes that are one number each
    "imagewidth",
    "imagelength",
    "imagedepth",
    "tilewidth",
    "tilelength",
    "samplesperpixel",
    "bitspersample",
    "sampleformat",
    "photometric",
    "planarconfig",
    "compression",
)
PREDICTED = (COMPRESSION.LZW, COMPRESSION.ADOBE_DEFLATE)  # worth it only with a predictor
CENTIMETERS_PER_INCH = 2.54
PHOTOMETRIC_TAG, BYTE_COUNTS = 262, (279, 325)  # of strips, of tiles
ORIENTATION, ICC_PROFILE, XMP, IPTC, PHOTOSHOP = 274, 34675, 700, 33723, 34377  # tags


def read(path: Path) -> ImageFile:
    """Reads a file; its metadata as well.

    Raises:
        UnsupportedImage: It is sound, but can't be restored without losing part of it.
        BadImage: It is too small or too large.
    """
    with damage(TIFFFILE):
        opened = tifffile.TiffFile(path)
    with opened as file:
        page = _only_page(file, path)
        limits.check_size(page.imagewidth, page.imagelength, path.name)
        if _is_for_pillow(page) and (page.index != 0 or file.is_bigtiff):
            raise limits.rare(path.name, "its picture stands behind another, or in a BigTIFF")
        pixels, notes = _samples(page, path)
        photo = _with_metadata(pixels, file, page, path, notes)
    if _is_for_pillow(page):
        return photo
    ordered, own = _in_order(photo.pixels, page)
    if ordered.shape[2] == own:
        return photo
    pixels, further = (np.ascontiguousarray(part) for part in np.split(ordered, [own], axis=2))
    return dataclasses.replace(photo, pixels=pixels, further=further)


def _only_page(file: tifffile.TiffFile, path: Path) -> TiffPage:
    pages: list[TiffPage] = []
    # The chain of pages is walked no further than this, because it may lead back to its start.
    for index in range(MOST_PAGES):
        try:
            with damage(tuple(kind for kind in TIFFFILE if kind is not LookupError)):
                page = file.pages[index]
        except IndexError:
            break
        except LookupError as error:
            raise Damaged(str(error)) from error
        if isinstance(page, TiffPage) and not page.is_reduced:
            pages.append(page)
    if not pages:  # as in raw files' folders of folders
        with damage(TIFFFILE):
            inner = list(file.pages.first.pages or ())
        pages = [page for page in inner if isinstance(page, TiffPage) and not page.is_reduced]
    for page in pages:
        _refuse_what_is_no_number(page)
        _take_defaults(page)
    if len(pages) != 1 or pages[0].imagedepth > 1:
        raise limits.several_pictures(path.name)
    return pages[0]


def _refuse_what_is_no_number(page: TiffPage) -> None:
    # tifffile hands over what a file says: where there should be one number, also several or texts.
    for name in LAYOUT:
        if not isinstance(value := getattr(page, name), int):
            raise Damaged(f"its {name} is {value}")


def _take_defaults(page: TiffPage) -> None:
    # What TIFF 6.0 says is meant where a tag is missing, and libtiff where TIFF has no word of it;
    # the library knows all others.
    if PHOTOMETRIC_TAG not in page.tags:
        color = page.samplesperpixel - len(page.extrasamples)
        page.photometric = PHOTOMETRIC.RGB if color >= 3 else PHOTOMETRIC.MINISBLACK
    if not any(code in page.tags for code in BYTE_COUNTS) and len(page.dataoffsets) > 1:
        page.databytecounts = _byte_counts(page)


def _byte_counts(page: TiffPage) -> tuple[int, ...]:
    # Of each strip or tile: what its samples need, or, compressed, what is there before the next.
    if page.compression == COMPRESSION.NONE:
        samples = page.samplesperpixel if page.planarconfig != PLANARCONFIG.SEPARATE else 1
        row = (page.tilewidth if page.is_tiled else page.imagewidth) * samples * page.bitspersample
        if page.is_tiled:
            return (-(-row // 8) * page.tilelength,) * len(page.dataoffsets)
        rows = min(page.rowsperstrip, page.imagelength)
        strips = -(-page.imagelength // rows)
        each = [min(rows, page.imagelength - strip * rows) for strip in range(strips)]
        return tuple(-(-row // 8) * each[i % strips] for i in range(len(page.dataoffsets)))
    ends = sorted({*page.dataoffsets, page.parent.filehandle.size})
    following = dict(itertools.pairwise(ends))
    return tuple(following.get(offset, offset) - offset for offset in page.dataoffsets)


def _is_for_pillow(page: TiffPage) -> bool:
    # A palette, black and white alone, and JPEG's colors: all of 8 bits at most.
    return page.photometric in FOR_PILLOW or page.bitspersample == 1


def _samples(page: TiffPage, path: Path) -> tuple[Pixels, list[str]]:
    if _is_for_pillow(page):
        with pillow.opened(path, ("TIFF",)) as image:
            pillow.load(image)
            return pillow.pixels_of(image)
    _refuse_unsupported(page, path)
    with damage(TIFFFILE):
        pixels = page.asarray()
    if page.planarconfig == PLANARCONFIG.SEPARATE and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = with_channels(pixels)
    if pixels.shape != (page.imagelength, page.imagewidth, page.samplesperpixel):
        raise Damaged(f"{pixels.shape} is not what its header says")
    notes: list[str] = []
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        pixels = _inverted(pixels)
        notes.append("it was stored as a negative, and is not any more")
    if page.extrasamples == (EXTRASAMPLE.ASSOCALPHA,):
        pixels = _unmultiplied(pixels)
        notes.append("its colors were stored multiplied by alpha, and are not any more")
    return pixels, notes


def _color_count(page: TiffPage) -> int:
    return 3 if page.photometric == PHOTOMETRIC.RGB else 1


def _extra_samples(page: TiffPage) -> tuple[int, ...]:
    # What each channel behind the colors is; what nothing is said of, is unspecified.
    stated = tuple(page.extrasamples)
    missing = page.samplesperpixel - _color_count(page) - len(stated)
    return (*stated, *(EXTRASAMPLE.UNSPECIFIED,) * max(missing, 0))


def _in_order(pixels: Pixels, page: TiffPage) -> tuple[Pixels, int]:
    # Colors, alpha, then the further channels; and how many the first two are.
    color, extra = _color_count(page), _extra_samples(page)
    places = range(color, color + len(extra))
    is_further = {place: extra[place - color] == EXTRASAMPLE.UNSPECIFIED for place in places}
    first = [*range(color), *(place for place in places if not is_further[place])]
    last = [place for place in places if is_further[place]]
    return (pixels[..., [*first, *last]] if last else pixels), len(first)


def _refuse_unsupported(page: TiffPage, path: Path) -> None:
    if page.photometric in SENSORS:
        raise limits.camera_raw(path.name)
    if page.photometric not in COLORS:
        name = OTHER_COLORS.get(page.photometric, f"the color model {page.photometric}")
        raise limits.other_colors(path.name, name)
    kind = SAMPLE_KINDS.get(page.sampleformat, "samples of an unknown kind")
    if page.dtype is None or sample_type_of(page.dtype) is None:
        raise limits.other_samples(path.name, f"{kind} of {page.bitspersample} bits")
    if page.bitspersample != page.dtype.itemsize * 8:  # 12 bits in 16, for example
        raise limits.other_samples(path.name, f"samples of {page.bitspersample} bits")
    further = _extra_samples(page)
    alphas = [kind for kind in further if kind != EXTRASAMPLE.UNSPECIFIED]
    color = _color_count(page)
    if page.samplesperpixel < color or len(further) > MOST_FURTHER:
        raise limits.rare(path.name, f"it has {page.samplesperpixel} channels")
    if len(alphas) > 1 or (EXTRASAMPLE.ASSOCALPHA in alphas and len(further) > 1):
        raise limits.rare(path.name, "it has several channels of alpha, or further ones beside it")
    segment = page.tilewidth * page.tilelength if page.is_tiled else 0
    if segment > limits.MAX_PIXELS:
        raise limits.too_large(path.name)
    if page.compression not in tifffile.TIFF.DECOMPRESSORS:
        raise limits.rare(path.name, f"its compression is {page.compression!s}")


def _inverted(pixels: Pixels) -> Pixels:
    inverted = pixels.copy()
    inverted[..., 0] = white(pixels.dtype) - pixels[..., 0]
    return inverted


def _unmultiplied(pixels: Pixels) -> Pixels:
    alpha = pixels[..., -1:].astype(np.float64) / white(pixels.dtype)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        color = np.where(alpha > 0, pixels[..., :-1] / alpha, 0)
        color = np.where(np.isfinite(color.astype(pixels.dtype)), color, pixels[..., :-1])
    if pixels.dtype.kind != "f":
        color = np.rint(color.clip(0, white(pixels.dtype)))
    return np.concatenate([color.astype(pixels.dtype), pixels[..., -1:]], axis=2)


def _with_metadata(
    pixels: Pixels, file: tifffile.TiffFile, page: TiffPage, path: Path, notes: list[str]
) -> ImageFile:
    reading = MetadataReader()
    orientation = reading.attempt("EXIF orientation", lambda: _orientation(file, page), 1)

    def packet() -> bytes | None:
        raw = _bytes(file, page, XMP)
        return xmp.turned_upright(raw) if raw and orientation != 1 else raw

    metadata = Metadata(
        exif=reading.attempt("EXIF", lambda: _exif(file, path), None),
        icc_profile=reading.attempt("profile", lambda: _bytes(file, page, ICC_PROFILE), None),
        xmp=reading.attempt("XMP", packet, None),
        iptc=reading.attempt("IPTC", lambda: _iptc(file, page), None),
        dpi=reading.attempt(
            "resolution", lambda: _dpi(page, turned=orientation in range(5, 9)), None
        ),
        compression=COMPRESSION(page.compression).name if page.compression in LOSSLESS else None,
    )
    # Pillow turns what it decodes by itself.
    turned = upright(pixels, 1 if _is_for_pillow(page) else orientation)
    return ImageFile(pixels=turned, metadata=metadata, notes=(*notes, *reading.notes))


def _orientation(file: tifffile.TiffFile, page: TiffPage) -> int:
    stated = _value(page, ORIENTATION) or _value(file.pages.first, ORIENTATION) or 1
    if not isinstance(stated, int):
        raise Damaged(f"an orientation of {stated}")
    return stated


def _value(page: TiffPage, code: int | str) -> Any:
    with damage(TIFFFILE):
        return page.tags.valueof(code)


def _exif(file: tifffile.TiffFile, path: Path) -> bytes | None:
    if file.is_bigtiff and any(code in file.pages.first.tags for code in metadata.TOLD):
        raise Damaged("Pillow does not read it there")
    with path.open("rb") as stream:
        exif = Image.Exif()
        with damage(PILLOW):
            exif.load_from_fp(stream)
        return metadata.encoded(metadata.described(exif))


def _bytes(file: tifffile.TiffFile, page: TiffPage, code: int) -> bytes | None:
    # Some programs say that these bytes are a text, or numbers of four bytes.
    value = _value(page, code)
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    with damage((OverflowError, TypeError, ValueError)):
        return np.asarray(value, f"{file.byteorder}u4").tobytes()


def _iptc(file: tifffile.TiffFile, page: TiffPage) -> bytes | None:
    records = _bytes(file, page, IPTC)
    if records is None and (resources := _bytes(file, page, PHOTOSHOP)) is not None:
        return metadata.iptc_in(resources)
    return records


def _dpi(page: TiffPage, *, turned: bool) -> tuple[float, float] | None:
    x, y = (_value(page, name) for name in ("XResolution", "YResolution"))
    if x is None or y is None or page.resolutionunit not in (2, 3):
        return None
    factor = CENTIMETERS_PER_INCH if page.resolutionunit == 3 else 1
    with damage((TypeError, ZeroDivisionError)):  # one number, or three; 1/0
        across, down = float(Fraction(*x)) * factor, float(Fraction(*y)) * factor
    return metadata.sound_dpi(down, across) if turned else metadata.sound_dpi(across, down)


def write(photo: ImageFile, path: Path) -> None:
    """Writes a file, with all of its metadata, compressed without loss."""
    file_metadata = photo.metadata
    exif = metadata.parsed(file_metadata.exif)
    folders = {int(folder): exif[folder] for folder in FOLDERS if folder in exif}
    kept = COMPRESSION.__members__.get(file_metadata.compression or "", COMPRESSION.ADOBE_DEFLATE)
    kept = kept if kept in LOSSLESS else COMPRESSION.ADOBE_DEFLATE
    extratags = [
        *_tags(exif),
        *_packets(file_metadata),
        *((code - 1, LONG, 1, 0, True) for code in folders),
    ]
    pixels, extra = photo.pixels, ["unassalpha"] if photo.alpha is not None else []
    if photo.further is not None:
        pixels = np.concatenate([pixels, photo.further], axis=2)
        extra += ["unspecified"] * photo.further.shape[2]
    pixels = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    with damage(TIFFFILE), tifffile.TiffWriter(path) as file:
        file.write(
            pixels,
            photometric="minisblack" if photo.channels in ("Y", "YA") else "rgb",
            planarconfig=None if pixels.ndim == 2 else "contig",
            extrasamples=extra or None,
            compression=kept,
            predictor=kept in PREDICTED,
            resolution=file_metadata.dpi,
            resolutionunit="inch" if file_metadata.dpi else None,
            iccprofile=file_metadata.icc_profile,
            metadata=None,
            software=False,
            extratags=extratags,
        )
    append_folders(folders, path)


def _tags(exif: Image.Exif) -> list[tuple[int, int, int, bytes, bool]]:
    tags: list[tuple[int, int, int, bytes, bool]] = []
    for code, value in exif.items():
        if code in FOLDERS or not isinstance(value, bytes | tuple):
            continue
        with damage((TypeError, ValueError)):  # numbers that are no bytes
            data = bytes(cast("tuple[int, ...]", value))
        kind = ASCII if code in metadata.TEXTS else BYTE
        data = data.rstrip(b"\0") + b"\0" if kind == ASCII else data
        tags.append((code, kind, len(data), data, True))
    return tags


def _packets(file_metadata: Metadata) -> list[tuple[int, int, int, bytes, bool]]:
    packets = [(XMP, BYTE, file_metadata.xmp), (IPTC, UNDEFINED, file_metadata.iptc)]
    return [(code, kind, len(data), data, True) for code, kind, data in packets if data is not None]


def append_folders(folders: dict[int, dict[int, Any]], path: Path) -> None:
    """Writes EXIF's folders behind a file, which holds a place for each in the tag before."""
    # Pillow knows the types of EXIF's own tags, tifffile how to lay out a file. It lets nobody
    # write tags that point to folders, so the tags before them, which are nobody's, hold their
    # place until the folders are there.
    with damage(TIFFFILE), tifffile.TiffFile(path) as file:
        places = {code: file.pages.first.tags[code - 1].offset for code in folders}
    with path.open("r+b") as file:
        for code, values in folders.items():
            offset = file.seek(0, os.SEEK_END)
            offset += file.write(bytes(offset % 2))
            file.write(metadata.written(metadata.folder(code, values), offset))
            file.seek(places[code])
            file.write(struct.pack("<HHII", code, LONG, 1, offset))

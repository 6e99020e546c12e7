"""TIFF files: integers of 8 and 16 bits, floats of 16 and 32; strips, tiles, any compression."""

import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, SAMPLEFORMAT, TiffPage

from pixelmend_engine import metadata, xmp
from pixelmend_engine.formats import pillow, refusals
from pixelmend_engine.metadata import FOLDERS, Attempts, Metadata
from pixelmend_engine.photo import TYPES, Photo, Pixels, upright

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # and those of BigTIFF
COLORS = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)
OTHER_COLORS: dict[int, str] = {PHOTOMETRIC.SEPARATED: "CMYK", PHOTOMETRIC.CIELAB: "LAB"}
SAMPLE_KINDS: dict[int, str] = {
    SAMPLEFORMAT.UINT: "whole numbers",
    SAMPLEFORMAT.INT: "signed numbers",
    SAMPLEFORMAT.IEEEFP: "floats",
}
FOR_PILLOW = (PHOTOMETRIC.PALETTE, PHOTOMETRIC.YCBCR)  # which 8 bits a sample can hold
LOSSLESS = (  # what files are written with
    COMPRESSION.LZW,
    COMPRESSION.ADOBE_DEFLATE,
    COMPRESSION.PACKBITS,
    COMPRESSION.ZSTD,
    COMPRESSION.LZMA,
    COMPRESSION.NONE,
)
PREDICTED = (COMPRESSION.LZW, COMPRESSION.ADOBE_DEFLATE)  # worth it only with a predictor
CENTIMETERS_PER_INCH = 2.54
ICC_PROFILE, XMP, IPTC = 34675, 700, 33723  # tags
BYTE, ASCII, LONG, UNDEFINED = 1, 2, 4, 7  # types of tags


def read(path: Path) -> Photo:
    """Reads a file; its metadata as well.

    Raises:
        UnsupportedImage: It is sound, but can't be restored without losing part of it.
        BadImage: It is too small or too large.
    """
    with tifffile.TiffFile(path) as file:
        page = _only_page(file, path)
        refusals.check_size(page.imagewidth, page.imagelength, path.name)
        pixels, notes = _samples(page, path)
        return _with_metadata(pixels, page, path, notes)


def _only_page(file: tifffile.TiffFile, path: Path) -> TiffPage:
    pages = [page for page in file.pages if isinstance(page, TiffPage) and not page.is_reduced]
    pages = pages or [page for page in file.pages.first.pages or () if isinstance(page, TiffPage)]
    if len(pages) != 1 or pages[0].imagedepth > 1:
        raise refusals.several_pictures(path.name)
    return pages[0]


def _samples(page: TiffPage, path: Path) -> tuple[Pixels, list[str]]:
    if page.photometric in FOR_PILLOW or page.bitspersample == 1:
        with Image.open(path, formats=["TIFF"]) as image:
            image.load()
            return pillow.samples(image)
    _refuse_unsupported(page, path)
    pixels = page.asarray()
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    if pixels.shape != (page.imagelength, page.imagewidth, page.samplesperpixel):
        raise ValueError(f"{pixels.shape} is not what its header says")
    notes: list[str] = []
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        pixels = _inverted(pixels)
        notes.append("it was stored as a negative, and is not any more")
    if page.extrasamples == (EXTRASAMPLE.ASSOCALPHA,):
        pixels = _unmultiplied(pixels)
        notes.append("its colors were stored multiplied by alpha, and are not any more")
    return pixels, notes


def _refuse_unsupported(page: TiffPage, path: Path) -> None:
    if page.photometric not in COLORS:
        name = OTHER_COLORS.get(page.photometric, f"the color model {page.photometric}")
        raise refusals.other_colors(path.name, name)
    kind = SAMPLE_KINDS.get(page.sampleformat, "samples of an unknown kind")
    if page.dtype is None or page.dtype.name not in TYPES:
        raise refusals.other_samples(path.name, f"{kind} of {page.bitspersample} bits")
    if page.bitspersample != page.dtype.itemsize * 8:  # 12 bits in 16, for example
        raise refusals.other_samples(path.name, f"samples of {page.bitspersample} bits")
    further = tuple(page.extrasamples)
    if len(further) > 1 or EXTRASAMPLE.UNSPECIFIED in further:
        raise refusals.rare(path.name, "it has further channels besides color and alpha")
    color = 3 if page.photometric == PHOTOMETRIC.RGB else 1
    if page.samplesperpixel != color + len(further):
        raise refusals.rare(path.name, f"it has {page.samplesperpixel} channels")
    segment = page.tilewidth * page.tilelength if page.is_tiled else 0
    if segment > refusals.MAX_PIXELS:
        raise refusals.too_large(path.name)
    if page.compression not in tifffile.TIFF.DECOMPRESSORS:
        raise refusals.rare(path.name, f"its compression is {page.compression!s}")


def _inverted(pixels: Pixels) -> Pixels:
    white = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    inverted = pixels.copy()
    inverted[..., 0] = white - pixels[..., 0]
    return inverted


def _unmultiplied(pixels: Pixels) -> Pixels:
    white = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    alpha = pixels[..., -1:].astype(np.float64) / white
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        color = np.where(alpha > 0, pixels[..., :-1] / alpha, 0)
    if pixels.dtype.kind != "f":
        color = np.rint(color.clip(0, white))
    return np.concatenate([color.astype(pixels.dtype), pixels[..., -1:]], axis=2)


def _with_metadata(pixels: Pixels, page: TiffPage, path: Path, notes: list[str]) -> Photo:
    reading = Attempts()
    with path.open("rb") as file:
        exif = Image.Exif()
        reading.attempt("EXIF", lambda: exif.load_from_fp(file), None)
        orientation = reading.attempt(
            "EXIF orientation", lambda: int(exif.get(ExifTags.Base.Orientation, 1)), 1
        )
        if page.photometric in FOR_PILLOW or page.bitspersample == 1:
            orientation_left = 1  # Pillow turns such a picture by itself
        else:
            orientation_left = orientation

        def packet() -> bytes | None:
            raw = _bytes(page, XMP)
            return xmp.turned_upright(raw) if raw and orientation != 1 else raw

        found = Metadata(
            exif=reading.attempt("EXIF", lambda: _exif(exif), None),
            icc_profile=_bytes(page, ICC_PROFILE),
            xmp=reading.attempt("XMP", packet, None),
            iptc=reading.attempt("IPTC", lambda: _iptc(page), None),
            dpi=reading.attempt("resolution", lambda: _dpi(page), None),
            compression=page.compression.name if page.compression in LOSSLESS else None,
        )
    return Photo(
        pixels=upright(pixels, orientation_left),
        metadata=found,
        notes=(*notes, *reading.notes),
    )


def _exif(exif: Image.Exif) -> bytes | None:
    kept = metadata.described(exif)
    return kept.tobytes() if len(kept) else None


def _bytes(page: TiffPage, code: int) -> bytes | None:
    value = page.tags.valueof(code)
    return value if isinstance(value, bytes) else None


def _iptc(page: TiffPage) -> bytes | None:
    tag = page.tags.get(IPTC)
    if tag is None:
        return None
    # Many programs say that these bytes are numbers of four bytes; they are bytes all the same.
    raw = tag.value
    return raw if isinstance(raw, bytes) else np.asarray(raw, "<u4").tobytes()


def _dpi(page: TiffPage) -> tuple[float, float] | None:
    x, y = (page.tags.valueof(name) for name in ("XResolution", "YResolution"))
    if x is None or y is None or page.resolutionunit not in (2, 3):
        return None
    factor = CENTIMETERS_PER_INCH if page.resolutionunit == 3 else 1
    return metadata.sound_dpi(float(Fraction(*x)) * factor, float(Fraction(*y)) * factor)


def write(photo: Photo, path: Path) -> None:
    """Writes a file, with all of its metadata, compressed without loss."""
    found = photo.metadata
    exif = metadata.parsed(found.exif)
    folders = {int(folder): exif[folder] for folder in FOLDERS if folder in exif}
    kept = COMPRESSION.__members__.get(found.compression or "", COMPRESSION.ADOBE_DEFLATE)
    kept = kept if kept in LOSSLESS else COMPRESSION.ADOBE_DEFLATE
    with tifffile.TiffWriter(path) as file:
        file.write(
            photo.pixels[..., 0] if photo.channels == "Y" else photo.pixels,
            photometric="minisblack" if photo.channels in ("Y", "YA") else "rgb",
            planarconfig=None if photo.channels == "Y" else "contig",
            extrasamples=["unassalpha"] if photo.alpha is not None else None,
            compression=kept,
            predictor=kept in PREDICTED,
            resolution=found.dpi,
            resolutionunit="inch" if found.dpi else None,
            iccprofile=found.icc_profile,
            metadata=None,
            software=False,
            extratags=[
                *_tags(exif),
                *_packets(found),
                *((code - 1, LONG, 1, 0, True) for code in folders),
            ],
        )
    _append(folders, path)


def _tags(exif: Image.Exif) -> list[tuple[int, int, int, bytes, bool]]:
    tags: list[tuple[int, int, int, bytes, bool]] = []
    for code, value in exif.items():
        if code in FOLDERS or not isinstance(value, bytes | tuple):
            continue
        data = bytes(cast("tuple[int, ...]", value))
        kind = ASCII if code in metadata.TEXTS else BYTE
        data = data.rstrip(b"\0") + b"\0" if kind == ASCII else data
        tags.append((code, kind, len(data), data, True))
    return tags


def _packets(found: Metadata) -> list[tuple[int, int, int, bytes, bool]]:
    packets = [(XMP, BYTE, found.xmp), (IPTC, UNDEFINED, found.iptc)]
    return [(code, kind, len(data), data, True) for code, kind, data in packets if data is not None]


def _append(folders: dict[int, dict[int, Any]], path: Path) -> None:
    # Pillow knows the types of EXIF's own tags, tifffile how to lay out a file. It lets nobody
    # write tags that point to folders, so the tags before them, which are nobody's, hold their
    # place until the folders are there.
    with tifffile.TiffFile(path) as file:
        places = {code: file.pages.first.tags[code - 1].offset for code in folders}
    with path.open("r+b") as file:
        for code, values in folders.items():
            offset = file.seek(0, os.SEEK_END)
            offset += file.write(bytes(offset % 2))
            folder = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\x08\0\0\0")
            folder.update(values)
            file.write(folder.tobytes(offset))
            file.seek(places[code])
            file.write(struct.pack("<HHII", code, LONG, 1, offset))

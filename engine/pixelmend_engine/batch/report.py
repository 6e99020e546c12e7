"""What a batch came to, as a page, a table or JSON. The page opens without a network."""

import base64
import csv
import html
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pixelmend.atomic import atomic_write
from pixelmend.errors import BadRequest, PixelmendError
from pixelmend.printable import printable
from pixelmend_engine.batch.manifest import Manifest
from pixelmend_engine.batch.records import Totals
from pixelmend_engine.batch.storage import Storage
from pixelmend_engine.images import files as images
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.sample_types import white

ENDINGS = (".html", ".json", ".csv")
THUMBNAIL = 240  # pixels, the longer side
SHOWN = 24  # pictures before and after; and of the slowest, and of changed faces
MAX_FAILED = 1000  # on the page; the table has them all
CHANGED = "changed noticeably"  # in the notes of faces
COLUMNS = (
    "address", "state", "code", "message", "seconds", "pixels", "device", "worker", "peak_bytes",
    "attempts", "content",
)  # fmt: skip
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  color: #222; background: #fff }
h1, h2 { line-height: 1.2 } table { border-collapse: collapse; width: 100% }
td, th { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd;
  vertical-align: top; overflow-wrap: anywhere }
.pairs { display: flex; flex-wrap: wrap; gap: 1.5rem } figure { margin: 0 }
figure img { height: 180px; margin-right: 2px } figcaption { font-size: .85rem; max-width: 30rem }
.totals td:first-child { width: 14rem }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b }
  td, th { border-color: #444 } }
"""


def check_ending(path: Path) -> None:
    """Makes sure, before the work, that a report of that name can be written.

    Raises:
        BadRequest: Its ending is that of no report.
    """
    if path.suffix.lower() not in ENDINGS:
        raise BadRequest(
            f"There is no report that ends in `{path.suffix}`",
            hint=f"Name a file that ends in {', '.join(ENDINGS)}",
        )


def write(manifest: Manifest, path: Path, source: Storage, target: Storage) -> None:
    """Writes the report that the file's ending names, in place of one that is there.

    Raises:
        OutputFailed: It can't be written.
    """
    totals = manifest.totals()
    with atomic_write(path, overwrite=True) as temporary:
        match path.suffix.lower():
            case ".csv":
                _write_table(manifest, temporary)
            case ".json":
                _write_json(manifest, totals, temporary)
            case _:
                page = _page(manifest, totals, source, target)
                temporary.write_text("".join(page), encoding="utf-8")


def _write_table(manifest: Manifest, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow([*COLUMNS, "model"])
        for row in manifest.rows():
            values = [_cell(row[name]) for name in COLUMNS]
            table.writerow([*values, " + ".join(_models(row))])


def _cell(value: object) -> object:
    # A spreadsheet takes a name that begins so for a formula, and runs it.
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _write_json(manifest: Manifest, totals: Totals, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"totals": {json.dumps(asdict(totals))}, "pictures": [')
        for number, row in enumerate(manifest.rows()):
            picture = {name: row[name] for name in (*COLUMNS, "hint", "facts")}
            file.write(f"{',' if number else ''}\n{json.dumps(picture)}")
        file.write("\n]}\n")


def _page(manifest: Manifest, totals: Totals, source: Storage, target: Storage) -> Iterator[str]:
    yield '<!doctype html><html lang="en"><meta charset="utf-8"><title>Pixelmend batch</title>'
    yield f"<style>{STYLE}</style><h1>Pixelmend batch</h1>"
    yield f"<p>{_text(source.root)} → {_text(target.root)}</p>"
    yield from _totals(totals)
    done = list(_first(manifest, "state = 'done' ORDER BY content LIMIT ?", SHOWN))
    yield from _section("Before and after", _pairs(done, source, target))
    changed = "state = 'done' AND instr(facts, ?) ORDER BY id LIMIT ?"
    rows_with_warnings = list(manifest.rows(changed, (CHANGED, SHOWN)))
    yield from _section(
        "Faces that changed noticeably", _pairs(rows_with_warnings, source, target, words=_warnings)
    )
    slowest = _first(manifest, "state = 'done' ORDER BY seconds DESC LIMIT ?", SHOWN)
    rows = [
        [row["address"], f"{row['seconds'] or 0:.2f} s", f"{(row['pixels'] or 0) / 1e6:.1f} MP",
         row["device"] or ""]
        for row in slowest
    ]  # fmt: skip
    yield from _section("The slowest", _table(["picture", "computing", "size", "on"], rows))
    failed = _first(manifest, "state = 'failed' ORDER BY id LIMIT ?", MAX_FAILED)
    reasons = [[row["address"], row["message"] or "", row["hint"] or ""] for row in failed]
    yield from _section("Failed", _table(["picture", "what happened", "what to do"], reasons))


def _totals(totals: Totals) -> Iterator[str]:
    megapixels, hours = totals.pixels / 1e6, totals.seconds / 3600
    lines = [
        ("Pictures", f"{totals.listed:,}"),
        ("Restored", f"{totals.done:,} ({megapixels:,.1f} megapixels)"),
        ("Failed", f"{totals.failed:,}"),
        ("Nothing to restore", f"{totals.skipped:,}"),
        ("Still to do", f"{totals.waiting + totals.running:,}"),
        ("Computing", f"{hours:,.1f} hours" if hours >= 1 else f"{totals.seconds:,.0f} s"),
    ]
    yield '<table class="totals">'
    for name, value in lines:
        yield f"<tr><td>{name}</td><td>{value}</td></tr>"
    yield "</table>"


def _section(title: str, parts: Iterator[str]) -> Iterator[str]:
    first = next(parts, None)
    if first is not None:
        yield f"<h2>{title}</h2>{first}"
        yield from parts


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if rows:
        yield f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>"
        for row in rows:
            yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>"
        yield "</table>"


def _pairs(
    rows: Sequence[dict[str, Any]],
    source: Storage,
    target: Storage,
    words: Callable[[dict[str, Any]], Iterator[str]] | None = None,
) -> Iterator[str]:
    if rows:
        yield '<div class="pairs">'
    for row in rows:
        yield f"<figure>{_thumbnail(source, row['address'])}{_thumbnail(target, row['result'])}"
        captions = [] if words is None else list(words(row))
        caption = "<br>".join(map(_text, [row["address"], *captions]))
        yield f"<figcaption>{caption}</figcaption></figure>"
    if rows:
        yield "</div>"


def _thumbnail(storage: Storage, address: str) -> str:
    try:
        with storage.fetch(address) as path:
            photo = images.read(path)
    except PixelmendError:
        return ""  # it may have been moved since
    image = Image.fromarray(_coarse_rgb(photo))
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=85)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}">'


def _coarse_rgb(photo: ImageFile) -> UInt8[np.ndarray, "h w 3"]:
    height, width, _ = photo.pixels.shape
    step = max(1, max(height, width) // (2 * THUMBNAIL))
    pixels = photo.pixels[::step, ::step].astype(np.float32) / white(photo.pixels.dtype)
    color = pixels[..., :3] if photo.channels.startswith("RGB") else pixels[..., [0, 0, 0]]
    return np.rint(np.nan_to_num(color).clip(0, 1) * 255).astype(np.uint8)


def _first(manifest: Manifest, where: str, most: int) -> Iterator[dict[str, Any]]:
    yield from manifest.rows(where, (most,))


def _models(row: dict[str, Any]) -> list[str]:
    return [str(step.get("model", "")) for step in row["facts"].get("steps", [])]


def _warnings(row: dict[str, Any]) -> Iterator[str]:
    for step in row["facts"].get("steps", []):
        yield from (note for note in step.get("notes", []) if CHANGED in note)


def _text(words: str) -> str:
    return html.escape(printable(words))

"""How a layer was made, kept in the layer itself: XCF files hold it, *Restore Again* reads it."""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp

from pixelmend.errors import BadRequest, UnsupportedImage
from pixelmend.host.selection import Area

NAME = "pixelmend-recipe"


@dataclass(frozen=True)
class Provenance:
    """One restoration: what of, by what, with which options."""

    task: str
    options: dict[str, Any]  # as the user chose them
    model: str  # which it was in the end
    version: str  # of Pixelmend
    source: int  # the tattoo of the layer that was restored
    area: Area
    mask: bytes | None = None  # what was restored, where the layer's own mask does not say it


def attach(layer: Gimp.Layer, provenance: Provenance) -> None:
    """Writes it into a layer."""
    area = provenance.area
    fields = {
        "task": provenance.task,
        "options": provenance.options,
        "model": provenance.model,
        "version": provenance.version,
        "source": provenance.source,
        "area": [area.x, area.y, area.width, area.height],
        "mask": provenance.mask and base64.b64encode(zlib.compress(provenance.mask)).decode(),
    }
    data = json.dumps(fields).encode()
    # Without the second, undoing what belongs to the same step would end in a message of GIMP's.
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    layer.attach_parasite(Gimp.Parasite.new(NAME, flags, data))


def read(layer: Gimp.Layer) -> Provenance:
    """Reads a layer's provenance.

    Raises:
        UnsupportedImage: It has none.
    """
    parasite = layer.get_parasite(NAME)
    try:
        fields = json.loads(bytes(parasite.get_data()))
        area = Area(*(int(number) for number in fields["area"]))
        texts = {name: fields[name] for name in ("task", "options", "model", "version", "source")}
        return Provenance(**texts, area=area, mask=_unpacked(fields["mask"], area))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError, zlib.error) as error:
        raise UnsupportedImage(
            "This layer was not made by Pixelmend",
            hint="Choose a layer that was, such as “Deblurred”",
        ) from error


def _unpacked(mask: str | None, area: Area) -> bytes | None:
    # No more than there are pixels: the image may come from anywhere.
    size = max(1, area.width * area.height)
    return mask and zlib.decompressobj().decompress(base64.b64decode(mask), size)


def changed(provenance: Provenance, **fields: Any) -> Provenance:
    """Returns a provenance with other fields."""
    return dataclasses.replace(provenance, **fields)


def parse_changes(text: str) -> dict[str, Any]:
    """Reads the options that a script wants to have changed.

    Raises:
        BadRequest: They are no JSON object.
    """
    try:
        options = json.loads(text or "{}")
    except (ValueError, RecursionError):
        options = None
    if not isinstance(options, dict):
        raise BadRequest("The options are no JSON object", hint='Give one, such as {"seed": 2}')
    return options

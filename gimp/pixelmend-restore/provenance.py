"""How a layer was made, kept in the layer itself: XCF files hold it, *Restore Again* reads it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import uuid
import zlib
from dataclasses import dataclass
from typing import Any, Iterator

from gi.repository import Gimp

from pixelmend.errors import BadRequest, UnsupportedImage
from pixelmend.host.selection import Area
from pixelmend.wire import Bytes

NAME = "pixelmend-recipe"
IDENTITY = "pixelmend-id"  # of layers that something was made from
# Without the second, undoing what belongs to the same step would end in a message of GIMP's.
FLAGS = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE


@dataclass(frozen=True)
class Provenance:
    """One restoration: what of, by what, with which options."""

    task: str
    options: dict[str, Any]  # as the user chose them
    model: str  # which it was in the end
    version: str  # of Pixelmend
    source: int  # the tattoo of the layer that was restored: other images have the same ones
    area: Area
    mask: bytes | None = None  # what was restored, where the layer's own mask does not say it
    identity: str = ""  # of the layer that was restored; empty in layers of release 0.1
    digest: str = ""  # of the pixels that were read; empty in layers of release 0.1


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
        "identity": provenance.identity,
        "digest": provenance.digest,
        "mask": provenance.mask and base64.b64encode(zlib.compress(provenance.mask)).decode(),
    }
    data = json.dumps(fields).encode()
    layer.attach_parasite(Gimp.Parasite.new(NAME, FLAGS, data))


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
        known = {name: str(fields.get(name, "")) for name in ("identity", "digest")}
        return Provenance(**texts, **known, area=area, mask=_unpacked(fields["mask"], area))
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError, zlib.error) as error:
        raise UnsupportedImage(
            "This layer was not made by Pixelmend",
            hint="Choose a layer that was, such as “Deblurred”",
        ) from error


def _unpacked(mask: str | None, area: Area) -> bytes | None:
    # No more than there are pixels: the image may come from anywhere.
    size = max(1, area.width * area.height)
    return mask and zlib.decompressobj().decompress(base64.b64decode(mask), size)


def identify(layer: Gimp.Layer) -> str:
    """Returns what a layer is known by, in whichever image and file; gives it one if need be."""
    known = identity_of(layer)
    if not known:
        known = str(uuid.uuid4())
        layer.attach_parasite(Gimp.Parasite.new(IDENTITY, FLAGS, known.encode()))
    return known


def identity_of(layer: Gimp.Layer) -> str:
    """Returns what a layer is known by; empty where nothing was made from it yet."""
    parasite = layer.get_parasite(IDENTITY)
    return "" if parasite is None else bytes(parasite.get_data()).decode(errors="replace")


def digest(data: Bytes) -> str:
    """Returns what tells pixels from others."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def source_of(layer: Gimp.Layer, made_by: Provenance) -> Gimp.Layer | None:
    """Returns the layer that a layer was made from; None where its image has it no more."""
    image = layer.get_image()
    by_number = image.get_layer_by_tattoo(made_by.source)
    if not made_by.identity:
        sources = [] if by_number is None else [by_number]
    else:
        # Copies of a layer have its identity; of these, the one with its number is meant.
        sources = [one for one in _all(image.get_layers()) if _is(one, made_by.identity)]
        sources.sort(key=lambda one: one.get_tattoo() != made_by.source)
    return next((one for one in sources if one.get_id() != layer.get_id()), None)


def _is(layer: Gimp.Layer, identity: str) -> bool:
    return identity_of(layer) == identity


def _all(items: Any) -> Iterator[Gimp.Layer]:
    for item in items:
        yield item
        yield from _all(item.get_children())


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

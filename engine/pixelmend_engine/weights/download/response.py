"""One exchange with one source: from the first question to the last byte of the file.

It runs in a thread of its own, which may be left behind: it only reads, and only what does not
change while it runs.
"""

import contextlib
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from pixelmend_engine.catalog.weight_files import DriveFolder, Source, WeightFile
from pixelmend_engine.weights.download import sources
from pixelmend_engine.weights.download.https import Answer, Refusal, Web, host
from pixelmend_engine.weights.download.network_settings import Network, Patience
from pixelmend_engine.weights.download.partial_file import Identity, Part, wish
from pixelmend_engine.weights.download.sources import Stated

PIECE = 256 * 1024  # bytes read at once, at most
CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(frozen=True)
class Begun:
    """A file that begins to come: from where, from which byte on, and how it is known again."""

    source: Source
    stated: Stated
    start: int
    identity: Identity
    complete: bool = False  # all of it was here


class Changed(Exception):
    """The source's file is not the one that has begun to come."""


class Unlike(Exception):
    """What came is not the published file."""


def where(source: Source) -> str:
    """Names a source in a sentence."""
    return host(source.page)


def exchange(
    source: Source,
    file: WeightFile,
    part: Part,
    known_sha256: str | None,
    network: Network,
    patience: Patience,
) -> Generator[Begun | bytes | None]:
    """Yields None for each answer before the file, then what begins to come, then its bytes.

    Bytes that are here already are not yielded again, even where they are asked for again.

    Raises:
        Refusal: The source does not give the file.
        Changed: What would come does not belong to what is here.
        Unlike: The source says itself that it has another file.
    """
    identity, size, tail = part.identity, part.size, part.tail
    web = Web(network, patience)
    with contextlib.closing(web):
        if isinstance(source, DriveFolder):
            for place in sources.found(web, network, source):
                yield None
                source = place or source
        stated = Stated()
        expected = known_sha256
        if expected is None or file.proof == "stated":
            stated = sources.stated(web, network, source)
            yield None
        if None not in (expected, stated.sha256) and expected != stated.sha256:
            raise Unlike(f"{where(source)} states another SHA-256")
        expected = expected or stated.sha256
        asked = wish(identity, size, source.page, expected)
        with sources.opened(web, network, source, asked.headers) as answer:
            start, total = _span(answer, asked.start)
            etag = _strong(answer.headers.get("ETag"))
            if start and identity is not None:
                _compare(identity, source, total, etag, answer.headers.get("Last-Modified"))
            pieces = answer.pieces(PIECE)
            complete = answer.status == 416
            here = identity is None or identity.source == source.page
            if complete and total != size:
                raise Changed if here else Unlike(f"{where(source)} has {total} bytes")
            first = b""
            if answer.status == 206 and asked.start < size:
                first = _behind(tail[asked.start - size :], pieces)
                start = size
            yield Begun(
                source=source,
                stated=stated,
                start=start,
                identity=Identity(
                    source=source.page,
                    sha256=expected,
                    etag=etag,
                    modified=answer.headers.get("Last-Modified"),
                    total=total or stated.size_bytes,
                ),
                complete=complete,
            )
            if first:
                yield first
            if not complete:
                yield from pieces


def _span(answer: Answer, asked: int) -> tuple[int, int | None]:
    # Which byte of the file the body begins with, and how many bytes the file has.
    if answer.status == 200:
        length = answer.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    match = CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if match is None or (answer.status != 416 and match[1] != str(asked)):
        raise Refusal(f"{host(answer.url)} sends another part than was asked for", "refused")
    total = None if match[2] == "*" else int(match[2])
    return (total or 0) if answer.status == 416 else asked, total


def _compare(
    identity: Identity, source: Source, total: int | None, etag: str | None, modified: str | None
) -> None:
    longer = None not in (identity.total, total) and identity.total != total
    if identity.source != source.page:
        # The part is another source's, and worth keeping; each source has tags of its own.
        if longer:
            raise Unlike(f"{where(source)} has {total} bytes, not {identity.total}")
    elif (
        longer
        or _differ(identity.etag, etag)
        or (etag is None and _differ(identity.modified, modified))
    ):
        raise Changed


def _differ(one: str | None, other: str | None) -> bool:
    return None not in (one, other) and one != other


def _behind(tail: bytes, pieces: Iterator[bytes]) -> bytes:
    # Reads again what is here already, and returns what came behind it in the last piece.
    again = bytearray()
    while len(again) < len(tail):
        again += next(pieces, b"") or _broke_off()
    if bytes(again[: len(tail)]) != tail:
        raise Changed
    return bytes(again[len(tail) :])


def _broke_off() -> bytes:
    raise Refusal("the connection broke off in the middle", "passing")


def _strong(etag: str | None) -> str | None:
    return etag if etag is not None and not etag.startswith("W/") else None

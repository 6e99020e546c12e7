"""One exchange with one source: from the first question to the last byte of the file.

It runs in a thread of its own, which may be left behind: it only reads, and only what does not
change while it runs.
"""

import contextlib
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from pixelmend_engine.catalog.weight_files import DownloadSource, DriveFolder, WeightFile
from pixelmend_engine.weights.download import sources
from pixelmend_engine.weights.download.https import (
    HttpResponse,
    HttpSession,
    SourceUnavailable,
    host,
)
from pixelmend_engine.weights.download.network_settings import Network, RetryPolicy
from pixelmend_engine.weights.download.partial_file import Identity, PartialFile, range_request
from pixelmend_engine.weights.download.sources import RemoteMetadata

CHUNK_BYTES = 256 * 1024  # bytes read at once, at most
BYTES = sources.SIZE.pattern
CONTENT_RANGE = re.compile(rf"bytes (?:({BYTES})-{BYTES}|\*)/({BYTES}|\*)")


@dataclass(frozen=True)
class DownloadStarted:
    """A file that begins to come: from where, from which byte on, and how it is known again."""

    source: DownloadSource
    metadata: RemoteMetadata
    start: int
    identity: Identity
    complete: bool = False  # all of it was here


class RemoteChanged(Exception):
    """The source's file is not the one that has begun to come."""


class WrongContent(Exception):
    """What came is not the published file."""


def source_host(source: DownloadSource) -> str:
    """Names a source in a sentence."""
    return host(source.page)


def open_response(
    source: DownloadSource,
    file: WeightFile,
    part: PartialFile,
    known_sha256: str | None,
    network: Network,
    policy: RetryPolicy,
) -> Generator[DownloadStarted | bytes | None]:
    """Yields None for each response before the file, then what begins to come, then its bytes.

    Bytes that are here already are not yielded again, even where they are asked for again.

    Raises:
        SourceUnavailable: The source does not give the file.
        RemoteChanged: What would come does not belong to what is here.
        WrongContent: The source says itself that it has another file.
    """
    identity, size, tail = part.identity, part.size, part.tail
    session = HttpSession(network, policy)
    with contextlib.closing(session):
        if isinstance(source, DriveFolder):
            for drive_file in sources.find_in_folder(session, network, source):
                yield None
                source = drive_file or source
        metadata = RemoteMetadata()
        expected = known_sha256
        if expected is None or file.verification == "source_hash":
            metadata = sources.remote_metadata(session, network, source)
            yield None
        if None not in (expected, metadata.sha256) and expected != metadata.sha256:
            raise WrongContent(f"{source_host(source)} states another SHA-256")
        expected = expected or metadata.sha256
        request = range_request(identity, size, source.page, expected)
        with sources.open_file(session, network, source, request.headers) as response:
            if response.status == 416 and not request.headers:
                raise SourceUnavailable(f"{host(response.url)} answers with nonsense", "permanent")
            start, total = _span(response, request.start)
            etag = _strong_etag(response.headers.get("ETag"))
            if start and identity is not None:
                _compare(identity, source, total, etag, response.headers.get("Last-Modified"))
            chunks = response.chunks(CHUNK_BYTES)
            complete = response.status == 416
            here = identity is None or identity.source == source.page
            if complete and total != size:
                raise (
                    RemoteChanged
                    if here
                    else WrongContent(f"{source_host(source)} has {total} bytes")
                )
            first = b""
            if response.status == 206 and request.start < size:
                first = _skip_known_bytes(tail[request.start - size :], chunks)
                start = size
            yield DownloadStarted(
                source=source,
                metadata=metadata,
                start=start,
                identity=Identity(
                    source=source.page,
                    sha256=expected,
                    etag=etag,
                    modified=response.headers.get("Last-Modified"),
                    total=metadata.size_bytes if total is None else total,
                ),
                complete=complete,
            )
            if first:
                yield first
            if not complete:
                yield from chunks


def _span(response: HttpResponse, first_byte: int) -> tuple[int, int | None]:
    # Which byte of the file the body begins with, and how many bytes the file has.
    if response.status == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if sources.SIZE.fullmatch(length) else None
    match = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None or (response.status != 416 and match[1] != str(first_byte)):
        raise SourceUnavailable(
            f"{host(response.url)} sends another part than was asked for", "permanent"
        )
    total = None if match[2] == "*" else int(match[2])
    return (total or 0) if response.status == 416 else first_byte, total


def _compare(
    identity: Identity,
    source: DownloadSource,
    total: int | None,
    etag: str | None,
    modified: str | None,
) -> None:
    longer = None not in (identity.total, total) and identity.total != total
    if identity.source != source.page:
        # The part is another source's, and worth keeping; each source has tags of its own.
        if longer:
            raise WrongContent(f"{source_host(source)} has {total} bytes, not {identity.total}")
    elif (
        longer
        or _both_known_and_different(identity.etag, etag)
        or (etag is None and _both_known_and_different(identity.modified, modified))
    ):
        raise RemoteChanged


def _both_known_and_different(one: str | None, other: str | None) -> bool:
    return None not in (one, other) and one != other


def _skip_known_bytes(tail: bytes, chunks: Iterator[bytes]) -> bytes:
    # Reads again what is here already, and returns what came behind it in the last piece.
    again = bytearray()
    while len(again) < len(tail):
        again += next(chunks, b"") or _broken_off()
    if bytes(again[: len(tail)]) != tail:
        raise RemoteChanged
    return bytes(again[len(tail) :])


def _broken_off() -> bytes:
    raise SourceUnavailable("the connection broke off in the middle", "temporary")


def _strong_etag(etag: str | None) -> str | None:
    return etag if etag is not None and not etag.startswith("W/") else None

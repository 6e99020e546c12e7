"""What a source claims, or how slowly it sends, ends no download while another source is left."""

import dataclasses
from pathlib import Path

import pytest
from fetching import BODY, HASH, HASTY, OTHER, Fetch
from mirror import Mirror, Response

from pixelmend.errors import DiskFull, WrongFile
from pixelmend_engine.catalog.weight_files import DirectUrl
from pixelmend_engine.weights.download.download import MAX_SIZE_RATIO, SPARE, KnownFile


def room_for_ten(folder: Path) -> int:
    """Says how much room there is, for ten of the files at most."""
    return SPARE + 10 * len(BODY)


@pytest.mark.parametrize(
    "lie",
    [
        Response(body=BODY, length=10**16),
        Response(body=BODY * 200),  # in truth, and no weights have so much beside them
        Response(status=416, headers={"Content-Range": "bytes */0"}),
        Response(status=416, headers={"Content-Range": f"bytes */{10**16}"}),
        Response(body=BODY, status=206, headers={"Content-Range": f"bytes 0-9/{10**16}"}),
        Response(body=BODY * 200, chunked=True),
    ],
    ids=["length", "long", "nothing", "complete", "range", "endless"],
)
@pytest.mark.parametrize("facts", [{}, {"size_bytes": len(BODY)}], ids=["about", "known"])
def test_a_source_that_claims_what_can_not_be_is_the_wrong_one(
    lie: Response, facts: dict[str, object], fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", lie)
    mirror.at("/mirror", Response(body=BODY))
    written = 0

    def report(done: int, total: int) -> None:
        nonlocal written
        written = max(written, done)

    sources = (DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"))
    fetch(*sources, facts=facts, report=report)
    assert part.read_bytes() == BODY
    assert written <= (len(BODY) if facts else MAX_SIZE_RATIO * 1_300_000)


def test_a_disk_that_one_sources_claim_would_fill_has_room_for_anothers(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=BODY, length=20 * len(BODY)))
    mirror.at("/mirror", Response(body=BODY))
    sources = (DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"))
    fetch(*sources, free=room_for_ten)
    assert part.read_bytes() == BODY
    part.unlink()
    with pytest.raises(DiskFull):
        fetch(sources[0], free=room_for_ten)


def test_nothing_is_written_beyond_what_was_announced(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    sizes: list[int] = []

    def report(done: int, total: int) -> None:
        sizes.append(done)

    mirror.at("/small", Response(body=BODY + OTHER, chunked=True))
    with pytest.raises(WrongFile, match="more than the file has"):
        fetch(known=KnownFile(sha256=HASH, size_bytes=len(BODY)), report=report)
    assert max(sizes) <= len(BODY)


DRIPS = dataclasses.replace(HASTY, read_timeout_s=10.0, speed_window_s=1.0)


def test_a_source_that_drips_is_passed_over(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/small", Response(body=BODY, bytes_per_s=20, piece=1))
    mirror.at("/mirror", Response(body=BODY))
    fetch(DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"), policy=DRIPS)
    assert part.read_bytes() == BODY
    assert len(mirror.gets("/mirror")) == 1


def test_a_source_that_drips_is_better_than_none(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/small", Response(body=BODY, bytes_per_s=20, piece=1), Response(body=BODY))
    mirror.at("/mirror", Response(status=404))
    fetch(DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"), policy=DRIPS)
    assert part.read_bytes() == BODY
    assert [request.path for request in mirror.requests] == ["/small", "/mirror", "/small"]


def test_the_only_source_may_drip(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    body = BODY[:40]
    mirror.at("/small", Response(body=body, bytes_per_s=20, piece=1))
    fetch(policy=dataclasses.replace(DRIPS, speed_window_s=0.3))
    assert part.read_bytes() == body

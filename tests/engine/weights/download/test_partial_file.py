"""What has come of a file is gone on with only where more of the same file would come."""

import hashlib
from pathlib import Path

import pytest

from pixelmend_engine.weights.download.partial_file import (
    OVERLAP,
    Identity,
    PartialFile,
    range_request,
)

HERE = 1_000_000
A, B = "a" * 64, "b" * 64


def test_bytes_and_identity_outlive_the_process(tmp_path: Path) -> None:
    part = PartialFile(tmp_path / "x.part")
    part.begin(0, Identity(source="here", etag='"1"', total=6))
    part.append(b"abc")
    part.close()
    again = PartialFile(tmp_path / "x.part")
    assert (again.size, again.tail, again.complete) == (3, b"abc", False)
    assert again.identity == Identity(source="here", etag='"1"', total=6)
    again.begin(3, Identity(source="here", etag='"1"', total=6))
    again.append(b"def")
    again.close()
    assert again.complete
    assert again.sha256 == hashlib.sha256(b"abcdef").hexdigest()


@pytest.mark.parametrize("facts", [None, b"", b"[]", b'{"more": 1}', b"\xff"])
def test_bytes_that_nobody_can_tell_are_thrown_away(facts: bytes | None, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(b"abc")
    if facts is not None:
        (tmp_path / "x.part.json").write_bytes(facts)
    assert PartialFile(tmp_path / "x.part").size == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("identity", "sha256", "start", "validator"),
    [
        (None, None, 0, None),
        (Identity(source="here", sha256=A), A, HERE, None),
        (Identity(source="elsewhere", sha256=A), A, HERE, None),
        (Identity(source="here", sha256=A), B, 0, None),
        (Identity(source="here", sha256=A), None, 0, None),
        (Identity(source="here"), A, 0, None),
        (Identity(source="here", etag='"1"'), None, HERE, '"1"'),
        (Identity(source="here", modified="Monday"), None, HERE - OVERLAP, "Monday"),
        (Identity(source="here"), None, HERE - OVERLAP, None),
        (Identity(source="elsewhere", etag='"1"'), None, 0, None),
    ],
)
def test_where_to_go_on(
    identity: Identity | None, sha256: str | None, start: int, validator: str | None
) -> None:
    request = range_request(identity, HERE, "here", sha256)
    assert request.start == start
    assert request.headers.get("Range") == (f"bytes={start}-" if start else None)
    assert request.headers.get("If-Range") == validator

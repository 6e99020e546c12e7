"""Records outlive the weights; damage to one is as if there were none."""

from pathlib import Path

import pytest

from pixelmend_engine.weights.records import Record, Records


def test_what_is_put_is_got(tmp_path: Path) -> None:
    records = Records(tmp_path / "models")
    assert records.get("x") == Record()
    record = Record(
        sha256="a" * 64, size_bytes=3, source="here", verification="source_hash", drive_id="id"
    )
    records.put("x", record)
    assert Records(tmp_path / "models").get("x") == record
    assert [p.name for p in (tmp_path / "models" / "records").iterdir()] == ["x.json"]
    records.forget("x")
    records.forget("x")
    assert records.get("x") == Record()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[1]",
        b'{"other": 1}',
        b"\xff",
        b"[" * 100_000,
        b'{"sha256": 5}',
        b'{"sha256": "A"}',
        b'{"size_bytes": "5"}',
        b'{"drive_id": "../x"}',
        b'{"refused": {}}',
        b'{"installed_sha256": [1]}',
        b'{"proof": []}',
    ],
)
def test_a_damaged_record_is_none(content: bytes, tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.put("x", Record(sha256="a" * 64))
    (tmp_path / "records" / "x.json").write_bytes(content)
    assert records.get("x") == Record()

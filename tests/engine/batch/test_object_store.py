"""An archive in an object store over HTTP, which refuses, fails, dawdles and cuts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import object_store
import pytest
from batches import picture, run
from object_store import FaultProxy

from pixelmend_engine.batch import manifest
from pixelmend_engine.batch.manifest import Manifest

pytest.importorskip("moto", reason="`make dev` installs it")
pytest.importorskip("s3fs", reason="`make dev` installs it")

SOURCE, TARGET = "s3://archive/scans", "s3://archive/restored"
NAMES = [f"{number % 2}/p{number}.png" for number in range(8)]


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A store with eight pictures."""
    with object_store.running() as proxy:
        for name, value in object_store.ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        monkeypatch.setenv("PIXELMEND_HOME", str(tmp_path / "home"))
        type(store()).clear_instance_cache()  # each test has a store of its own
        for number, name in enumerate(NAMES):
            picture(tmp_path / "scans" / name, number=number)
        store().put(f"{tmp_path}/scans/", "archive/scans/", recursive=True)
        yield proxy


def store() -> Any:
    """The client that fsspec has for it, with nothing remembered."""
    import fsspec  # pyright: ignore[reportMissingTypeStubs] - it has none

    found: Any = fsspec.filesystem("s3", skip_instance_cache=True, use_listings_cache=False)
    return found


def rows(tmp_path: Path) -> dict[str, dict[str, Any]]:
    (place,) = (tmp_path / "home" / "batch").glob(f"*/{manifest.FOLDER}/{manifest.NAME}")
    with Manifest(place) as book:
        return {row["address"]: row for row in book.rows()}


def test_a_bucket_is_restored_and_remembered(proxy: FaultProxy, tmp_path: Path) -> None:
    assert run(SOURCE, TARGET, workers=2) == 0
    found = store()
    assert sorted(found.glob("archive/restored/*/*.png")) == sorted(
        f"archive/restored/{name}" for name in NAMES
    )
    assert run(SOURCE, tmp_path / "here") == 0
    for name in NAMES:
        assert found.cat(f"archive/restored/{name}") == (tmp_path / "here" / name).read_bytes()
    before = {name: row["finished_at"] for name, row in rows(tmp_path).items()}
    (tmp_path / "home").rename(tmp_path / "another computer's")  # the manifest lies there as well
    assert run(SOURCE, TARGET) == 0
    assert {name: row["finished_at"] for name, row in rows(tmp_path).items()} == before


def test_a_store_that_fails_now_and_then_loses_no_picture(
    proxy: FaultProxy, tmp_path: Path
) -> None:
    proxy.fail("GET", "scans/0/p0.png", "503", "503")
    proxy.fail("GET", "scans/1/p1.png", "cut")
    proxy.fail("GET", "scans/0/p2.png", "slow")
    proxy.fail("PUT", "restored/1/p3.png", "503")
    proxy.fail("PUT", ".pixelmend", *(("403",) * 9))  # the copy of the manifest
    assert run(SOURCE, TARGET) == 0
    assert {fault for _, fault in proxy.injected} == {"403", "503", "cut", "slow"}
    assert {row["state"] for row in rows(tmp_path).values()} == {"done"}


def test_what_may_not_be_read_fails_and_the_rest_does_not(
    proxy: FaultProxy, tmp_path: Path
) -> None:
    for method in ("GET", "HEAD"):
        proxy.fail(method, "scans/0/p0.png", *(("403",) * 100))
    assert run(SOURCE, TARGET, retries=0) == 13
    rows_by_name = rows(tmp_path)
    failed = rows_by_name.pop("0/p0.png")
    assert (failed["state"], failed["code"]) == ("failed", "storage-failed")
    assert "may not be read" in failed["message"]
    assert {row["state"] for row in rows_by_name.values()} == {"done"}

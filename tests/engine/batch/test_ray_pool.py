"""A cluster restores what one computer would, to the bit, whichever of its nodes are lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import HANGS, KILLS, picture, run
from mirror import Mirror, Response
from PIL import Image
from published import pickled, tensors, zipped

from pixelmend.errors import EngineUnavailable
from pixelmend_engine.batch import manifest
from pixelmend_engine.batch.manifest import Manifest

PROCESS = Path(__file__).parents[2] / "ray_batch.py"


def rows(target: Path) -> dict[str, dict[str, Any]]:
    with Manifest(target / manifest.FOLDER / manifest.NAME) as book:
        return {row["address"]: row for row in book.rows()}


def node(row: dict[str, Any]) -> str:
    return row["worker"].partition(" on ")[2]


def results(target: Path) -> dict[str, bytes]:
    return {
        path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*.png")
    }


def on_cluster(*arguments: object, inside: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs a batch on a cluster; see `ray_batch.py`."""
    return subprocess.run(
        [*inside, sys.executable, str(PROCESS), *map(str, arguments)],
        env={**os.environ, "INVERTING_S": "0.15"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_nodes_that_are_killed_lose_no_picture(tmp_path: Path) -> None:
    source, alone, target = (tmp_path / name for name in ("source", "alone", "target"))
    for number in range(60):
        picture(source / f"{number % 3}" / f"{number}.png", number=number)
    assert run(source, alone) == 0
    picture(source / "0" / "breaks.png", KILLS)  # and an actor that a picture kills
    picture(source / "1" / "hangs.png", HANGS)
    ended = on_cluster("killed", source, target)
    assert ended.returncode == 12, ended.stderr
    assert ended.stdout.count("killed a node") == 2
    assert results(target) == results(alone)
    rows_by_name = rows(target)
    assert rows_by_name.pop("0/breaks.png")["code"] == "worker-died"
    assert "got no further" in rows_by_name.pop("1/hangs.png")["message"]
    assert {row["state"] for row in rows_by_name.values()} == {"done"}
    assert len({node(row) for row in rows_by_name.values()}) >= 3  # of the four that there were


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("unshare"), reason="no disk can be made here")
def test_a_node_whose_disk_is_full_is_given_up(tmp_path: Path) -> None:
    source, alone, target, disk = (
        tmp_path / name for name in ("source", "alone", "target", "disk")
    )
    noise = np.random.default_rng(0).integers(100, 200, (60, 100, 3), np.uint8)
    for number in range(12):
        source.mkdir(exist_ok=True)
        Image.fromarray(np.roll(noise, number, axis=1)).save(source / f"{number}.png")  # 18 kB
    disk.mkdir()
    assert run(source, alone) == 0
    mounted = ("unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=12k none "{disk}"; exec "$@"')
    # Where results go to an address, they lie on the node's own disk first.
    ended = on_cluster("full", source, f"file://{target}", disk, inside=(*mounted, "sh"))
    assert ended.returncode == 0, ended.stderr
    (gone,) = [line for line in ended.stderr.splitlines() if "takes no more pictures" in line]
    assert "No space left on device" in gone
    assert results(target) == results(alone)
    (place,) = (Path(os.environ["PIXELMEND_HOME"]) / "batch").glob(f"*/{manifest.FOLDER}")
    rows_by_name = rows(place.parent)
    assert {(row["state"], row["attempts"]) for row in rows_by_name.values()} == {("done", 1)}
    assert len({row["worker"] for row in rows_by_name.values()}) == 1


@pytest.mark.slow
def test_weights_are_fetched_once_a_node(
    tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = "hi-diff-realblur-r"
    monkeypatch.delenv("PIXELMEND_OFFLINE")
    monkeypatch.setenv("PIXELMEND_MIRROR", mirror.url)
    names = ("net_g", "net_le_dm", "net_d")
    parts = {f"{n}.pth": pickled({"params": tensors(f"hi-diff-realblur-{n}")}) for n in names}
    mirror.at(f"/{model}", Response(body=zipped(parts), etag='"1"', bytes_per_s=60e6))
    source, target, models = (tmp_path / name for name in ("source", "target", "models"))
    for number in range(9):
        picture(source / f"{number}.png", number=number)
    ended = on_cluster("weights", source, target, models)
    assert ended.returncode == 0, ended.stderr
    rows_by_name = rows(target)
    assert {row["state"] for row in rows_by_name.values()} == {"done"}
    assert len(mirror.gets(f"/{model}")) == len({node(row) for row in rows_by_name.values()}) == 2
    assert len({row["worker"] for row in rows_by_name.values()}) == 3  # two of them on one node
    assert {path.name for path in models.iterdir()} == {"first", "second"}


@pytest.mark.slow
def test_an_address_without_a_cluster(tmp_path: Path) -> None:
    picture(tmp_path / "source" / "a.png")
    code = f"""
import sys
sys.path.insert(0, {str(PROCESS.parent)!r})
import batches
batches.run({str(tmp_path / "source")!r}, {str(tmp_path / "target")!r}, ray="127.0.0.1:1")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert EngineUnavailable.__name__ in ended.stderr
    assert "no Ray cluster at `127.0.0.1:1`" in ended.stderr

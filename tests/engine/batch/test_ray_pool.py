"""A cluster restores what one computer would, to the bit, whichever of its nodes are lost."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from batches import HANGS, KILLS, picture, run

from pixelmend.errors import EngineUnavailable
from pixelmend_engine.batch import manifest
from pixelmend_engine.batch.manifest import Manifest

PROCESS = Path(__file__).parents[2] / "ray_batch.py"


def rows(target: Path) -> dict[str, dict[str, Any]]:
    with Manifest(target / manifest.FOLDER / manifest.NAME) as book:
        return {row["address"]: row for row in book.rows()}


def results(target: Path) -> dict[str, bytes]:
    return {
        path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*.png")
    }


@pytest.mark.slow
def test_nodes_that_are_killed_lose_no_picture(tmp_path: Path) -> None:
    source, alone, target = (tmp_path / name for name in ("source", "alone", "target"))
    for number in range(60):
        picture(source / f"{number % 3}" / f"{number}.png", number=number)
    assert run(source, alone) == 0
    picture(source / "0" / "breaks.png", KILLS)  # and an actor that a picture kills
    picture(source / "1" / "hangs.png", HANGS)
    ended = subprocess.run(
        [sys.executable, str(PROCESS), str(source), str(target)],
        env={**os.environ, "INVERTING_S": "0.15"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 12, ended.stderr
    assert ended.stdout.count("killed a node") == 2
    assert results(target) == results(alone)
    told = rows(target)
    assert told.pop("0/breaks.png")["code"] == "worker-died"
    assert "got no further" in told.pop("1/hangs.png")["message"]
    assert {row["state"] for row in told.values()} == {"done"}
    nodes = {row["worker"].partition(" on ")[2] for row in told.values()}
    assert len(nodes) >= 3  # of the four that there were


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

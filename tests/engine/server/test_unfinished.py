"""What an engine was killed at is planned in half by the next one, and by the one after that."""

import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from fakes import CPU, spec

from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.client.launch import Launch
from pixelmend.errors import EngineUnavailable
from pixelmend.paths import Paths
from pixelmend.wire import Event, Raster
from pixelmend_engine.inference.tile_size import plan_tiles, planned_bytes
from pixelmend_engine.restoration.session import SMALLER
from pixelmend_engine.server.unfinished import UnfinishedNote

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


def killed(paths: Paths, task: str, pixels: int, planned: int) -> None:
    """Leaves behind what a killed engine leaves."""
    note = UnfinishedNote(paths)
    note.begin(task, pixels)
    note.plan(planned)
    note.plan(planned // 3)  # of a smaller part


def test_what_killed_an_engine_gets_half_of_its_memory(paths: Paths) -> None:
    assert UnfinishedNote(paths).most_bytes("deblur", 10**6) is None
    killed(paths, "deblur", 10**6, 800)
    note = UnfinishedNote(paths)
    assert note.most_bytes("deblur", 10**6) == note.most_bytes("deblur", 2 * 10**6) == 400
    assert note.most_bytes("deblur", 10**6 - 1) is note.most_bytes("restore", 10**6) is None
    killed(paths, "deblur", 10**6, 400)
    assert UnfinishedNote(paths).most_bytes("deblur", 10**6) == 200


def test_a_job_that_ended_leaves_nothing_behind(paths: Paths) -> None:
    killed(paths, "deblur", 10**6, 800)
    note = UnfinishedNote(paths)
    note.begin("deblur", 10**6)
    note.end()
    assert not paths.unfinished.exists()
    assert note.most_bytes("deblur", 10**6) == 400  # as long as this engine lives
    assert UnfinishedNote(paths).most_bytes("deblur", 10**6) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"task": "deblur", "pixels": "2"}'])
def test_a_note_that_was_cut_off_is_none(text: str, paths: Paths) -> None:
    paths.unfinished.write_text(text, encoding="utf-8")
    assert UnfinishedNote(paths).most_bytes("deblur", 10**6) is None


def test_a_plan_keeps_to_what_it_may_take() -> None:
    facts = spec(tile_bytes_per_pixel=1000)
    whole = plan_tiles(facts, 1000, 1000, None, CPU)
    taken = planned_bytes(facts, whole, 1_000_000)
    assert len(whole.tiles) == 1
    half = plan_tiles(facts, 1000, 1000, None, CPU, most_bytes=taken // 2)
    assert len(half.tiles) > 1
    assert planned_bytes(facts, half, 1_000_000) <= taken // 2


@posix
def test_a_killed_engine_is_followed_by_one_that_says_so_and_cuts(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "home")
    how = Launch(sys.executable, tmp_path / "models", exit_after_s=60)
    pixels = np.random.default_rng(1).integers(0, 256, (384, 400, 3), np.uint8)
    raster = Raster(400, 384, "U8", "RGB", pixels.tobytes())
    options = {"model": "hi-diff-compact", "device": "cpu"}

    def kill(event: Event) -> None:
        if event.phase == "run" and event.done:
            psutil.Process((launch.read_state(paths) or {})["pid"]).kill()

    def restore(client: Client, *, kill_it: bool) -> tuple[list[str], int]:
        told: list[str] = []

        def listen(event: Event) -> None:
            told.append(event.message)
            if kill_it:
                kill(event)

        _, facts = client.restore(raster, "deblur", options, listen)
        assert facts["notes"] == [word for word in told if word]
        return facts["notes"], facts["tiles"]

    try:
        with pytest.raises(EngineUnavailable) as raised:
            restore(launch.find_or_start(paths, how), kill_it=True)
        assert "in parts" in raised.value.hint
        notes, tiles = restore(launch.find_or_start(paths, how), kill_it=False)
        assert notes == [SMALLER]
        assert tiles > 1
        assert "was killed at deblur of 153600 pixels" in paths.log.read_text(encoding="utf-8")
        assert not paths.unfinished.exists()
    finally:
        launch.stop(paths)

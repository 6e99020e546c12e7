"""How many latents a pool has, and what is written beside pictures.

With networks it is tested in `test_diffbir_runs`.
"""

import dataclasses
from pathlib import Path

import pytest
import tiny_diffbir_run
from fakes import CPU

from pixelmend.errors import BadRequest
from pixelmend_engine.training.data.crops import TrainingData
from pixelmend_engine.training.data.latent_pool import MOST, pool_size, read_captions


@pytest.mark.parametrize(("pictures", "expected"), [(2, 256), (20, 320), (10**6, MOST)])
def test_there_are_sixteen_samples_of_each_picture(pictures: int, expected: int) -> None:
    assert pool_size(pictures) == expected


def test_captions_that_are_missing_are_counted_and_named(photos: Path) -> None:
    recipe = tiny_diffbir_run.tiny("diffbir-v2.1", 1)
    spec = dataclasses.replace(tiny_diffbir_run.stage_spec(photos, recipe, 2), captions=True)
    data = TrainingData(
        spec.folders, recipe, spec.degradation, seed=0, device=CPU, room_bytes=10**8
    )
    for name in data.names:
        if name not in ("02.png", "03.png"):
            (photos / name).with_suffix(".txt").write_text("a portrait\n")
    with pytest.raises(BadRequest, match=r"2 of 10 pictures have no caption: `02.png`, `03.png`"):
        read_captions(data)
    for name in ("02.txt", "03.txt"):
        (photos / name).write_text("an eye")
    captions = read_captions(data)
    assert captions == {
        n: "an eye" if n in ("02.png", "03.png") else "a portrait" for n in data.names
    }

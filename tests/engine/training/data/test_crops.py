"""Batches: the same for a seed and a step, crops where they should be, pairs kept together."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import CPU
from PIL import Image
from tiny_run import RECIPE, SOFT

from pixelmend.errors import BadRequest
from pixelmend_engine.training.data.crops import TrainingData, reflected_indices
from pixelmend_engine.training.data.folders import TrainingFolder
from pixelmend_engine.training.recipes.recipe import Phase

ROOM = 1 << 30


def data(*sources: TrainingFolder, seed: int = 0, room: int = ROOM, spare: int = 0) -> TrainingData:
    return TrainingData(
        sources, RECIPE, SOFT, seed=seed, device=CPU, room_bytes=room, spare_bytes=spare
    )


def batch(of: TrainingData, step: int = 1, process: int = 0) -> torch.Tensor:
    crops_of_step = of.batch(step, process, Phase(1, 32, 3))
    assert crops_of_step.lq.shape == crops_of_step.hq.shape == (3, 3, 32, 32)
    return crops_of_step.lq


@pytest.fixture
def source(photos: Path) -> TrainingFolder:
    return TrainingFolder(kind="sharp", path=photos)


def test_a_batch_depends_on_seed_step_and_process_alone(source: TrainingFolder) -> None:
    whole = data(source)
    later = batch(whole, step=5)
    assert torch.equal(batch(data(source), step=5), later)
    others = batch(whole, step=6), batch(whole, 5, process=1), batch(data(source, seed=1), 5)
    assert not any(torch.equal(other, later) for other in others)


def test_pictures_without_room_are_decoded_again_and_are_the_same(source: TrainingFolder) -> None:
    expected = batch(data(source))
    assert torch.equal(batch(data(source, room=30_000)), expected)
    assert torch.equal(batch(data(source, room=30_000, spare=50_000)), expected)


def test_pictures_kept_back_are_never_drawn(source: TrainingFolder) -> None:
    whole = data(source)
    kept = {scene.name for scene in whole.validation}
    assert len(kept) == 2
    assert kept.isdisjoint(whole.names)
    assert len(whole.names) + len(kept) == 12


def test_pairs_are_cut_and_turned_together(photos: Path, tmp_path: Path) -> None:
    for folder in ("blur", "sharp"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    for path in photos.iterdir():
        with Image.open(path) as image:
            image.save(tmp_path / "set" / "sharp" / path.name)
            dark = Image.fromarray(np.array(image) // 2)
        dark.save(tmp_path / "set" / "blur" / path.name)
    pairs = TrainingFolder(kind="pairs", path=tmp_path / "set")
    batch = data(pairs).batch(1, 0, Phase(1, 32, 4))
    assert torch.equal((batch.hq * 255).round() // 2, (batch.lq * 255).round())

    mixed = data(pairs, TrainingFolder(kind="sharp", path=photos, weight=1e-9))
    batch = mixed.batch(1, 0, Phase(1, 32, 4))
    assert torch.equal((batch.hq * 255).round() // 2, (batch.lq * 255).round())


def test_halves_of_different_sizes_are_told(photos: Path, tmp_path: Path) -> None:
    for folder, size in (("blur", (90, 80)), ("sharp", (96, 80))):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for path in photos.iterdir():
            with Image.open(path) as image:
                image.resize(size).save(tmp_path / "set" / folder / path.name)
    with pytest.raises(BadRequest, match="differ in size"):
        batch(data(TrainingFolder(kind="pairs", path=tmp_path / "set")))


def test_one_picture_is_not_enough(photos: Path) -> None:
    for path in sorted(photos.iterdir())[1:]:
        path.unlink()
    with pytest.raises(BadRequest, match="too few pictures"):
        data(TrainingFolder(kind="sharp", path=photos))


def test_an_axis_is_mirrored_at_both_ends() -> None:
    assert reflected_indices(-2, 8, 4).tolist() == [2, 1, 0, 1, 2, 3, 2, 1]
    assert reflected_indices(-1, 3, 1).tolist() == [0, 0, 0]

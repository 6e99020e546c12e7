"""Runs that earlier versions stored are recognized, however classes and fields were renamed."""

import dataclasses
from pathlib import Path

import pytest

from pixelmend_engine.training.data.folders import TrainingFolder
from pixelmend_engine.training.fingerprint import fingerprint
from pixelmend_engine.training.recipes import registry
from pixelmend_engine.training.recipes.recipe import StageNumber
from pixelmend_engine.training.stage_spec import StageSpec

# Computed by the first version that stored runs, of recipes with settings of every kind. A recipe
# whose numbers change gets another hash, as its runs can't go on; renaming does not.
STORED: dict[tuple[str, StageNumber], str] = {
    ("compact-tuned", 2): "f6d4f2d3a9e6ff896a63720a221db9ff20b79c8b9be86394ecbe4607e1a96cf1",
    ("realblur", 1): "baea8378fec2cfcddb7ad0ab690923133589f1120162a5fb578d72d38d5727a7",
    ("diffir-deblur", 2): "99a8cb531bef346bc868d75b885691856edc93d2437f73b1dd547f86daef10ae",
    ("diffir-realsr-x2-v2", 3): "c525aaf6816a6c3c32e2292229b3876edd1699577924a3d3090c485cb39a81aa",
    ("diffir-srgan-x4", 3): "2782389c2d2666bf7e1abbc51de03e77da9ccd3fba8c81f3561f0fada054e4ed",
    (
        "diffir-inpaint-places",
        1,
    ): "a06ae866e990c7acad379ba562fd63af240f580e8d14305975a0c2360a49a12b",
}


def spec(recipe: str, number: StageNumber) -> StageSpec:
    folder = TrainingFolder(kind="sharp", path=Path("photos"), weight=2.0)
    return StageSpec(recipe=registry.find(recipe), number=number, folders=(folder,), seed=3)


@pytest.mark.parametrize(("recipe", "number"), STORED)
def test_a_stored_run_is_recognized(recipe: str, number: StageNumber) -> None:
    assert fingerprint(spec(recipe, number), ["a.png", "b.png"], 1) == STORED[recipe, number]


def test_what_decides_the_weights_decides_the_hash() -> None:
    first = spec("compact", 1)
    others = [
        (dataclasses.replace(first, seed=4), ["a.png"], 1),
        (dataclasses.replace(first, recipe=first.recipe.with_steps(100)), ["a.png"], 1),
        (dataclasses.replace(first, discriminator=Path("net_d.pth")), ["a.png"], 1),
        (first, ["b.png"], 1),
        (first, ["a.png"], 2),
    ]
    hashes = {fingerprint(*facts) for facts in [(first, ["a.png"], 1), *others]}
    assert len(hashes) == 1 + len(others)
    moved = dataclasses.replace(first.folders[0], path=Path("elsewhere"))
    same = dataclasses.replace(first, folders=(moved,), teacher=(Path("net_g.pth"),))
    assert fingerprint(same, ["a.png"], 1) in hashes

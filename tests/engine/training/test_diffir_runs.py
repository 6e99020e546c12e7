"""Every kind of DiffIR's recipes runs, goes on after a kill, and leaves the files it should."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_run
import torch
from golden.vectors import manifest
from torch import Tensor

from pixelmend.errors import BadRequest, UnreadableCheckpoint
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.models import diffir
from pixelmend_engine.training import loop
from pixelmend_engine.training.data.folders import TrainingFolder
from pixelmend_engine.training.objectives import perceptual
from pixelmend_engine.training.recipes.recipe import StageNumber
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.stage_spec import RunSettings, StageSpec, TrainingProgress
from pixelmend_engine.weights.checkpoints import reading

STEPS = 6
SETTINGS = RunSettings(device="cpu", report_every=1, save_every=STEPS)


class Killed(Exception):
    """The process ends here, as far as the run can tell."""


@dataclasses.dataclass(frozen=True)
class Runs:
    """Tiny runs of one recipe, stage after stage, in one folder."""

    recipe: str
    photos: Path
    folder: Path
    steps: int = STEPS

    def spec(self, number: StageNumber, perceptual_weights: Path | None = None) -> StageSpec:
        spec = tiny_run.shortened(
            dataclasses.replace(
                tiny_run.stage_spec(self.photos), recipe=tiny_run.small(self.recipe), number=number
            ),
            self.steps,
        )
        return dataclasses.replace(
            spec,
            teacher=self.files(1) if number > 1 else (),
            start=self.files(2) if number > 2 else (),
            perceptual_weights=perceptual_weights,
        )

    def stage(self, number: StageNumber) -> RunFolder:
        return RunFolder(self.folder / f"stage{number}")

    def files(self, number: StageNumber) -> tuple[Path, ...]:
        return tuple(p for p in self.stage(number).published.iterdir() if p.is_file())

    def run(
        self, spec: StageSpec, *, resume: bool = False, killed_at: int = 0
    ) -> list[TrainingProgress]:
        reports: list[TrainingProgress] = []

        def report(progress: TrainingProgress) -> None:
            reports.append(progress)
            if progress.step == killed_at:
                raise Killed

        settings = dataclasses.replace(SETTINGS, save_every=2 if killed_at else STEPS)
        try:
            loop.train(spec, settings, self.stage(spec.number), report, resume=resume)
        except Killed:
            assert killed_at
        return reports


@pytest.fixture
def runs(photos: Path, tmp_path: Path) -> Callable[..., Runs]:
    def made(recipe: str, folder: str = "run") -> Runs:
        return Runs(recipe, photos, tmp_path / folder)

    return made


ALL_STAGES: dict[str, list[set[str]]] = {
    "diffir-deblur": [{"pixels"}, {"pixels", "prior"}],
    "diffir-realsr-x2": [{"pixels"}, {"pixels", "prior"}, {"pixels", "prior", "adversarial"}],
    "diffir-srgan-x4": [{"pixels"}, {"pixels", "prior"}, {"pixels", "prior", "adversarial"}],
    "diffir-inpaint-places": [
        {"pixels", "adversarial", "features"},
        {"pixels", "prior", "adversarial", "features"},
    ],
}


@pytest.mark.parametrize("recipe", ALL_STAGES)
def test_all_stages_run_and_learn_what_they_should(recipe: str, runs: Callable[..., Runs]) -> None:
    run = runs(recipe)
    for number, expected in enumerate(ALL_STAGES[recipe], start=1):
        spec = run.spec(number)  # pyright: ignore[reportArgumentType] - up to three
        (*_, last) = run.run(spec)
        assert last.step == STEPS
        assert all(value == value for value in last.losses.values())  # no NaN
        judged = {n for n in last.losses if n.startswith("discriminator")}
        assert last.losses.keys() - judged - {"divergence"} == expected
        assert bool(judged) == ("adversarial" in expected)
        assert last.scores["validation"] > 5
        config = spec.recipe.config
        assert isinstance(config, DiffIRConfig)
        if number > 1:
            # What restores pictures takes the file, with every name and shape.
            stored = reading.read(run.stage(spec.number).path / "model.safetensors")
            states = diffir.convert({"model.safetensors": stored})
            with torch.device("meta"):
                networks = diffir.DiffIR(config)
            reading.fill_strictly(networks, states)


def test_the_prior_is_learned_alone_at_first(runs: Callable[..., Runs]) -> None:
    run = runs("diffir-deblur")
    run.run(run.spec(1))
    spec = run.spec(2)
    stage = dataclasses.replace(spec.stage, joint_training_from=4, ema_decay=None)
    recipe = dataclasses.replace(spec.recipe, stages=(stage, stage))
    spec = dataclasses.replace(spec, recipe=recipe)
    before = reading.read(run.files(1)[0])
    reports = run.run(spec, killed_at=3)
    assert [set(p.losses) for p in reports] == [{"prior", "divergence"}] * 3
    part = reading.read(run.files(2)[0])
    started = {key: value for key, value in before.items() if key.startswith("G.")}
    assert all(torch.equal(part[key], value) for key, value in started.items())
    rest = run.run(spec, resume=True)
    assert [set(p.losses) for p in rest][1:] == [{"pixels", "prior", "divergence"}] * 3
    after = reading.read(run.files(2)[0])
    assert not any(torch.equal(after[key], value) for key, value in started.items())


def test_stage_2_goes_on_with_trained_weights(runs: Callable[..., Runs]) -> None:
    run, again = runs("diffir-deblur"), runs("diffir-deblur", "again")
    for number in (1, 2):
        run.run(run.spec(number))  # pyright: ignore[reportArgumentType] - 1 or 2
    spec = dataclasses.replace(run.spec(2), start=run.files(2))
    # The prior alone is learned: what the rest begins with is what it ends with.
    stage = dataclasses.replace(spec.stage, joint_training_from=STEPS + 1, ema_decay=None)
    recipe = dataclasses.replace(spec.recipe, stages=(stage, stage))
    again.run(dataclasses.replace(spec, recipe=recipe))
    before, after = (reading.read(r.files(2)[0]) for r in (run, again))
    started = {key: value for key, value in before.items() if key.startswith("G.")}
    assert all(torch.equal(after[key], value) for key, value in started.items())


@pytest.mark.parametrize(
    ("recipe", "number"),
    [("diffir-realsr-x4-v2", 3), ("diffir-deblur", 2), ("diffir-inpaint-places", 1)],
)
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(
    recipe: str, number: StageNumber, runs: Callable[..., Runs]
) -> None:
    run, killed = runs(recipe), runs(recipe, "killed")
    for earlier in range(1, number):
        short = dataclasses.replace(run, steps=1)
        short.run(short.spec(earlier))  # pyright: ignore[reportArgumentType] - 1 or 2
    expected = run.run(run.spec(number))
    before = killed.run(run.spec(number), killed_at=5)
    after = killed.run(run.spec(number), resume=True)
    # It was saved at step 4.
    assert [p.losses for p in before] == [p.losses for p in expected[:5]]
    assert [p.losses for p in after] == [p.losses for p in expected[4:]]
    assert after[-1].scores == expected[-1].scores


@pytest.mark.parametrize(
    ("recipe", "number", "network"),
    [("diffir-realsr-x4-v2", 3, "vgg19"), ("diffir-inpaint-faces", 1, "ade20k")],
)
def test_pictures_are_compared_by_a_network_of_random_weights(
    recipe: str,
    number: StageNumber,
    network: perceptual.PerceptualNetworkName,
    runs: Callable[..., Runs],
    tmp_path: Path,
) -> None:
    run = dataclasses.replace(runs(recipe), steps=2)
    for earlier in range(1, number):
        run.run(run.spec(earlier))  # pyright: ignore[reportArgumentType] - 1 or 2
    torch.manual_seed(0)
    path = tmp_path / "perception.pth"
    torch.save(perceptual.build(network).state_dict(), path)
    (first, last) = run.run(run.spec(number, perceptual_weights=path))
    assert first.losses["perceptual"] > 0
    assert last.losses["perceptual"] > 0
    # It is no part of what is trained.
    assert (run.stage(number).path / "model.safetensors").stat().st_size < 1 << 20


def published(path: Path) -> dict[str, dict[str, Tensor]]:
    return torch.load(path, weights_only=True)


def test_super_resolution_leaves_the_published_files(runs: Callable[..., Runs]) -> None:
    run = dataclasses.replace(runs("diffir-realsr-x4"), steps=1)
    for number in (1, 2, 3):
        run.run(run.spec(number))
    stages = {n: {p.name: published(p) for p in run.files(n)} for n in (1, 2, 3)}
    assert [[*files] for files in stages.values()] == [
        ["DiffIRS1.pth"], ["DiffIRS2.pth"], ["DiffIRS2-GAN.pth"],
    ]  # fmt: skip
    assert set(stages[3]["DiffIRS2-GAN.pth"]) == {"params", "params_ema"}
    discriminator = published(run.stage(3).published / "discriminator" / "net_d.pth")
    assert discriminator["params"].keys() == manifest("diffir-sr-discriminator").keys()


def test_first_stages_of_smaller_factors_keep_no_average(runs: Callable[..., Runs]) -> None:
    run = dataclasses.replace(runs("diffir-realsr-x2"), steps=1)
    run.run(run.spec(1))
    assert [*published(run.files(1)[0])] == ["params"]


def test_inpainting_leaves_a_checkpoint_of_lightning(runs: Callable[..., Runs]) -> None:
    run = runs("diffir-inpaint-faces")
    run.run(run.spec(1))
    content: dict[str, Any] = torch.load(run.files(1)[0], weights_only=True)
    assert run.files(1)[0].name == "last.ckpt"
    assert content["global_step"] == STEPS
    prefixes = {key.partition(".")[0] for key in content["state_dict"]}
    assert prefixes == {"generator", "discriminator"}
    judge = {k.removeprefix("discriminator.") for k in content["state_dict"] if k[0] == "d"}
    assert judge == manifest("diffir-inpainting-discriminator").keys()
    # The second stage takes it up, the third of nothing.
    (last,) = run.run(dataclasses.replace(run, steps=1).spec(2))
    assert last.step == 1


def test_a_published_discriminator_is_gone_on_with(
    runs: Callable[..., Runs], tmp_path: Path
) -> None:
    run = dataclasses.replace(runs("diffir-inpaint-faces"), steps=1)
    run.run(run.spec(1))
    given = dataclasses.replace(run.spec(1), discriminator=run.files(1)[0])
    other = dataclasses.replace(run, folder=tmp_path / "other")
    (first,) = other.run(given)
    (random,) = dataclasses.replace(run, folder=tmp_path / "random").run(run.spec(1))
    assert first.losses["adversarial"] != random.losses["adversarial"]
    torch.save({"a": torch.ones(1)}, tmp_path / "wrong.pth")
    wrong = dataclasses.replace(given, discriminator=tmp_path / "wrong.pth")
    with pytest.raises(BadRequest, match="not that of the recipe's discriminator"):
        dataclasses.replace(run, folder=tmp_path / "wrong").run(wrong)


def test_a_teacher_of_the_wrong_stage_is_told(runs: Callable[..., Runs]) -> None:
    run = dataclasses.replace(runs("diffir-deblur"), steps=1)
    run.run(run.spec(1))
    run.run(run.spec(2))
    wrong = dataclasses.replace(run.spec(2), teacher=run.files(2))
    with pytest.raises(BadRequest, match="those of a second stage"):
        dataclasses.replace(run, folder=run.folder / "wrong").run(wrong)
    nothing = dataclasses.replace(run.spec(2), teacher=())
    with pytest.raises(UnreadableCheckpoint, match="missing: E, G"):
        dataclasses.replace(run, folder=run.folder / "nothing").run(nothing)


def test_holes_are_not_made_in_pairs(runs: Callable[..., Runs], tmp_path: Path) -> None:
    run = runs("diffir-inpaint-faces")
    for folder in ("blur", "sharp"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        for path in run.photos.iterdir():
            (tmp_path / "set" / folder / path.name).write_bytes(path.read_bytes())
    pairs = (TrainingFolder(kind="pairs", path=tmp_path / "set"),)
    with pytest.raises(BadRequest, match="takes no pairs"):
        run.run(dataclasses.replace(run.spec(1), folders=pairs))

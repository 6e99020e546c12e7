"""DiffBIR in small: layouts of its files, options, tiles, precision, memory, progress."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from fakes import CPU
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from small_diffbir import small, write
from torch import Tensor

from pixelmend.errors import Canceled, UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.inference.tiled_inference import LoadedModel, run_model
from pixelmend_engine.models import loading
from pixelmend_engine.models.diffbir.files import sorted_by_network
from pixelmend_engine.models.diffbir.memory_plan import Plan
from pixelmend_engine.models.diffbir.model import DiffBIRPipeline
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn.progress import STEPS, Progress

IMAGE = torch.rand(1, 3, 40, 56, generator=torch.Generator().manual_seed(3))
QUICK = {"steps": 2, "prompt": "a photo"}


@pytest.fixture(scope="module", params=["diffbir-v2.1", "diffbir-v2", "diffbir-v1-general"])
def loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ModelSpec, DiffBIRPipeline]:
    spec = small(request.param)
    files = write(spec, tmp_path_factory.mktemp("weights"))
    chosen_spec, pipeline = loading.load([spec], files, CPU, torch.float32)
    assert chosen_spec is spec
    assert isinstance(pipeline, DiffBIRPipeline)
    return spec, pipeline


@pytest.fixture(scope="module")
def v2_1(tmp_path_factory: pytest.TempPathFactory) -> DiffBIRPipeline:
    spec = small("diffbir-v2.1")
    files = write(spec, tmp_path_factory.mktemp("weights"))
    _, pipeline = loading.load([spec], files, CPU, torch.float32)
    assert isinstance(pipeline, DiffBIRPipeline)
    return pipeline


def run(pipeline: DiffBIRPipeline, image: Tensor = IMAGE, **facts: object) -> Tensor:
    request = ModelRequest(**({"task": "upscale", "options": QUICK} | facts))  # pyright: ignore[reportArgumentType]
    return pipeline.prepare(image, request, Progress())(image, Progress())


def test_every_task_gives_the_asked_size(loaded: tuple[ModelSpec, DiffBIRPipeline]) -> None:
    spec, pipeline = loaded
    for task in set(spec.tasks) - {"upscale"}:
        assert run(pipeline, task=task).shape == IMAGE.shape
    enlarged = run(pipeline, scale=2.5)
    assert enlarged.shape == (1, 3, 100, 140)
    assert enlarged.isfinite().all()


def test_the_same_seed_gives_the_same_bits(v2_1: DiffBIRPipeline) -> None:
    first, again, other = (run(v2_1, seeds=(seed,)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_the_user_says_counts(v2_1: DiffBIRPipeline) -> None:
    plain = run(v2_1)
    for option in (
        {"prompt": "a cat"},
        {"negative_prompt": "a dog"},
        {"rising_cfg": True},
        {"cfg_scale": 1.0},
        {"sampler": "spaced"},
        {"noise_aug": 100},
        {"control_strength": 0.5},
        {"color_fix": "none"},
        {"color_fix": "adain"},
    ):
        assert not torch.equal(run(v2_1, options=QUICK | option), plain)


def test_defaults_are_each_versions_own() -> None:
    auto = {"steps": 0, "sampler": "auto"}
    settings = {
        model_id: DiffBIRSettings.from_options(small(model_id).config, auto)  # pyright: ignore[reportArgumentType]
        for model_id in ("diffbir-v2.1", "diffbir-v2", "diffbir-v1-general")
    }
    assert {i: (s.sampler, s.steps, s.cfg_scale) for i, s in settings.items()} == {
        "diffbir-v2.1": ("edm_dpm++_3m_sde", 10, 8.0),
        "diffbir-v2": ("spaced", 50, 4.0),
        "diffbir-v1-general": ("spaced", 50, 1.0),
    }


def test_what_takes_long_is_told_before_it_begins(v2_1: DiffBIRPipeline) -> None:
    notes: list[str] = []
    whole = torch.zeros(1, 3, 1, 1).expand(1, 3, 60_000, 60_000)
    v2_1.prepare(whole, ModelRequest(task="restore", warn_before=notes.append), Progress())
    (words,) = notes
    assert words.startswith("This takes about ")
    notes.clear()
    v2_1.prepare(IMAGE, ModelRequest(task="restore", warn_before=notes.append), Progress())
    assert notes == []


def test_progress_rises_to_the_end(v2_1: DiffBIRPipeline) -> None:
    steps: list[int] = []
    request = ModelRequest(task="restore", options=QUICK)
    v2_1.prepare(IMAGE, request, Progress())(
        IMAGE, Progress(lambda done, total: steps.append(done))
    )
    assert steps == sorted(steps)
    assert steps[-1] == STEPS
    assert len(steps) > 20


def test_a_report_that_refuses_ends_the_run(v2_1: DiffBIRPipeline) -> None:
    def refuse(done: int, total: int) -> None:
        if done > total // 2:
            raise Canceled("Canceled", hint="")

    request = ModelRequest(task="restore", options=QUICK)
    with pytest.raises(Canceled):
        v2_1.prepare(IMAGE, request, Progress())(IMAGE, Progress(refuse))


def test_a_picture_is_cut_where_the_user_wants_it(v2_1: DiffBIRPipeline) -> None:
    image = torch.nn.functional.interpolate(IMAGE, size=(72, 448), mode="bilinear")
    options = QUICK | {"steps": 1, "cfg_scale": 1.0}
    results: list[Tensor] = []
    widths: list[list[int]] = []  # of what removes degradations: all that it was given
    network = v2_1.networks.restoration_module("swinir")
    for tile in (None, 0, 256):
        widths.append([])
        with network.register_forward_pre_hook(
            lambda _, inputs: widths[-1].append(inputs[0].shape[-1])
        ):
            results.append(run(v2_1, image, task="restore", options=options, tile=tile))
    assert widths == [[448], [448], [256] * 3]
    plain, never, cut = results
    assert torch.equal(plain, never)
    assert cut.shape == plain.shape
    assert cut.isfinite().all()
    assert not torch.equal(cut, plain)


def test_the_frame_runs_it_whole(v2_1: DiffBIRPipeline) -> None:
    request = ModelRequest(task="upscale", scale=2.0, options=QUICK)
    reports: list[int] = []
    model = LoadedModel(small("diffbir-v2.1"), v2_1, CPU)
    result = run_model(model, IMAGE, request, Progress(lambda done, _: reports.append(done)))
    assert result.image.shape == (1, 3, 80, 112)
    assert reports == sorted(reports)


def test_half_precision_is_near_and_finite(tmp_path: Path) -> None:
    spec = small("diffbir-v2.1")
    files = write(spec, tmp_path)
    _, full = loading.load([spec], files, CPU, torch.float32)
    _, half = loading.load([spec], files, CPU, torch.bfloat16)
    assert isinstance(full, DiffBIRPipeline)
    assert isinstance(half, DiffBIRPipeline)
    weights = half.networks.unet.state_dict()
    assert weights["input_blocks.1.0.in_layers.2.weight"].dtype == torch.bfloat16
    assert weights["input_blocks.1.0.in_layers.0.weight"].dtype == torch.float32
    assert weights["time_embed.0.weight"].dtype == torch.float32
    difference = (run(half) - run(full)).abs()
    assert difference.isfinite().all()
    assert difference.mean() < 0.05


@pytest.mark.slow  # float16 takes long on a CPU
def test_an_autoencoder_that_overflows_in_half_is_asked_again_in_float32(tmp_path: Path) -> None:
    spec = small("diffbir-v2.1")
    _, pipeline = loading.load([spec], write(spec, tmp_path), CPU, torch.float16)
    assert isinstance(pipeline, DiffBIRPipeline)
    # Beyond what float16 holds, until the last layer brings it back.
    decoder = pipeline.networks.autoencoder.decoder
    decoder.conv_in.get_parameter("weight").mul_(1e6)
    options = QUICK | {"steps": 1, "cfg_scale": 1.0}  # float16 takes long on a CPU
    assert run(pipeline, options=options).isfinite().all()


def test_parts_that_were_forgotten_are_named(tmp_path: Path) -> None:
    spec = small("diffbir-v2.1")
    files = write(spec, tmp_path)
    few = [path for path in files if path.name != "control.pth"]
    with pytest.raises(UnreadableCheckpoint, match="missing: control"):
        loading.load([spec], few, CPU, torch.float32)


def test_what_other_tasks_need_may_be_absent(tmp_path: Path) -> None:
    spec = small("diffbir-v2")
    files = [path for path in write(spec, tmp_path) if path.stem not in ("bsrnet", "face_cleaner")]
    _, pipeline = loading.load([spec], files, CPU, torch.float32)
    assert isinstance(pipeline, DiffBIRPipeline)
    assert run(pipeline, task="denoise").isfinite().all()
    with pytest.raises(UnreadableCheckpoint, match="cleans pictures for `restore`: `bsrnet`"):
        run(pipeline, task="restore")


def test_a_part_given_twice_is_named(tmp_path: Path) -> None:
    spec = small("diffbir-v2.1")
    files = write(spec, tmp_path)
    (tmp_path / "again.pth").write_bytes((tmp_path / "control.pth").read_bytes())
    with pytest.raises(UnreadableCheckpoint, match=r"second control"):
        loading.load([spec], [*files, tmp_path / "again.pth"], CPU, torch.float32)


def test_the_single_files_of_2023_are_taken_apart(tmp_path: Path) -> None:
    spec = small("diffbir-v1-general")
    files = write(spec, tmp_path)
    states = {path.name: torch.load(path) for path in files}
    whole = dict(states["sd.ckpt"]["state_dict"])
    control = {k.removeprefix("module."): t for k, t in states["control.pth"].items()}
    whole |= {f"control_model.{key}": tensor for key, tensor in control.items()}
    whole |= {f"preprocess_model.{key}": t for key, t in states["swinir.pth"].items()}
    assert isinstance(spec.config, DiffBIRConfig)
    parts = sorted_by_network(spec.config, {"full_v1.ckpt": whole})
    assert sorted(parts) == ["autoencoder", "control", "swinir", "text_encoder", "unet"]
    assert parts["control"].keys() == control.keys()
    # The authors give v1's general pictures a restoration module of its own: that one is meant.
    own = {key: tensor + 1 for key, tensor in states["swinir.pth"].items()}
    both = sorted_by_network(spec.config, {"swinir.pth": own, "full_v1.ckpt": whole})
    assert torch.equal(both["swinir"]["conv_up3.weight"], own["conv_up3.weight"])
    assert both.keys() == parts.keys()
    folder = tmp_path / "one"
    folder.mkdir()
    save_file({k: t.clone() for k, t in whole.items()}, folder / "full.safetensors")
    chosen_spec, _ = loading.load([spec], [folder / "full.safetensors"], CPU, torch.float32)
    assert chosen_spec is spec


def test_plans_are_told_what_is_there(v2_1: DiffBIRPipeline) -> None:
    settings = DiffBIRSettings.from_options(v2_1.config, {})
    size = (3000, 4000)
    image = torch.zeros(1, 3, 1, 1).expand(1, 3, *size)
    plan = v2_1.plan(
        v2_1.workload("swinir", image.shape, size, settings), ModelRequest(free_bytes=6_000_000_000)
    )
    assert isinstance(plan, Plan)
    assert plan.diffuse is not None
    assert plan.peak_bytes < 6_500_000_000


FIRST_STEP = """
import dataclasses, sys
import torch
from golden import recipe
from pixelmend_engine.catalog import registry
from pixelmend_engine.models.diffbir.model import DiffBIR, DiffBIRPipeline
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration import session  # what an engine holds that waits
from pixelmend_engine.server import worker
config = dataclasses.replace(recipe.tiny(registry.find("diffbir-v2.1").config), min_side=64)
networks = DiffBIR(config, frozenset({"swinir"}))
pipeline = DiffBIRPipeline(networks, torch.device("cpu"), torch.float32)
packages = lambda: {name.partition(".")[0] for name in sys.modules}
before = packages()
image = torch.rand(1, 3, 40, 56)
request = ModelRequest(task="restore", options={"steps": 2, "prompt": "a photo"})
assert pipeline.prepare(image, request, Progress())(image, Progress()).isfinite().all()
print(*sorted(packages() - before - set(sys.stdlib_module_names)))
"""


def test_the_first_step_imports_no_other_package() -> None:
    paths = os.pathsep.join(str(Path(__file__).parents[3] / folder) for folder in ("", "golden"))
    run_alone = subprocess.run(
        [sys.executable, "-c", FIRST_STEP],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run_alone.returncode == 0, run_alone.stderr
    assert run_alone.stdout.split() == []  # torch was there

"""Checkpoints in every layout become the same loaded model."""

from pathlib import Path

import pytest
import torch
from fakes import CPU
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.models import loading
from pixelmend_engine.models.hidiff import HIDiff
from pixelmend_engine.models.pipeline import ModelRequest, Pipeline
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.weights.checkpoints.reading import StateDict

GOPRO = registry.find("hi-diff-gopro")
REALBLUR_J = registry.find("hi-diff-realblur-j")
DEBLUR = registry.models_of("deblur")


def random_states(spec: ModelSpec, *, teacher: bool = False) -> dict[str, StateDict]:
    """Makes a checkpoint of the published size; what it restores is nonsense."""
    assert isinstance(spec.config, HIDiffConfig)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        networks = HIDiff(spec.config, teacher=teacher)
    names = ["net_g", "net_le_dm", "net_d", *(["net_le"] if teacher else [])]
    return {name: dict(networks.get_submodule(name).state_dict()) for name in names}


def published(states: dict[str, StateDict], folder: Path) -> list[Path]:
    """Writes it as the authors do, one file for each network, under names that say nothing."""
    paths: list[Path] = []
    for number, state in enumerate(states.values()):
        paths.append(folder / f"{number}.pth")
        torch.save({"params": state}, paths[-1])
    return paths


def one_file(states: dict[str, StateDict], folder: Path) -> list[Path]:
    """Writes it as we do."""
    flat = {
        f"{name}.{key}": value for name, state in states.items() for key, value in state.items()
    }
    save_file(flat, folder / "all.safetensors")
    return [folder / "all.safetensors"]


def restored(pipeline: Pipeline) -> torch.Tensor:
    """What a model makes of one small picture."""
    image = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(3))
    return pipeline.prepare(image, ModelRequest(seeds=(5,)), Progress())(image, Progress())


@pytest.mark.parametrize("spec", [GOPRO, REALBLUR_J], ids=lambda spec: spec.id)
def test_both_layouts_of_the_published_sizes_restore_alike(spec: ModelSpec, tmp_path: Path) -> None:
    states = random_states(spec)
    results: list[torch.Tensor] = []
    for layout in (published, one_file):
        loaded, pipeline = loading.load([spec], layout(states, tmp_path), CPU, torch.float32)
        assert loaded is spec
        results.append(restored(pipeline))
    assert torch.equal(*results)
    assert results[0].isfinite().all()


def test_the_system_is_recognized_by_its_shapes(tmp_path: Path) -> None:
    files = published(random_states(REALBLUR_J), tmp_path)
    loaded, _ = loading.load(DEBLUR, files, CPU, torch.float32)
    assert loaded is REALBLUR_J


def test_a_teacher_beside_the_networks_is_loaded_too(tmp_path: Path) -> None:
    files = published(random_states(GOPRO, teacher=True), tmp_path)
    loaded, _ = loading.load(DEBLUR, files, CPU, torch.float32)
    assert loaded is GOPRO


def test_weights_of_another_system_are_refused(tmp_path: Path) -> None:
    files = published(random_states(REALBLUR_J), tmp_path)
    with pytest.raises(UnreadableCheckpoint, match="not those of this model"):
        loading.load([GOPRO], files, CPU, torch.float32)


def test_weights_of_no_system_are_refused(tmp_path: Path) -> None:
    states = random_states(GOPRO)
    states["net_g"].popitem()
    with pytest.raises(UnreadableCheckpoint, match="no model that Pixelmend knows"):
        loading.load(DEBLUR, published(states, tmp_path), CPU, torch.float32)


def test_a_missing_network_is_named(tmp_path: Path) -> None:
    states = random_states(GOPRO)
    del states["net_le_dm"]
    with pytest.raises(UnreadableCheckpoint, match="missing: net_le_dm"):
        loading.load([GOPRO], published(states, tmp_path), CPU, torch.float32)


def test_a_network_given_twice_is_named(tmp_path: Path) -> None:
    states = random_states(GOPRO)
    paths = [*published(states, tmp_path), *one_file(states, tmp_path)]
    with pytest.raises(UnreadableCheckpoint, match=r"a second net_.*all\.safetensors"):
        loading.load([GOPRO], paths, CPU, torch.float32)


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(UnreadableCheckpoint, match=r"none of HI-Diff's.*other\.safetensors"):
        loading.load([GOPRO], [tmp_path / "other.safetensors"], CPU, torch.float32)

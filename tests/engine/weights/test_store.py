"""Weights are found where they are, and their absence says what to do."""

from pathlib import Path

import pytest

from pixelmend.errors import WeightsMissing
from pixelmend_engine.catalog import registry, weight_files
from pixelmend_engine.weights import store

GOPRO = registry.find("hi-diff-gopro")
COMPACT = registry.find("hi-diff-compact")


def test_the_bundled_model_is_sound(tmp_path: Path) -> None:
    (path,) = store.locate(COMPACT, tmp_path)
    assert COMPACT.bundled is not None
    assert store.state(COMPACT, tmp_path) == "bundled"
    assert path.stat().st_size == COMPACT.bundled.size_bytes
    assert store.sha256(path) == COMPACT.bundled.sha256


def test_an_installed_model_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "hi-diff-gopro"
    folder.mkdir()
    assert store.state(GOPRO, tmp_path) == "missing"
    for name in ("net_g.pth", "net_d.pth", "notes.txt"):
        (folder / name).touch()
    assert store.state(GOPRO, tmp_path) == "installed"
    assert store.locate(GOPRO, tmp_path) == (folder / "net_d.pth", folder / "net_g.pth")


def test_a_task_needs_no_more_than_its_own_files(tmp_path: Path) -> None:
    v2 = registry.find("diffbir-v2")
    own = {task: {file.id for file in weight_files.needed(v2, task)} for task in v2.tasks}
    shared = {"diffbir-v2", "sd21-base-unet", "sd21-base-vae", "sd21-base-text-encoder"}
    assert own["denoise"] == {*shared, "scunet-color-real-psnr"}
    assert own["restore"] == own["upscale"] == {*shared, "bsrnet"}
    assert own["face"] == {*shared, "diffbir-swinir-face", "retinaface-resnet50", "parsenet"}
    assert {file.id for file in weight_files.needed(v2)} == set[str]().union(*own.values())
    for name in own["restore"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.pth").touch()
    states = {task: store.state(v2, tmp_path, task) for task in v2.tasks}
    assert states == {
        "restore": "installed", "upscale": "installed", "denoise": "missing", "face": "missing",
    }  # fmt: skip
    assert store.state(v2, tmp_path) == "installed"  # for one of its tasks
    assert len(store.locate(v2, tmp_path, "restore")) == 5
    with pytest.raises(WeightsMissing, match="72 MB"):
        store.locate(v2, tmp_path, "denoise")


def test_a_file_that_is_here_takes_the_place_of_several(tmp_path: Path) -> None:
    v2 = registry.find("diffbir-v2")
    for name in ("diffbir-v2", "scunet-color-real-psnr", "sd21-base-ckpt", "sd21-base-unet"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.pth").touch()
    assert store.missing(v2, tmp_path, "denoise") == ()
    folders = [path.parent.name for path in store.locate(v2, tmp_path, "denoise")]
    assert sorted(folders) == ["diffbir-v2", "scunet-color-real-psnr", "sd21-base-ckpt"]
    (tmp_path / "sd21-base").mkdir()
    (tmp_path / "sd21-base" / "net.safetensors").touch()  # without pickle: preferred
    folders = [path.parent.name for path in store.locate(v2, tmp_path, "denoise")]
    assert sorted(folders) == ["diffbir-v2", "scunet-color-real-psnr", "sd21-base"]


def test_a_missing_model_says_how_its_weights_are_had(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="hi-diff-gopro") as refused:
        store.locate(GOPRO, tmp_path)
    assert "~114 MB" in refused.value.message
    assert "pixelmend models pull hi-diff-gopro" in refused.value.hint


def test_the_user_may_name_a_folder_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    file.touch()
    assert store.files_at(tmp_path) == (file,)
    assert store.files_at(file) == (file,)


def test_a_folder_may_hold_a_model_in_the_layout_of_diffusers(tmp_path: Path) -> None:
    names = ("control.pt", "sd/unet/a.safetensors", "sd/vae/b.safetensors", "other/c.safetensors")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert store.files_at(tmp_path) == tuple(tmp_path / name for name in names[:3])
    assert store.files_at(tmp_path / "sd") == tuple(tmp_path / name for name in names[1:3])


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="no weights"):
        store.files_at(tmp_path)
    with pytest.raises(WeightsMissing, match="no file or folder"):
        store.files_at(tmp_path / "nowhere")

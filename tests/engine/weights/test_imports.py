"""The user's own downloads are recognized by what is in them, and left as they are."""

import dataclasses
from pathlib import Path

import pytest
import torch
from published import SMALL, hollow, pickled, small_file, tensors, zipped
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend.errors import BadRequest, UnreadableCheckpoint, WrongFile
from pixelmend_engine.catalog.weight_files import Catalog, WeightFile, catalog
from pixelmend_engine.weights import imports, store
from pixelmend_engine.weights.download.network_settings import OFFLINE
from pixelmend_engine.weights.installer import Installer
from pixelmend_engine.weights.records import Record

SYSTEM = small_file(
    id="system",
    name="HI_Diff_Small",
    parts={"net_d": SMALL, "net_le": "hi-diff-realblur-net_le"},
)
TWIN = dataclasses.replace(SYSTEM, id="twin", name="HI_Diff_Twin")
ONE = small_file(id="one", name="One.pth", parts={"": "hi-diff-gopro-net_le"})
FILES = Catalog((SYSTEM, TWIN, ONE))


@pytest.fixture
def installer(tmp_path: Path) -> Installer:
    return Installer(tmp_path / "models", OFFLINE)


def run(
    installer: Installer, path: Path, chosen: WeightFile | None = None
) -> tuple[list[str], list[str]]:
    """Imports; returns the ids of what was installed, and what was said."""
    notes: list[str] = []
    files = imports.import_path(installer, FILES, path, chosen, notes.append)
    for file in files:
        assert installer.verify(file) is None
    return [file.id for file in files], notes


def networks() -> dict[str, bytes]:
    """The files of one system."""
    return {
        "net_d.pth": pickled({"params": tensors(SMALL)}),
        "net_le.pth": pickled({"params": tensors("hi-diff-realblur-net_le")}),
    }


def unpacked(folder: Path) -> Path:
    """A folder of one system, as it is unpacked."""
    folder.mkdir(parents=True)
    for name, content in networks().items():
        (folder / name).write_bytes(content)
    (folder / "readme.txt").write_text("Read me")
    return folder


def test_a_folder_is_recognized(installer: Installer, tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "mine" / "HI_Diff_Small")
    before = sorted(path.name for path in folder.iterdir())
    assert run(installer, folder.parent)[0] == ["system"]
    assert sorted(path.name for path in folder.iterdir()) == before
    tensors_on_disk = load_file(store.path_of("system", installer.models_dir))
    for key, tensor in tensors(SMALL).items():
        assert torch.equal(tensors_on_disk[f"net_d.{key}"], tensor)
    record = installer.records.get("system")
    assert (record.verification, record.sha256) == ("structure", None)


def test_an_archive_is_recognized_by_its_name_or_by_the_users_word(
    installer: Installer, tmp_path: Path
) -> None:
    (tmp_path / "HI_Diff_Twin.zip").write_bytes(zipped(networks()))
    assert run(installer, tmp_path / "HI_Diff_Twin.zip")[0] == ["twin"]
    (tmp_path / "other.zip").write_bytes(zipped({f"x/{k}": v for k, v in networks().items()}))
    with pytest.raises(BadRequest, match="fits several files: system, twin"):
        run(installer, tmp_path / "other.zip")
    assert run(installer, tmp_path / "other.zip", SYSTEM)[0] == ["system"]


def test_the_hash_of_an_earlier_download_tells_twins_apart(
    installer: Installer, tmp_path: Path
) -> None:
    path = tmp_path / "download.zip"
    path.write_bytes(zipped(networks()))
    installer.records.put("twin", Record(sha256=store.sha256(path), verification="source_hash"))
    assert run(installer, path)[0] == ["twin"]
    assert installer.records.get("twin").verification == "source_hash"


def test_a_folder_of_many_things(installer: Installer, tmp_path: Path) -> None:
    unpacked(tmp_path / "all" / "HI_Diff_Small")
    unpacked(tmp_path / "all" / "deep" / "HI_Diff_Twin")
    (tmp_path / "all" / "any name.pt").write_bytes(pickled(tensors("hi-diff-gopro-net_le")))
    (tmp_path / "all" / "broken.pth").write_bytes(b"nothing")
    (tmp_path / "all" / "HI_Diff_Small.zip").write_bytes(zipped(networks()))
    ids, said = run(installer, tmp_path / "all")
    assert sorted(ids) == ["one", "system", "system", "twin"]
    assert any("broken.pth" in line for line in said)


def test_a_file_that_is_pinned_has_to_be_that_file(installer: Installer, tmp_path: Path) -> None:
    pinned = dataclasses.replace(ONE, sha256="a" * 64)
    path = tmp_path / "One.pth"
    path.write_bytes(pickled(tensors("hi-diff-gopro-net_le")))
    with pytest.raises(WrongFile, match="but another SHA-256"):
        imports.import_path(installer, Catalog((pinned,)), path, None, lambda _: None)
    right = dataclasses.replace(ONE, sha256=store.sha256(path))
    imports.import_path(installer, Catalog((right,)), path, None, lambda _: None)
    assert installer.records.get("one").verification == "pinned_hash"


def test_a_pinned_file_is_held_to_its_hash_inside_an_archive_too(
    installer: Installer, tmp_path: Path
) -> None:
    content = pickled(tensors("hi-diff-gopro-net_le"))
    (tmp_path / "One.pth").write_bytes(content)
    right = dataclasses.replace(ONE, sha256=store.sha256(tmp_path / "One.pth"))
    for name, members in (
        ("one", {"One.pth": content}),
        ("two", {"One.pth": content, **networks()}),
    ):
        path = tmp_path / f"{name}.zip"
        path.write_bytes(zipped(members))
        wrong = Catalog((dataclasses.replace(ONE, sha256="a" * 64),))
        with pytest.raises(WrongFile, match="but another SHA-256"):
            imports.import_path(installer, wrong, path, None, lambda _: None)
        imports.import_path(installer, Catalog((right,)), path, None, lambda _: None)
        assert installer.records.get("one").verification == "pinned_hash"


def test_what_can_not_be_read_is_said(installer: Installer, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "link.pth").symlink_to(tmp_path / "a" / "link.pth")  # leads to itself
    (tmp_path / "a" / "One.pth").write_bytes(pickled(tensors("hi-diff-gopro-net_le")))
    ids, _ = run(installer, tmp_path / "a")
    assert ids == ["one"]


def test_an_import_replaces_what_is_here(installer: Installer, tmp_path: Path) -> None:
    for seed in (1, 2):
        (tmp_path / "a.pth").write_bytes(pickled(tensors("hi-diff-gopro-net_le", seed)))
        installer.records.forget("one")
        run(installer, tmp_path / "a.pth")
    tensors_on_disk = load_file(store.path_of("one", installer.models_dir))
    expected = tensors("hi-diff-gopro-net_le", 2)
    assert all(torch.equal(tensors_on_disk[key], expected[key]) for key in expected)


def test_what_is_no_published_file_is_refused(installer: Installer, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no file or folder"):
        run(installer, tmp_path / "nowhere")
    (tmp_path / "own.pth").write_bytes(pickled({"weight": torch.ones(1)}))
    with pytest.raises(UnreadableCheckpoint, match="no published weights"):
        run(installer, tmp_path / "own.pth")
    with pytest.raises(UnreadableCheckpoint, match="not those of `one`"):
        run(installer, tmp_path / "own.pth", ONE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableCheckpoint, match="no published weights"):
        run(installer, tmp_path / "empty")
    (tmp_path / "net.7z").write_bytes(b"7z\xbc\xaf\x27\x1c more")
    with pytest.raises(UnreadableCheckpoint, match="7-Zip"):
        run(installer, tmp_path / "net.7z")


def test_published_twins_are_told_apart_by_their_folders(
    installer: Installer, tmp_path: Path
) -> None:
    """On the real catalog: two networks of DiffIR differ in nothing but where they lie."""
    names = ("DiffIRS2-celeba", "DiffIRS2-place")
    content = {
        "state_dict": {f"generator.{k}": v for k, v in hollow("diffir-inpainting-s2").items()}
    }
    for epoch, name in enumerate(names):
        folder = tmp_path / "inpainting" / name / "models"
        folder.mkdir(parents=True)
        (folder / "last.ckpt").write_bytes(pickled({**content, "epoch": epoch}))
    files = imports.import_path(installer, catalog(), tmp_path / "inpainting", None, lambda _: None)
    assert [file.id for file in files] == ["diffir-inpainting-celeba", "diffir-inpainting-places2"]

"""Bundles take weights to machines without a network, and nothing else."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from fetching import HASTY, untold
from mirror import Mirror, Response
from published import SMALL, pickled, small_file, tensors
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend.errors import (
    OutputExists,
    OutputFailed,
    UnknownModel,
    UnreadableCheckpoint,
    WeightsMissing,
)
from pixelmend_engine.catalog.weight_files import Catalog, DirectUrl
from pixelmend_engine.weights import bundles, imports, store
from pixelmend_engine.weights.download.network_settings import OFFLINE, Network
from pixelmend_engine.weights.installer import Installer
from pixelmend_engine.weights.records import Record

FILE = small_file()
FILES = Catalog((FILE,))


@pytest.fixture
def here(tmp_path: Path) -> Installer:
    """Where the small file is installed."""
    installer = Installer(tmp_path / "here", OFFLINE)
    (tmp_path / "small.pth").write_bytes(pickled(tensors(SMALL)))
    imports.import_path(installer, FILES, tmp_path / "small.pth", None, lambda _: None)
    return installer


@pytest.fixture
def there(tmp_path: Path) -> Installer:
    """Where nothing is."""
    return Installer(tmp_path / "there", OFFLINE)


@pytest.fixture
def bundle(here: Installer, tmp_path: Path) -> Path:
    path = tmp_path / "weights.zip"
    bundles.write(here, [FILE], path)
    return path


def test_weights_travel(here: Installer, there: Installer, bundle: Path) -> None:
    assert bundles.is_bundle(bundle)
    assert bundles.read(there, FILES, bundle) == [FILE]
    places = [store.path_of(FILE.id, installer.models_dir) for installer in (here, there)]
    assert places[0].read_bytes() == places[1].read_bytes()
    assert there.verify(FILE) is None
    record = there.records.get(FILE.id)
    assert record.installed_sha256 == here.records.get(FILE.id).installed_sha256
    assert (record.verification, record.source) == ("structure", "bundle weights.zip")


def test_what_a_bundles_maker_says_decides_no_later_download(
    bundle: Path, tmp_path: Path, mirror: Mirror
) -> None:
    there = Installer(tmp_path / "there", Network(drive=mirror.url))
    published, evil = pickled({"params": tensors(SMALL, 1)}), pickled({"params": tensors(SMALL, 2)})
    mirror.at("/published", Response(body=published))
    mirror.at("/download", Response(body=evil, headers={"Content-Disposition": "attachment"}))
    file = small_file(DirectUrl(f"{mirror.url}/published"))
    said = {
        "sha256": hashlib.sha256(evil).hexdigest(),
        "size_bytes": len(evil),
        "drive_id": "id-of-the-makers-file",
        "refused": "The published file is not what it was",
    }
    bundles.read(there, Catalog((file,)), rewritten(bundle, **said))
    record = there.records.get(file.id)
    assert (record.sha256, record.size_bytes, record.drive_id) == (None, None, None)
    assert record.refused == ""
    there.remove(file)
    there.pull(file, HASTY, untold)
    assert mirror.gets("/download") == []
    assert there.records.get(file.id).sha256 == hashlib.sha256(published).hexdigest()


def test_what_was_known_before_a_bundle_stays_known(there: Installer, bundle: Path) -> None:
    sha256 = json.loads(zipfile.ZipFile(bundle).read(bundles.INDEX))["files"][0]["sha256"]
    there.records.put(FILE.id, Record(sha256=sha256, size_bytes=7, drive_id="found-here"))
    bundles.read(there, FILES, bundle)
    record = there.records.get(FILE.id)
    assert (record.sha256, record.size_bytes, record.drive_id) == (sha256, 7, "found-here")


def test_what_is_not_here_can_not_be_exported(
    here: Installer, there: Installer, bundle: Path, tmp_path: Path
) -> None:
    with pytest.raises(WeightsMissing, match="`small` are not"):
        bundles.write(there, [FILE], tmp_path / "other.zip")
    with pytest.raises(OutputExists):
        bundles.write(here, [FILE], bundle)
    with pytest.raises(OutputFailed):
        bundles.write(here, [FILE], tmp_path / "nowhere" / "other.zip")
    assert not list(tmp_path.glob(".*"))


def test_other_files_are_no_bundles(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\3\4 half")
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        archive.writestr("net.pth", b"")
    for name in ("x.zip", "y.zip", "none.zip"):
        assert not bundles.is_bundle(tmp_path / name)


def rewritten(bundle: Path, **changes: object) -> Path:
    """The same bundle with other facts in its index; `safetensors` is other content."""
    with zipfile.ZipFile(bundle) as archive:
        index = json.loads(archive.read(bundles.INDEX))
        content = archive.read("small.safetensors")
    content = changes.pop("safetensors", content)
    index["version"] = changes.pop("version", index["version"])
    index["files"][0] |= changes
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr(bundles.INDEX, json.dumps(index))
        if content is not None:
            assert isinstance(content, bytes)
            archive.writestr("small.safetensors", content)
    return bundle


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"safetensors": b"other"}, "not as it was exported"),
        ({"safetensors": None}, "is missing"),
        ({"installed_sha256": "x"}, "index is none"),
        ({"installed_sha256": 5}, "index is none"),
        ({"more": 1}, "index is none"),
        ({"id": 5}, "index is none"),
        ({"sha256": "../../x"}, "index is none"),
        ({"size_bytes": "1"}, "index is none"),
        ({"size_bytes": True}, "index is none"),
        ({"drive_id": "x&confirm=no"}, "index is none"),
        ({"refused": ["x"]}, "index is none"),
        ({"source": None}, "index is none"),
        ({"proof": {}}, "index is none"),
        ({"version": 2}, "version is 2"),
        ({"version": "2"}, "index is none"),
    ],
)
def test_damage_is_refused(
    changes: dict[str, object], words: str, there: Installer, bundle: Path
) -> None:
    with pytest.raises(UnreadableCheckpoint, match=words):
        bundles.read(there, FILES, rewritten(bundle, **changes))
    assert not store.installed(FILE.id, there.models_dir)


@pytest.mark.parametrize("index", ["[" * 500_000, "{", "[]", '{"version": 1, "files": 5}'])
def test_an_index_that_is_none_is_refused(index: str, there: Installer, bundle: Path) -> None:
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr(bundles.INDEX, index)
    with pytest.raises(UnreadableCheckpoint, match="index is none"):
        bundles.read(there, FILES, bundle)


def test_a_header_longer_than_the_published_files_is_not_parsed(
    there: Installer, bundle: Path
) -> None:
    names = {f"t{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(9_000)}
    header = json.dumps(names).encode()
    content = len(header).to_bytes(8, "little") + header
    digest = hashlib.sha256(content).hexdigest()
    changed = rewritten(bundle, safetensors=content, installed_sha256=digest)
    with pytest.raises(UnreadableCheckpoint, match=f"header has {len(header)} bytes"):
        bundles.read(there, FILES, changed)


def test_other_weights_under_the_name_are_refused(
    there: Installer, bundle: Path, tmp_path: Path
) -> None:
    save_file(tensors("hi-diff-gopro-net_le"), tmp_path / "other.safetensors")
    content = (tmp_path / "other.safetensors").read_bytes()
    digest = store.sha256(tmp_path / "other.safetensors")
    changed = rewritten(bundle, safetensors=content, installed_sha256=digest)
    with pytest.raises(UnreadableCheckpoint, match="other names or shapes"):
        bundles.read(there, FILES, changed)
    with pytest.raises(UnknownModel):
        bundles.read(there, FILES, rewritten(bundle, id="../../evil"))


def test_a_bundle_that_might_swell_is_refused(there: Installer, bundle: Path) -> None:
    with zipfile.ZipFile(bundle) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(UnreadableCheckpoint, match="might swell"):
        bundles.read(there, FILES, bundle)


def test_a_bundle_is_held_to_what_is_known(there: Installer, bundle: Path) -> None:
    there.records.put(FILE.id, Record(sha256="a" * 64))
    with pytest.raises(UnreadableCheckpoint, match="from another file than the published one"):
        bundles.read(there, FILES, bundle)


def test_what_has_changed_since_is_not_passed_on(here: Installer, tmp_path: Path) -> None:
    place = store.path_of(FILE.id, here.models_dir)
    content = bytearray(place.read_bytes())
    content[-1] ^= 0xFF
    place.write_bytes(content)
    with pytest.raises(UnreadableCheckpoint, match="has changed since"):
        bundles.write(here, [FILE], tmp_path / "weights.zip")
    assert not (tmp_path / "weights.zip").exists()

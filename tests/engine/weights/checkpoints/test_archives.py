"""Archives are unpacked into their folder, never beside it, and not without end."""

import zipfile
import zlib
from pathlib import Path

import pytest
from published import SMALL, hollow, pickled, zipped

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.weights.checkpoints import archives


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "unpacked"
    path.mkdir()
    return path


def archive(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "archive.zip"
    path.write_bytes(content)
    return path


def test_checkpoints_are_unpacked_and_nothing_else(tmp_path: Path, folder: Path) -> None:
    files = {
        "HI_Diff_GoPro/net_g.pth": b"g",
        "HI_Diff_GoPro/net_d.pth": b"d",
        "HI_Diff_GoPro/.net_d.pth": b"hidden",
        "__MACOSX/HI_Diff_GoPro/net_g.pth": b"of macOS",
        "readme.txt": b"Read me",
    }
    path = archive(tmp_path, zipped(files))
    assert archives.is_archive(path)
    unpacked = archives.unpack(path, folder)
    assert {file.relative_to(folder).as_posix(): file.read_bytes() for file in unpacked} == {
        "HI_Diff_GoPro/net_g.pth": b"g",
        "HI_Diff_GoPro/net_d.pth": b"d",
    }
    assert len([p for p in folder.rglob("*") if p.is_file()]) == 2


def test_what_torch_writes_is_no_archive(tmp_path: Path) -> None:
    assert not archives.is_archive(archive(tmp_path, pickled(hollow(SMALL))))
    assert not archives.is_archive(archive(tmp_path, b"PK\3\4 half a zip"))


@pytest.mark.parametrize(
    "name", ["../evil.pth", "a/../../evil.pth", "/evil.pth", "C:\\evil.pth", "..\\evil.pth"]
)
def test_names_that_lead_outside_are_refused(name: str, tmp_path: Path, folder: Path) -> None:
    path = archive(tmp_path, zipped({"net.pth": b"fine", name: b"evil"}))
    with pytest.raises(UnreadableCheckpoint, match="reaches outside"):
        archives.unpack(path, folder)
    assert list(folder.iterdir()) == []


def test_a_link_is_unpacked_as_the_text_that_it_is(tmp_path: Path, folder: Path) -> None:
    link = zipfile.ZipInfo("link.pth")
    link.external_attr = 0o120777 << 16
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(link, "/etc/passwd")
    (unpacked,) = archives.unpack(path, folder)
    assert not unpacked.is_symlink()
    assert unpacked.read_bytes() == b"/etc/passwd"


def test_bombs_are_refused(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("net.pth", b"\0" * 50_000_000)
    with pytest.raises(UnreadableCheckpoint, match="swells"):
        archives.unpack(path, folder)
    with zipfile.ZipFile(path, "w") as file:
        for number in range(archives.MAX_MEMBERS + 1):
            file.writestr(f"{number}.pth", b"")
    with pytest.raises(UnreadableCheckpoint, match="swells"):
        archives.unpack(path, folder)


def test_damage_is_an_error(tmp_path: Path, folder: Path) -> None:
    content = bytearray(zipped({"net.pth": b"what is in it"}))
    content[content.index(b"what is")] ^= 1
    with pytest.raises(UnreadableCheckpoint, match="damaged"):
        archives.unpack(archive(tmp_path, bytes(content)), folder)


@pytest.mark.parametrize("start", list(archives.FOREIGN))
def test_archives_of_other_kinds_are_named(start: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableCheckpoint, match=archives.FOREIGN[start]):
        archives.refuse_foreign(archive(tmp_path, start + b"more of it"))


def test_an_archive_with_a_flipped_bit_is_refused_or_gives_the_same_bytes(tmp_path: Path) -> None:
    content = bytes(range(256)) * 40
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.pth", content)
    whole = (tmp_path / "whole.zip").read_bytes()
    accepted = 0
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1 << (place % 8)
        (tmp_path / "broken.zip").write_bytes(broken)
        try:
            unpacked = archives.unpack(tmp_path / "broken.zip", tmp_path / f"out{place}")
        except UnreadableCheckpoint:
            continue
        # A name may be another, or none of a checkpoint any more; times and versions matter to
        # nobody. The bytes of the file are compared with their checksum.
        assert [file.read_bytes() for file in unpacked] in ([content], [])
        accepted += 1
    assert 0 < accepted < len(whole) - len(zlib.compress(content)) // 2

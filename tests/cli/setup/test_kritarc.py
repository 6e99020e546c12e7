"""One line of Krita's settings, and all others as they were."""

from pathlib import Path

import pytest

from pixelmend_cli.setup import kritarc

NAME = "pixelmend_krita"
BEFORE = """\
ResourceDirectory=/home/ann/brushes
theme=Krita dark

[python]
enable_comics=false
pluginPath=a=b

[pixelmend]
choices={"task": "deblur"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file as Krita writes it."""
    path = tmp_path / "kritarc"
    path.write_text(BEFORE, encoding="utf-8")
    return path


def test_enabling_adds_one_line(file: Path) -> None:
    kritarc.enable(file, NAME)
    assert kritarc.enabled(file, NAME)
    added = "[python]\nenable_pixelmend_krita=true\n"
    assert file.read_text(encoding="utf-8") == BEFORE.replace("[python]\n", added)


def test_disabling_takes_it_back(file: Path) -> None:
    kritarc.enable(file, NAME)
    kritarc.disable(file, NAME)
    assert file.read_text(encoding="utf-8") == BEFORE
    assert not kritarc.enabled(file, NAME)


def test_enabling_twice_is_enabling_once(file: Path) -> None:
    kritarc.enable(file, NAME)
    once = file.read_text(encoding="utf-8")
    kritarc.enable(file, NAME)
    assert file.read_text(encoding="utf-8") == once


def test_what_the_user_switched_off_is_switched_on(file: Path) -> None:
    text = BEFORE.replace("[python]\n", "[python]\nenable_pixelmend_krita=false\n")
    file.write_text(text, encoding="utf-8")
    assert not kritarc.enabled(file, NAME)
    kritarc.enable(file, NAME)
    assert kritarc.enabled(file, NAME)
    assert file.read_text(encoding="utf-8").count("pixelmend_krita") == 1


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    file = tmp_path / "config" / "kritarc"
    assert not kritarc.enabled(file, NAME)
    kritarc.enable(file, NAME)
    assert file.read_text(encoding="utf-8") == "[python]\nenable_pixelmend_krita=true\n"


def test_a_file_without_plug_ins_gets_a_group(file: Path) -> None:
    file.write_text("theme=Krita dark\n", encoding="utf-8")
    kritarc.enable(file, NAME)
    assert file.read_text(encoding="utf-8").splitlines() == [
        "theme=Krita dark",
        "",
        "[python]",
        "enable_pixelmend_krita=true",
    ]


def test_disabling_what_is_not_there_touches_nothing(tmp_path: Path) -> None:
    kritarc.disable(tmp_path / "kritarc", NAME)
    assert list(tmp_path.iterdir()) == []


def test_bytes_of_another_encoding_survive(file: Path) -> None:
    file.write_bytes(b"last=/home/J\xfcrgen\n")
    kritarc.enable(file, NAME)
    assert file.read_bytes().startswith(b"last=/home/J\xfcrgen\n")


def test_rights_and_links_stay(file: Path, tmp_path: Path) -> None:
    file.chmod(0o600)
    link = tmp_path / "link"
    link.symlink_to(file)
    kritarc.enable(link, NAME)
    assert link.is_symlink()
    assert kritarc.enabled(file, NAME)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_was_moved_is_known(file: Path, tmp_path: Path) -> None:
    assert kritarc.resource_folder(file) == Path("/home/ann/brushes")
    assert kritarc.resource_folder(tmp_path / "none") is None
    file.write_text("[other]\nResourceDirectory=/elsewhere\n", encoding="utf-8")
    assert kritarc.resource_folder(file) is None

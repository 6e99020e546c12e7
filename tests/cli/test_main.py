"""The command line, called as a user calls it, with the bundled model."""

import json
import re
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from conftest import CommandRunner, CompletedCommand
from PIL import Image
from profiles import RGB

from pixelmend import __version__
from pixelmend.paths import Paths
from pixelmend_engine.images import files
from pixelmend_engine.images.formats import png
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata
from pixelmend_engine.images.xmp import PHOTOSHOP, Packet


def assert_told(result: CompletedCommand, code: int, message: str) -> None:
    """An error is one sentence and a hint, on stderr, under the right exit code."""
    assert result.code == code
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == 2, lines
    assert message in lines[0]
    assert lines[1].startswith("  ")


def test_version(pixelmend: CommandRunner) -> None:
    assert pixelmend("--version").stdout == f"pixelmend {__version__}\n"


def test_a_bug_of_ours_is_told_as_one(
    pixelmend: CommandRunner, photo: Path, home: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reader(path: Path) -> ImageFile:
        raise AttributeError(f"of ours: {path.name}")

    monkeypatch.setattr(png, "read", reader)
    assert_told(pixelmend("deblur", photo), 1, "failed for a reason that nobody expected")
    written = (home.home / "front-end.log").read_text(encoding="utf-8")
    assert "AttributeError: of ours: photo.png" in written


def test_a_picture_is_restored_beside_its_input(pixelmend: CommandRunner, photo: Path) -> None:
    before = photo.read_bytes()
    command_result = pixelmend("deblur", photo)
    result = photo.with_name("photo_deblurred.png")
    assert (command_result.code, command_result.stdout) == (0, f"{result}\n")
    assert photo.read_bytes() == before
    with Image.open(photo) as source, Image.open(result) as restored:
        assert restored.size == source.size
        assert np.abs(np.asarray(restored, int) - np.asarray(source)).max() > 0
    assert sorted(path.name for path in photo.parent.iterdir()) == [photo.name, result.name]


def test_a_better_model_is_pointed_at_unless_one_was_named(
    pixelmend: CommandRunner, photo: Path
) -> None:
    assert "`pixelmend models pull hi-diff-gopro` gets them" in pixelmend("deblur", photo).stderr
    for choice in (["-q"], ["-n", "hi-diff-compact"]):
        assert pixelmend("deblur", photo, "--overwrite", *choice).stderr == ""


def test_the_result_may_change_format(
    pixelmend: CommandRunner, photo: Path, tmp_path: Path
) -> None:
    for ending, format_ in ((".jpg", "JPEG"), (".tiff", "TIFF"), (".webp", "WEBP")):
        target = tmp_path / f"sharp{ending}"
        assert pixelmend("deblur", photo, "-o", target).code == 0
        with Image.open(target) as restored:
            assert restored.format == format_


def test_16_bits_and_their_profile_go_through(
    pixelmend: CommandRunner, small: Image.Image, tmp_path: Path
) -> None:
    deep = np.asarray(small).astype(np.uint16) * 257 + 3  # values that 8 bits do not have
    metadata = Metadata(icc_profile=RGB["Display P3"], dpi=(300.0, 300.0))
    files.write(ImageFile(pixels=deep, metadata=metadata), tmp_path / "in.tif")
    for target in ("out.tif", "out.png"):
        command_result = pixelmend("deblur", tmp_path / "in.tif", "-o", tmp_path / target)
        assert command_result.code == 0
        result = files.read(tmp_path / target)
        assert result.pixels.dtype == np.uint16
        assert np.unique(result.pixels % 257).size > 50
        assert result.metadata.icc_profile == RGB["Display P3"]


def test_a_result_says_that_it_was_restored_unless_it_must_not(
    pixelmend: CommandRunner, photo: Path
) -> None:
    history_entry = f"Pixelmend {__version__}: deblur, model hi-diff-compact, seed 7\n"
    for option, history in (([], history_entry), (["--no-provenance"], "")):
        assert pixelmend("deblur", photo, "--seed", 7, "--overwrite", *option).code == 0
        xmp = files.read(photo.with_name("photo_deblurred.png")).metadata.xmp
        assert Packet(xmp).text(PHOTOSHOP, "History") == history


def test_what_a_format_has_no_room_for_is_said(
    pixelmend: CommandRunner, small: Image.Image, tmp_path: Path
) -> None:
    deep = np.asarray(small).astype(np.uint16) * 257
    files.write(ImageFile(pixels=deep), tmp_path / "in.png")
    result = pixelmend("deblur", tmp_path / "in.png", "-o", tmp_path / "out.jpg")
    assert result.code == 0
    assert "in.png: JPEG files hold 8 bits per channel; finer tones are lost" in result.stderr


def test_gray_stays_gray_and_alpha_is_untouched(
    pixelmend: CommandRunner, small: Image.Image, tmp_path: Path
) -> None:
    source = small.convert("LA")
    alpha = Image.linear_gradient("L").resize(source.size)
    source.putalpha(alpha)
    source.save(tmp_path / "in.png")
    assert pixelmend("deblur", tmp_path / "in.png").code == 0
    with Image.open(tmp_path / "in_deblurred.png") as restored:
        assert restored.mode == "LA"
        np.testing.assert_array_equal(np.asarray(restored.getchannel("A")), np.asarray(alpha))


def test_no_strength_changes_nothing(pixelmend: CommandRunner, photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "same.png"
    assert pixelmend("deblur", photo, "-o", target, "--strength", "0").code == 0
    with Image.open(photo) as source, Image.open(target) as restored:
        np.testing.assert_array_equal(np.asarray(restored), np.asarray(source))


def test_a_mask_says_what_is_restored(
    pixelmend: CommandRunner, photo: Path, tmp_path: Path
) -> None:
    mask = Image.new("L", (72, 56))
    mask.paste(255, (40, 0, 72, 56))
    mask.save(tmp_path / "mask.png")
    target = tmp_path / "masked.png"
    assert pixelmend("deblur", photo, "-o", target, "--mask", tmp_path / "mask.png").code == 0
    with Image.open(photo) as source, Image.open(target) as restored:
        before, after = np.asarray(source), np.asarray(restored)
    np.testing.assert_array_equal(after[:, :40], before[:, :40])
    assert (after[:, 40:] != before[:, 40:]).any()


def test_a_mask_of_another_size_is_refused(
    pixelmend: CommandRunner, photo: Path, tmp_path: Path
) -> None:
    Image.new("L", (72, 57)).save(tmp_path / "mask.png")
    result = pixelmend("deblur", photo, "--mask", tmp_path / "mask.png")
    assert_told(result, 3, "The mask has 72 x 57 pixels, the picture 72 x 56")
    assert_told(pixelmend("deblur", photo, "--mask", tmp_path / "no.png"), 3, "There is no file")


def test_a_color_profile_is_honored(
    pixelmend: CommandRunner, small: Image.Image, tmp_path: Path
) -> None:
    profile = imagecodecs.cms_profile("adobergb")
    small.save(tmp_path / "wide.png", icc_profile=profile)
    small.save(tmp_path / "plain.png")
    for name in ("wide", "plain"):
        assert pixelmend("deblur", tmp_path / f"{name}.png").code == 0
    with (
        Image.open(tmp_path / "wide_deblurred.png") as wide,
        Image.open(tmp_path / "plain_deblurred.png") as plain,
    ):
        assert wide.info["icc_profile"] == profile
        assert (np.asarray(wide) != np.asarray(plain)).any()  # the model saw other colors


def test_json_tells_how_it_went(pixelmend: CommandRunner, photo: Path) -> None:
    result = pixelmend("deblur", photo, photo.with_name("no.png"), "--json", "--seed", "5")
    restored, failed = (json.loads(line) for line in result.stdout.splitlines())
    assert restored["output"] == str(photo.with_name("photo_deblurred.png"))
    assert (restored["model"], restored["device"], restored["seed"]) == (
        "hi-diff-compact",
        "cuda:0" if torch.cuda.is_available() else "cpu",
        5,
    )
    assert (restored["width"], restored["height"], restored["tiles"]) == (72, 56, 1)
    assert restored["seconds"] > 0
    assert restored["peak_bytes"] > 2**20
    assert failed["error"]["code"] == "bad-image"
    assert result.code == 3


def test_verbose_shows_what_the_engine_logs_but_no_names(photo: Path) -> None:
    options = ["-v", "--device", "cpu", "--in-process"]
    command = [sys.executable, "-m", "pixelmend", "deblur", *options, str(photo)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "restored 72 x 56 pixels with hi-diff-compact in 1 tiles on cpu" in result.stderr
    assert photo.name not in result.stderr


def test_one_bad_file_does_not_stop_the_others(
    pixelmend: CommandRunner, small: Image.Image, tmp_path: Path
) -> None:
    for name in ("1.png", "3.png"):
        small.save(tmp_path / name)
    (tmp_path / "2.png").write_bytes(b"no picture")
    result = pixelmend("deblur", tmp_path / "*.png", "--out-dir", tmp_path / "new" / "folder")
    results = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert results == ["1_deblurred.png", "3_deblurred.png"]
    assert result.code == 3
    assert "`2.png` is no image" in result.stderr
    assert result.stderr.endswith("2 restored, 1 failed\n")


def test_a_result_is_not_replaced_unless_asked(pixelmend: CommandRunner, photo: Path) -> None:
    before = photo.read_bytes()
    assert_told(pixelmend("deblur", photo, "-o", photo), 5, "is there already")
    assert photo.read_bytes() == before
    assert pixelmend("deblur", photo, "-o", photo, "--overwrite").code == 0
    assert photo.read_bytes() != before


def test_weights_of_the_users_own(pixelmend: CommandRunner, photo: Path, tmp_path: Path) -> None:
    assert_told(pixelmend("deblur", photo, "--weights", tmp_path / "x"), 4, "no file or folder")
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "net_g.pth").write_bytes(b"<html>Quota exceeded</html>")
    assert_told(pixelmend("deblur", photo, "--weights", tmp_path / "w"), 4, "damaged")


def test_unknown_models_are_answered_with_the_nearest(
    pixelmend: CommandRunner, photo: Path
) -> None:
    result = pixelmend("deblur", photo, "-n", "hi-diff-copmact")
    assert_told(result, 2, "no model `hi-diff-copmact`")
    assert "Did you mean `hi-diff-compact`?" in result.stderr


def test_missing_weights_say_how_they_are_had(pixelmend: CommandRunner, photo: Path) -> None:
    result = pixelmend("deblur", photo, "-n", "hi-diff-gopro")
    assert_told(result, 4, "weights of `hi-diff-gopro` are not on this computer")
    assert "pixelmend models pull hi-diff-gopro" in result.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="this computer has a GPU")
def test_cuda_where_there_is_none(pixelmend: CommandRunner, photo: Path) -> None:
    result = pixelmend("deblur", photo, "--device", "cuda")
    assert_told(result, 6, "No CUDA GPU")
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]


def test_what_is_wrong_with_every_picture_is_said_once(
    pixelmend: CommandRunner, photo: Path
) -> None:
    second = photo.with_name("second.png")
    second.write_bytes(photo.read_bytes())
    assert_told(pixelmend("deblur", photo, second, "--device", "cuda:99"), 6, "GPU")


def test_a_pattern_that_fits_nothing_does_not_stop_the_others(
    pixelmend: CommandRunner, photo: Path
) -> None:
    result = pixelmend("deblur", photo, photo.with_name("*.heic"))
    assert result.code == 3
    assert result.stdout == f"{photo.with_name('photo_deblurred.png')}\n"
    assert "There is no file" in result.stderr


def test_transparency_and_jpeg(
    pixelmend: CommandRunner, small: Image.Image, tmp_path: Path
) -> None:
    small.putalpha(100)
    small.save(tmp_path / "in.png")
    result = pixelmend("deblur", tmp_path / "in.png", "-o", tmp_path / "out.jpg")
    assert_told(result, 5, "transparency")


def test_a_folder_and_a_missing_file(pixelmend: CommandRunner, tmp_path: Path) -> None:
    assert_told(pixelmend("deblur", tmp_path), 2, "There is no picture in the folder")
    assert_told(pixelmend("deblur", tmp_path / "no.png"), 3, "There is no file")


@pytest.mark.parametrize(
    "arguments",
    [
        ["deblur"],
        ["deblur", "x.png", "--tile", "100"],
        ["deblur", "x.png", "--tile", "many"],
        ["deblur", "x.png", "--strength", "1.5"],
        ["deblur", "x.png", "--strength", "nan"],
        ["deblur", "x.png", "--seed", "-1"],
        ["deblur", "x.png", "--precision", "fp8"],
        ["sharpen", "x.png"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_refused(pixelmend: CommandRunner, arguments: list[str]) -> None:
    result = pixelmend(*arguments)
    assert result.code == 2
    assert "Error: " in result.stderr


def test_models_are_listed(pixelmend: CommandRunner) -> None:
    listed = json.loads(pixelmend("models", "list", "--json").stdout)
    states = {row["id"]: row["weights"] for row in listed}
    assert states["hi-diff-compact"] == "bundled"
    assert states["hi-diff-gopro"] == "missing"
    for row, line in zip(listed, pixelmend("models", "list").stdout.splitlines()[1:], strict=True):
        columns = re.split(r"\s{2,}", line)
        assert columns[:3] == [row["id"], row["task"], row["weights"]]


def test_doctor_finds_nothing_wrong(pixelmend: CommandRunner) -> None:
    result = pixelmend("doctor")
    assert result.code == 0
    assert "ok  weights of hi-diff-compact: sound" in result.stdout
    assert all(entry["hint"] is None for entry in json.loads(pixelmend("doctor", "--json").stdout))


@pytest.mark.parametrize(
    "arguments", [["--help"], ["deblur", "--help"], ["models", "list"], ["engine", "status"]]
)
def test_what_needs_no_torch_does_not_import_it(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from pixelmend_cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"  # `engine status` ends with 1 where none runs
        "assert not {'torch', 'numpy', 'PIL'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", script, *arguments]
    subprocess.run(command, check=True, capture_output=True)

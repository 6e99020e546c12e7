"""Upscaling, restoring and filling, called as a user calls them, with models of random weights."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import random_weights
from conftest import CommandRunner
from PIL import Image

from pixelmend_engine.images import files
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.images.metadata import Metadata
from pixelmend_engine.images.xmp import PHOTOSHOP, Packet


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a file of random weights for a model, once."""
    folder = tmp_path_factory.mktemp("weights")

    def made(model_id: str) -> Path:
        return random_weights.write(model_id, folder / f"{model_id}.safetensors")

    return made


@pytest.fixture
def scan(small: Image.Image, tmp_path: Path) -> Path:
    """A picture of 16 bits with transparency, resolution and EXIF."""
    color = np.asarray(small.resize((48, 40))).astype(np.uint16) * 257
    alpha = np.full((40, 48, 1), 65_535, np.uint16)
    alpha[10:20, 10:24] = 0
    exif = Image.Exif()
    exif[271] = "A scanner"
    metadata = Metadata(dpi=(300.0, 300.0), exif=b"Exif\0\0" + exif.tobytes())
    path = tmp_path / "scan.tif"
    files.write(ImageFile(pixels=np.concatenate([color, alpha], axis=2), metadata=metadata), path)
    return path


@pytest.mark.parametrize(("model", "scale"), [("diffir-realsr-x4", 4), ("diffir-realsr-x2", 2)])
def test_a_picture_is_enlarged_with_all_that_belongs_to_it(
    model: str, scale: int, scan: Path, weights: Callable[[str], Path], pixelmend: CommandRunner
) -> None:
    command_result = pixelmend("upscale", scan, "-n", model, "--weights", weights(model), "--json")
    assert command_result.code == 0, command_result.stderr
    facts = json.loads(command_result.stdout)
    assert (facts["model"], facts["scale"]) == (model, scale)
    assert facts["source_type"] == "compositeWithTrainedAlgorithmicMedia"
    result = files.read(scan.with_name(f"scan_x{scale}.tif"))
    assert result.pixels.shape == (40 * scale, 48 * scale, 4)
    assert result.pixels.dtype == np.uint16
    assert result.metadata.dpi == (300 * scale, 300 * scale)
    assert b"A scanner" in (result.metadata.exif or b"")
    assert result.metadata.xmp is not None
    assert model in (Packet(result.metadata.xmp).text(PHOTOSHOP, "History") or "")
    assert result.alpha is not None
    assert (result.alpha[12 * scale : 18 * scale, 12 * scale : 22 * scale] == 0).all()
    assert (result.alpha[24 * scale :] == 65_535).all()


def test_a_picture_is_restored_at_its_size(
    scan: Path, weights: Callable[[str], Path], pixelmend: CommandRunner
) -> None:
    model = "diffir-realsr-x1"
    result = pixelmend("restore", scan, "-n", model, "--weights", weights(model))
    assert result.code == 0, result.stderr
    before, after = files.read(scan), files.read(scan.with_name("scan_restored.tif"))
    assert after.pixels.shape == before.pixels.shape
    assert after.metadata.dpi == before.metadata.dpi
    np.testing.assert_array_equal(after.pixels[..., 3], before.pixels[..., 3])
    assert (after.pixels[..., :3] != before.pixels[..., :3]).any()


def test_what_the_model_that_was_found_has_no_option_for_is_said(
    scan: Path, weights: Callable[[str], Path], pixelmend: CommandRunner
) -> None:
    arguments = ("restore", scan, "--weights", weights("diffir-realsr-x1"), "--overwrite")
    result = pixelmend(*arguments, "--prompt", "a street", "--steps", 20)
    assert result.code == 0, result.stderr
    assert "`diffir-realsr-x1` has no prompt, steps, which was left out" in result.stderr
    assert "left out" not in pixelmend(*arguments).stderr
    result = pixelmend(*arguments, "-n", "diffir-realsr-x1", "--prompt", "a street")
    assert result.code == 2
    assert "The model `diffir-realsr-x1` has no option prompt" in result.stderr


def test_holes_are_filled_and_the_rest_stays_to_the_bit(
    scan: Path, weights: Callable[[str], Path], pixelmend: CommandRunner
) -> None:
    model = "diffir-inpaint-places"
    mask = np.zeros((40, 48), np.uint8)
    mask[25:30, 5:30] = 255
    Image.fromarray(mask).save(scan.with_name("mask.png"))
    before = files.read(scan).pixels
    options = ("-n", model, "--weights", weights(model))
    result = pixelmend("inpaint", scan, "--mask", scan.with_name("mask.png"), *options)
    assert result.code == 0, result.stderr
    after = files.read(scan.with_name("scan_filled.tif")).pixels
    np.testing.assert_array_equal(after[mask == 0], before[mask == 0])
    assert (after[mask == 255] != before[mask == 255]).any()

    filled = scan.with_name("filled.tif")
    assert pixelmend("inpaint", scan, "--mask", "alpha", *options, "-o", filled).code == 0
    after = files.read(filled).pixels
    assert (after[..., 3] == 65_535).all()
    opaque = before[..., 3] == 65_535
    np.testing.assert_array_equal(after[opaque], before[opaque])


def test_dust_is_found_in_the_infrared_channel_and_filled(
    weights: Callable[[str], Path], pixelmend: CommandRunner, small: Image.Image, tmp_path: Path
) -> None:
    model = "diffir-inpaint-places"
    options = ["-n", model, "--weights", weights(model)]
    color = np.asarray(small.convert("RGB").resize((64, 48))).astype(np.uint16) * 257
    infrared = np.full((48, 64, 1), 60_000, np.uint16)
    infrared[20:24, 30:34] = 5_000
    path = tmp_path / "film.tif"
    files.write(ImageFile(pixels=color, further=infrared), path)
    result = pixelmend("inpaint", path, "--dust-from-infrared", *options)
    assert result.code == 0, result.stderr
    filled = files.read(tmp_path / "film_filled.tif")
    changed = (filled.pixels != color).any(axis=2)
    assert changed[20:24, 30:34].all()
    changed[16:28, 26:38] = False
    assert not changed.any()
    np.testing.assert_array_equal(filled.further, infrared)
    assert pixelmend("inpaint", path, "--dust-from-infrared", "--mask", "alpha").code == 2


def test_weights_name_their_model_where_the_user_does_not(
    scan: Path, weights: Callable[[str], Path], pixelmend: CommandRunner
) -> None:
    result = pixelmend(
        "upscale", scan, "-s", "2", "--weights", weights("diffir-realsr-x2"), "--json"
    )
    answer = json.loads(result.stdout)
    assert answer["model"] == "diffir-realsr-x2"
    assert "if they are of `diffir-realsr-x2-v2`, say so with --model" in " ".join(answer["notes"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("upscale", "-s", "9"), 2, "none of auto and a number from 1 to 8"),
        (("upscale", "-s", "nan"), 2, "none of auto and a number from 1 to 8"),
        (("upscale", "-s", "3", "-n", "diffir-realsr-x4"), 2, "enlarges 4 times, not 3"),
        (("upscale", "-s", "3"), 4, "The weights of `diffbir-v2.1` are not on this computer"),
        (("upscale", "-s", "4", "-n", "diffir-realsr-x2"), 2, "enlarges 2 times, not 4"),
        (("upscale", "-n", "hi-diff-gopro"), 2, "not one for `upscale`"),
        (("upscale",), 4, "The weights of `diffir-realsr-x4` are not on this computer"),
        (("inpaint",), 2, "--mask"),
        (("inpaint", "--mask", "alpha"), 4, "The weights of `diffir-inpaint-places` are not"),
    ],
    ids=str,
)
def test_what_can_not_be_is_told_before_the_work(
    arguments: tuple[str, ...], code: int, message: str, scan: Path, pixelmend: CommandRunner
) -> None:
    result = pixelmend(*arguments, scan)
    assert message in result.stderr
    assert result.code == code
    assert list(scan.parent.glob("scan_*")) == []


def test_a_result_that_its_format_can_not_hold_is_refused_before_the_work(
    weights: Callable[[str], Path], pixelmend: CommandRunner, tmp_path: Path
) -> None:
    Image.new("RGB", (5000, 20)).save(tmp_path / "long.png")
    model = "diffir-realsr-x4"
    result = pixelmend(
        *("upscale", tmp_path / "long.png", "-n", model, "--weights", weights(model)),
        *("-o", tmp_path / "long.webp"),
    )
    assert "a side of 20000 pixels" in result.stderr
    assert not (tmp_path / "long.webp").exists()


@pytest.mark.parametrize("task", ["denoise", "restore"])
def test_what_ships_restores_without_a_network(
    task: str, pixelmend: CommandRunner, photo: Path, tmp_path: Path
) -> None:
    result = pixelmend(task, photo, "--offline", "--json", "--out-dir", tmp_path / "out")
    facts = json.loads(result.stdout)
    assert facts["model"] == "compact"
    assert "`pixelmend models pull diffbir-v2.1` gets them" in " ".join(facts["notes"])
    with Image.open(facts["output"]) as restored, Image.open(photo) as original:
        assert restored.size == original.size


def test_a_marked_face_is_restored_without_a_network(
    pixelmend: CommandRunner, tmp_path: Path, astronaut: np.ndarray
) -> None:
    sharp = astronaut[40:200, 140:300].astype(float)
    noise = np.random.default_rng(0).normal(0, 25, sharp.shape)
    noisy = np.clip(sharp + noise, 0, 255).astype(np.uint8)
    photo = tmp_path / "noisy.png"
    Image.fromarray(noisy).save(photo)
    result = pixelmend("face", photo, "--offline", "--json", "--box", "40,20,90,110")
    facts = json.loads(result.stdout)
    assert facts["model"] == "compact"
    with Image.open(facts["output"]) as image:
        restored = np.array(image)
    middle = (slice(50, 100), slice(60, 110))
    errors = [np.square(image[middle] - sharp[middle]).mean() for image in (noisy, restored)]
    assert errors[1] < errors[0] / 2
    corner = (slice(0, 12), slice(140, 160))  # beyond the feather
    np.testing.assert_array_equal(restored[corner], noisy[corner])

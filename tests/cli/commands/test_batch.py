"""The command's options are those of its tasks, and it restores with real models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pixelmend.errors import BadRequest
from pixelmend_cli.commands import batch


def test_an_option_goes_to_all_tasks_that_have_it() -> None:
    first, second = batch.steps_of(("denoise", "upscale"), {"seed": 3, "scale": 2, "fresh": True})
    assert first == {"task": "denoise", "model": "auto", "seed": 3}
    assert second == {"task": "upscale", "model": "auto", "seed": 3, "scale": 2}
    with pytest.raises(BadRequest, match="--scale is no option of denoise"):
        batch.steps_of(("denoise",), {"scale": 2})


def test_each_task_may_have_its_model() -> None:
    chosen = {"model": "denoise=diffbir-v2, upscale=diffir-realsr-x2"}
    steps = batch.steps_of(("denoise", "upscale"), chosen)
    assert [step["model"] for step in steps] == ["diffbir-v2", "diffir-realsr-x2"]
    with pytest.raises(BadRequest, match="names `face`"):
        batch.steps_of(("denoise",), {"model": "face=x"})


def test_pictures_are_restored_by_a_real_model(
    pixelmend: Callable[..., Any], photo: Path, tmp_path: Path
) -> None:
    target = tmp_path / "restored"
    arguments = ("batch", photo, target, "--task", "deblur", "-n", "hi-diff-compact", "--seed", 3)
    result = pixelmend(*arguments, "--workers", 1, "--stall-timeout", 30)
    assert result.code == 0, result.stderr
    assert "1 of 1 pictures are restored, 0 failed" in result.stdout
    assert (
        pixelmend("deblur", photo, "-n", "hi-diff-compact", "--seed", 3, "--in-process").code == 0
    )
    alone, many = photo.with_name("photo_deblurred.png"), target / "photo.png"
    with Image.open(alone) as one, Image.open(many) as other:
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("workers", ["0", "many", "²"])
def test_a_number_of_workers_that_is_none(
    workers: str, pixelmend: Callable[..., Any], tmp_path: Path
) -> None:
    arguments = ("batch", tmp_path, tmp_path / "x", "--task", "deblur", "--workers", workers)
    assert pixelmend(*arguments).code == 2


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf", "soon"])
def test_minutes_that_are_none(minutes: str, pixelmend: Callable[..., Any], tmp_path: Path) -> None:
    arguments = ("batch", tmp_path, tmp_path / "x", "--task", "deblur", "--stall-timeout", minutes)
    result = pixelmend(*arguments)
    assert result.code == 2
    assert "none of auto and a number of minutes" in result.stderr

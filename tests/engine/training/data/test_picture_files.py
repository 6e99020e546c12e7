"""Pictures for training and evaluation: sRGB in 8 bit, whatever the file has."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pixelmend.errors import BadImage
from pixelmend_engine.images import files
from pixelmend_engine.images.image_file import ImageFile
from pixelmend_engine.training.data import picture_files


def test_colors_come_back_as_they_were_saved(small: Image.Image, photo: Path) -> None:
    expected = torch.from_numpy(np.array(small)).permute(2, 0, 1)
    assert torch.equal(picture_files.read_rgb8(photo), expected)


def test_gray_deep_and_transparent_files_become_rgb(small: Image.Image, tmp_path: Path) -> None:
    rgb = np.array(small)
    gray = np.array(small.convert("L"))[..., None]
    deep = rgb.astype(np.uint16) * 257
    veiled = np.concatenate([rgb, np.full_like(gray, 128)], axis=2)
    wanted = {"gray.png": np.repeat(gray, 3, axis=2), "deep.png": rgb, "veiled.png": rgb}
    for (name, expected), pixels in zip(wanted.items(), (gray, deep, veiled), strict=True):
        files.write(ImageFile(pixels=pixels), tmp_path / name)
        read = picture_files.read_rgb8(tmp_path / name)
        assert torch.equal(read, torch.from_numpy(expected).permute(2, 0, 1)), name


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").touch()
    with pytest.raises(BadImage, match="no pictures"):
        picture_files.list_pictures(tmp_path)

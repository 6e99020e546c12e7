"""Which network is in which file; what a training leaves is completed by what is published."""

from pathlib import Path

import pytest
import torch
from fakes import CPU
from small_diffbir import small, write

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.models import loading
from pixelmend_engine.models.diffbir.model import DiffBIRPipeline
from pixelmend_engine.weights.checkpoints import reading


def test_networks_that_a_training_did_not_make_are_the_published_ones(tmp_path: Path) -> None:
    spec = small("diffbir-v2.1")
    assert isinstance(spec.config, DiffBIRConfig)
    published = write(spec, tmp_path)
    theirs = reading.read(tmp_path / "swinir.pth")
    trained = tmp_path / "trained"
    trained.mkdir()
    own = {f"swinir.{key}": tensor + 1 for key, tensor in theirs.items()}
    torch.save(own, trained / "model.pth")
    files = [trained / "model.pth"]

    _, pipeline = loading.load([spec], files, CPU, torch.float32, published)
    assert isinstance(pipeline, DiffBIRPipeline)
    assert set(dict(pipeline.networks.named_children())) >= {"unet", "control", "swinir_face"}
    for name, module in (("swinir", 1.0), ("swinir_face", 0.0)):
        state = pipeline.networks.get_submodule(name).state_dict()
        source = theirs if module else reading.read(tmp_path / "face_cleaner.pth")
        assert torch.equal(state["conv_last.bias"], source["conv_last.bias"] + module)
    with pytest.raises(UnreadableCheckpoint, match="not all there, missing: autoencoder"):
        loading.load([spec], files, CPU, torch.float32)

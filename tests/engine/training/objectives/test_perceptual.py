"""The networks that compare pictures read the published files, and say how pictures differ."""

from pathlib import Path

import pytest
import torch

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.training.objectives import perceptual


def test_a_file_of_vgg_is_read_without_its_classifier(tmp_path: Path) -> None:
    network = perceptual.VGG19()
    state = network.state_dict()
    # Convolutions and activations are counted together in torchvision's names, pools too.
    assert [*state][::2][:5] == [f"features.{n}.weight" for n in (0, 2, 5, 7, 10)]
    assert [*state][-1] == "features.34.bias"
    assert state["features.34.weight"].shape == (512, 512, 3, 3)
    path = tmp_path / "vgg19.pth"
    torch.save({**state, "classifier.0.weight": torch.ones(2)}, path)
    read = perceptual.load("vgg19", path)
    assert all(torch.equal(value, state[key]) for key, value in read.state_dict().items())
    assert not any(parameter.requires_grad for parameter in read.parameters())
    with pytest.raises(UnreadableCheckpoint, match="missing"):
        perceptual.load("ade20k", path)


def test_a_residual_network_keeps_its_size_after_an_eighth(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "encoder.pth"
    state = perceptual.DilatedResNet50().state_dict()
    old = {key: value for key, value in state.items() if "num_batches" not in key}
    torch.save({**old, "bn1._running_iter": torch.ones(1)}, path)
    read = perceptual.load("ade20k", path)
    assert "layer1.0.downsample.1.running_var" in state
    # The usual one has 23,508,032; three convolutions instead of one, and twice as wide, add these.
    assert sum(p.numel() for p in read.parameters()) == 23_508_032 + 123_776
    features = read(torch.rand(1, 3, 64, 64))
    assert [tuple(level.shape[1:]) for level in features] == [
        (256, 16, 16), (512, 8, 8), (1024, 8, 8), (2048, 8, 8),
    ]  # fmt: skip
    dilations = {read.get_submodule(f"layer{n}.{b}.conv2").dilation for n in (3, 4) for b in (0, 1)}
    assert dilations == {(1, 1), (2, 2), (4, 4)}


@pytest.mark.parametrize("perceptual_network", ["vgg19", "ade20k"])
def test_pictures_that_are_alike_do_not_differ(
    perceptual_network: perceptual.PerceptualNetworkName,
) -> None:
    torch.manual_seed(0)
    network = perceptual.freeze(perceptual.build(perceptual_network))
    picture = torch.rand(1, 3, 32, 32)
    assert network.loss(picture, picture).item() == 0
    near, far = ((picture + a * torch.rand(1, 3, 32, 32)).requires_grad_() for a in (0.01, 0.5))
    losses = [network.loss(other, picture) for other in (near, far)]
    assert 0 < losses[0].item() < losses[1].item()
    losses[1].backward()
    assert far.grad is not None
    assert far.grad.abs().sum() > 0

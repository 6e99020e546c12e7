"""What training leaves behind has every name, shape and number of the published files."""

import pytest
import torch
from golden.test_diffir import PUBLISHED, SYSTEMS, Golden
from golden.test_discriminators import discriminator
from golden.test_training import diffir
from golden.vectors import manifest
from torch import Tensor

from pixelmend_engine.training import published_format
from pixelmend_engine.training.objectives.adversarial_losses import PatchGanLoss
from pixelmend_engine.training.objectives.diffir import DiffIRObjective
from pixelmend_engine.training.objectives.discriminators import PatchDiscriminator
from pixelmend_engine.training.recipes import registry
from pixelmend_engine.training.recipes.recipe import StageNumber

Content = dict[str, dict[str, Tensor]]


def laid_out(objective: DiffIRObjective) -> dict[str, Content]:
    trained = {name: objective.parts[name].state_dict() for name in objective.trained_parts}
    return published_format.to_published(objective, trained, trained, 7)  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("system", [system for system in SYSTEMS if system != "inpainting"])
def test_a_file_of_basicsr(system: str, number: StageNumber) -> None:
    golden = Golden(system)
    ((name, content),) = laid_out(diffir(golden, number, torch.float32)).items()
    assert name == f"DiffIRS{number}.pth"
    expected = golden.state(f"s{number}")
    for state in (content["params"], content["params_ema"]):
        assert state.keys() == expected.keys()
        assert all(torch.equal(state[key], value) for key, value in expected.items())


def test_a_checkpoint_of_lightning() -> None:
    golden = Golden("inpainting")
    objective = diffir(golden, 2, torch.float32)
    objective.gan_loss = PatchGanLoss(discriminator(PatchDiscriminator, golden, torch.float32))
    state = laid_out(objective)["last.ckpt"]["state_dict"]
    expected = {f"generator.{key}": value for key, value in golden.state("s2").items()}
    expected |= {
        f"discriminator.{key.removeprefix('state/disc/')}": value
        for key, value in golden.tensors.items()
        if key.startswith("state/disc/")
    }
    assert state.keys() == expected.keys()
    assert all(
        torch.equal(state[key].reshape(value.shape), value) for key, value in expected.items()
    )


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("system", [name for name in PUBLISHED if "inpainting" not in name])
def test_names_and_shapes_in_full_size(system: str, number: StageNumber) -> None:
    stage = registry.find("diffir-deblur").stage(number)
    with torch.device("meta"):
        objective = DiffIRObjective(PUBLISHED[system], number, stage, torch.float32)
    (content,) = laid_out(objective).values()
    shapes = {key: list(value.shape) for key, value in content["params"].items()}
    assert shapes == manifest(f"diffir-{system}-s{number}")

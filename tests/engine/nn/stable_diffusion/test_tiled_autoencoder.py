"""The autoencoder in steps between its norms; its figures, whole and in tiles, are in golden."""

import pytest
import torch
from golden import recipe

from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder
from pixelmend_engine.nn.stable_diffusion.tiled_autoencoder import steps_between_norms


@pytest.mark.parametrize(
    ("half", "shape"), [("encoder", (2, 3, 24, 40)), ("decoder", (2, 4, 3, 5))]
)
def test_the_steps_are_those_of_forward(half: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    network = Autoencoder(recipe.AUTOENCODER).get_submodule(half).requires_grad_(False)
    x = torch.randn(shape)
    stack = [x]
    for norm in steps_between_norms(network, stack):
        stack[-1] = norm(stack[-1])
    (result,) = stack
    assert torch.equal(result, network(x))

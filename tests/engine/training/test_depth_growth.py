"""Weights of a network with fewer blocks: what the new blocks are, and that they change nothing."""

import dataclasses

import pytest
import torch
from small_hidiff import CONFIG

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.hidiff import HIDiffConfig
from pixelmend_engine.models.hidiff import HIDiff, Transformer, TransformerBlock
from pixelmend_engine.training.depth_growth import grow_depth
from pixelmend_engine.training.objectives.hidiff import HIDiffObjective
from pixelmend_engine.training.recipes.recipe import Phase, Stage
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_parts

DEEPER = dataclasses.replace(CONFIG, blocks=(1, 1, 3, 2), refinement_blocks=2)
STAGE = Stage(phases=(Phase(1, 32, 2),), rates=())


def transformer(config: HIDiffConfig, seed: int) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(config)


def filled(state: StateDict, config: HIDiffConfig) -> Transformer:
    network = transformer(config, seed=1)
    fill_parts({"net_g": network}, ["net_g"], {"net_g": state})
    return network


@pytest.fixture
def shallow() -> Transformer:
    return transformer(CONFIG, seed=0)


def test_a_deeper_network_begins_by_doing_what_the_other_did(shallow: Transformer) -> None:
    state = grow_depth(shallow.state_dict(), transformer(DEEPER, seed=1), TransformerBlock)
    deep = filled(state, DEEPER)
    pictures = torch.rand(2, 3, 32, 32)
    prior = torch.randn(2, CONFIG.prior_tokens, CONFIG.prior_dim)
    with torch.no_grad():
        assert torch.equal(deep(pictures, prior), shallow(pictures, prior))


def test_new_blocks_copy_the_last_one_of_their_level_and_are_told(
    shallow: Transformer, caplog: pytest.LogCaptureFixture
) -> None:
    given = shallow.state_dict()
    state = grow_depth(given, transformer(DEEPER, seed=1), TransformerBlock)
    assert (
        "6 new ones" in caplog.text
    )  # two in each half of the third level, one at the lowest, one to refine
    assert all(torch.equal(state[key], tensor) for key, tensor in given.items())
    for key in state.keys() - given.keys():
        level, _, rest = key.partition(".blocks.")
        number, _, name = rest.partition(".")
        assert int(number) > 0
        last = given[f"{level}.blocks.0.{name}"]
        assert torch.equal(state[key], torch.zeros_like(last) if "project_out" in name else last)


def test_new_blocks_learn(shallow: Transformer) -> None:
    networks = HIDiff(DEEPER, teacher=False)
    objective = HIDiffObjective(networks, 2, STAGE, torch.float32)
    start = {
        "net_g": shallow.state_dict(),
        "net_le_dm": networks.net_le_dm.state_dict(),
        "net_d": networks.net_d.state_dict(),
    }
    objective.load_initial({}, start)
    objective.set_trainable(prior_only=False)
    pictures = torch.rand(2, 2, 3, 32, 32)
    outcome = objective(pictures[0], pictures[1], torch.randn(2, *networks.prior_shape))
    outcome.losses["pixels"].backward()
    for level in (networks.net_g.latent, networks.net_g.decoder_level3, networks.net_g.refinement):
        for branch in ("attn", "ffn"):
            weight = level.blocks[-1].get_parameter(f"{branch}.project_out.weight")
            assert weight.grad is not None
            assert weight.grad.abs().max() > 0


def test_a_network_of_as_many_blocks_is_left_as_it_is(
    shallow: Transformer, caplog: pytest.LogCaptureFixture
) -> None:
    state = shallow.state_dict()
    again = grow_depth(state, transformer(CONFIG, seed=1), TransformerBlock)
    assert again.keys() == state.keys()
    assert all(again[key] is tensor for key, tensor in state.items())
    assert not caplog.records


def test_blocks_are_not_made_from_nothing(shallow: Transformer) -> None:
    state = {key: value for key, value in shallow.state_dict().items() if "latent" not in key}
    with pytest.raises(UnreadableCheckpoint, match=r"tensors are missing: net_g\.latent"):
        filled(grow_depth(state, transformer(DEEPER, seed=1), TransformerBlock), DEEPER)


def test_deeper_weights_do_not_fit_a_shallower_network() -> None:
    state = transformer(DEEPER, seed=0).state_dict()
    with pytest.raises(UnreadableCheckpoint, match="tensors are there that the model does not"):
        filled(grow_depth(state, transformer(CONFIG, seed=1), TransformerBlock), CONFIG)

"""What DiffBIR's restoration module is trained to do: remove degradations, and make nothing up.

Source: arXiv:2308.15070, section 3.1, and the published code (see `models/diffbir/model.py`).
"""

from collections.abc import Mapping, Sized

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.catalog.diffbir import DiffBIRConfig, RestorationModule
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.nn.swinir import SwinBlock, SwinIR, WindowAttention
from pixelmend_engine.training.objectives.pixel_losses import PIXEL_LOSSES
from pixelmend_engine.training.objectives.step_losses import StepLosses
from pixelmend_engine.training.recipes.recipe import Stage
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_parts

DROPPED = 0.1  # of the last block's residuals in training, less before; published
INITIAL_DEVIATION = 0.02  # of weights of linear layers, and of relative positions; published

Pictures = Float[Tensor, "b 3 h w"]
Draws = Float[Tensor, "b n 2"]  # [0, 1)


class RestorationObjective(nn.Module):
    """The network and what is asked of it: losses in `forward`, so that several GPUs share it."""

    block = SwinBlock  # what is worth compiling
    gan_loss = None

    def __init__(self, config: DiffBIRConfig, stage: Stage, dtype: torch.dtype) -> None:
        super().__init__()
        self.name: RestorationModule = config.restoration_modules[0][1]
        self.networks = nn.ModuleDict({self.name: SwinIR(config.swinir)})
        self.pixel_loss = PIXEL_LOSSES[stage.pixel_loss]
        self.sums = stage.pixel_loss == "squares"
        self.dtype = dtype

    @property
    def network(self) -> SwinIR:
        """What is trained."""
        network = self.networks[self.name]
        assert isinstance(network, SwinIR)
        return network

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The network by its name in checkpoints."""
        return {self.name: self.network}

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """The parts that the stage leaves behind."""
        return (self.name,)

    def set_trainable(self, *, prior_only: bool) -> None:
        """Trains all of it; there is no prior."""
        assert not prior_only

    def load_initial(self, states: Mapping[str, StateDict]) -> None:
        """Goes on with weights of the network, and begins with random ones where there are none.

        Raises:
            UnreadableCheckpoint: They are those of another.
        """
        if states:
            fill_parts(self.parts, self.parts, states)
        else:
            initialize(self.network)

    def draw(self, batch: Sized, generator: torch.Generator) -> Draws:
        """Draws which residuals are left out, for each picture."""
        return torch.rand(len(batch), self.network.block_count, 2, generator=generator)

    def forward(self, lq: Pictures, hq: Pictures, draws: Draws) -> StepLosses:
        """Returns the loss: squared errors, added up as published, or the mean of absolute ones."""
        factors = stochastic_depth(draws)
        with autocast(lq.device, self.dtype):
            restored = self.network(lq, factors, recompute=True)
        loss = self.pixel_loss(restored.float(), hq)
        return StepLosses({"squares" if self.sums else "pixels": loss}, {}, restored)

    def predict(self, lq: Pictures, hq: Pictures, draws: Draws) -> Pictures:  # noqa: ARG002 - others look at them
        """Restores pictures."""
        with autocast(lq.device, self.dtype):
            return self.network(lq).float()


def stochastic_depth(draws: Draws) -> Draws:
    """Returns the factors of residuals: 0 for those left out; the mean stays 1."""
    kept = 1 - torch.linspace(0, DROPPED, draws.shape[1], device=draws.device)[:, None]
    return (draws < kept).float() / kept


def initialize(network: SwinIR) -> None:
    """Fills a network with random weights, as published."""
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=INITIAL_DEVIATION)
            nn.init.zeros_(module.bias)
        elif isinstance(module, WindowAttention):
            nn.init.trunc_normal_(module.relative_position_bias_table, std=INITIAL_DEVIATION)

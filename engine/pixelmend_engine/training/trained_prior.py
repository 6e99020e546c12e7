"""The prior of networks in training, as `prior_health` looks at it."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.training.evaluation.prior_health import SEED, clamps
from pixelmend_engine.training.initial_weights import PriorObjective

Pictures = Float[Tensor, "1 c h w"]
Restored = Float[Tensor, "1 3 hs ws"]
Prior = Float[Tensor, "1 ..."]


class TrainedPrior:
    """The networks of a stage, as they are validated."""

    def __init__(self, objective: PriorObjective, device: torch.device) -> None:
        self._objective = objective
        self._device = device
        noise = torch.randn(
            1, *objective.prior_shape, generator=torch.Generator().manual_seed(SEED)
        )
        self._noise = noise.to(device)

    @property
    def encoder(self) -> nn.Module:
        """The stage's encoder: the teacher in stage 1."""
        return self._objective.encoder

    @property
    def clamps(self) -> bool:
        """Whether the stage diffuses, by a clamped chain."""
        return self._objective.number > 1 and clamps(self._objective.networks)

    def prior(self, lq: Pictures, hq: Restored) -> Prior:
        """Returns the prior that the stage validates with."""
        return self._objective.predict_prior(lq.to(self._device), hq.to(self._device), self._noise)

    def restore(self, lq: Pictures, prior: Prior) -> Restored:
        """Restores a picture as the stage does."""
        return self._objective.run_transformer(lq.to(self._device), prior.to(self._device))

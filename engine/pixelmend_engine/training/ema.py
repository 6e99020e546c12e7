"""The exponential moving average (EMA) of weights in training, smoother than the last of them."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

WARM_UP = 10  # steps; before, the average would be mostly of what the weights began with


class WeightEma:
    """Averages of parameters, by name. With a decay of None they are the parameters themselves."""

    def __init__(self, parameters: Mapping[str, nn.Parameter], decay: float | None) -> None:
        self._parameters = parameters
        self._decay = decay
        self._averages: dict[str, Tensor] = {}
        if decay is not None:
            self._averages = {name: p.detach().clone() for name, p in parameters.items()}

    def update(self, step: int) -> None:
        """Takes in the weights that a step, counted from 1, has led to."""
        if self._decay is None:
            return
        decay = min(self._decay, (1 + step) / (WARM_UP + step))
        current = [parameter.detach() for parameter in self._parameters.values()]
        get_ema_multi_avg_fn(decay)([*self._averages.values()], current, step)

    @contextmanager
    def applied(self) -> Generator[None]:
        """Puts the averages in the parameters' place, and these back at the end, to the bit."""
        trained = {name: self._parameters[name].detach().clone() for name in self._averages}
        try:
            self._fill(self._averages)
            yield
        finally:
            self._fill(trained)

    def _fill(self, values: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in values.items():
                self._parameters[name].copy_(value)

    def state_dict(self) -> dict[str, Tensor]:
        """Returns the averages, to be kept; nothing where there are none."""
        return dict(self._averages)

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Takes up averages that were kept."""
        for name, average in self._averages.items():
            average.copy_(state[name])

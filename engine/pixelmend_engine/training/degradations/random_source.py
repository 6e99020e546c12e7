"""Numbers that are drawn one by one, on the CPU, wherever the pictures are."""

import torch


class RandomSource:
    """Draws from one generator, so that a seed decides all of it."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def uniform(self, low: float, high: float) -> float:
        """Draws a number between two."""
        share = torch.rand((), generator=self._generator, dtype=torch.float64).item()
        return low + (high - low) * share

    def integer(self, low: int, high: int) -> int:
        """Draws a whole number, both ends included."""
        return int(torch.randint(low, high + 1, (), generator=self._generator))

    def normal(self, deviation: float) -> float:
        """Draws from a normal distribution around 0."""
        value = torch.randn((), generator=self._generator, dtype=torch.float64)
        return deviation * value.item()

    def bernoulli(self, share: float) -> bool:
        """Returns true in this share of the calls."""
        return self.uniform(0.0, 1.0) < share

    def categorical(self, shares: tuple[float, ...]) -> int:
        """Draws the number of one of several, each as often as its share says."""
        weights = torch.tensor(shares, dtype=torch.float64)
        return int(torch.multinomial(weights, 1, generator=self._generator))

    def noise_generator(self, device: torch.device) -> torch.Generator:
        """Makes a generator of the device, for what is drawn for each pixel."""
        seed = int(torch.randint(2**62, (), generator=self._generator))
        return torch.Generator(device).manual_seed(seed)

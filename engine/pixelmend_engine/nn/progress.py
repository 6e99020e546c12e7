"""How far a network is, by forward hooks on its blocks: networks themselves know nothing of it."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from torch import nn


@contextmanager
def reporting(
    weights: Mapping[nn.Module, int], report: Callable[[int, int], None]
) -> Generator[None]:
    """Calls `report(done, total)` after each of the blocks, weighed by its share of the work."""
    done, total = 0, sum(weights.values())

    def after(block: nn.Module, *_: object) -> None:
        nonlocal done
        done += weights[block]
        report(done, total)

    handles = [block.register_forward_hook(after) for block in weights]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()

"""How fast this computer is, so that what takes long can be told before it begins."""

import time

import torch

SIDE = 1024  # of the matrices
REFERENCE_S = 0.012  # for one product, where the figures were taken (docs/performance.md)


def pace() -> float:
    """Returns how many times longer this CPU takes than the one that figures were taken on."""
    left, right = torch.ones(SIDE, SIDE), torch.ones(SIDE, SIDE)
    shortest = float("inf")
    for _ in range(3):
        started = time.monotonic()
        torch.mm(left, right)
        shortest = min(shortest, time.monotonic() - started)
    return shortest / REFERENCE_S

"""What does not fit into memory is tried again with less: tiles, pictures at once, memory."""

from collections.abc import Callable
from typing import TypeVar

import torch

from pixelmend.errors import OutOfMemory
from pixelmend_engine.inference import devices

Size = TypeVar("Size")
Result = TypeVar("Result")


def retry_with_less(
    attempt: Callable[[Size], Result],
    size: Size,
    halve: Callable[[Size], Size | None],
    device: torch.device,
) -> Result:
    """Calls `attempt` with a size, and where memory is short of it with half of that, and so on.

    Raises:
        Exception: What `attempt` raised last, where `halve` returned None: nothing less can be
            tried. What is no want of memory comes out at once.
    """
    while True:
        try:
            return attempt(size)
        except (RuntimeError, MemoryError, OutOfMemory) as error:
            if not (isinstance(error, OutOfMemory) or devices.is_out_of_memory(error)):
                raise
            half = halve(size)
            if half is None:
                raise
            size = half
        # Outside of the handler, where the error no longer holds the tensors it met.
        devices.give_back(device)

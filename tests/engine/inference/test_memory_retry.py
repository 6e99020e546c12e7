"""What does not fit into memory is tried with less, and what fails otherwise is not."""

import gc
import weakref

import pytest
import torch

from pixelmend.errors import OutOfMemory
from pixelmend_engine.inference.memory_retry import retry_with_less

CPU = torch.device("cpu")
SHORTAGES = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("can't allocate memory: 9 bytes"),
    MemoryError(),
    OutOfMemory("It does not fit", hint="Close other programs"),
]


def half(size: int) -> int | None:
    return size // 2 or None


@pytest.mark.parametrize("shortage", SHORTAGES, ids=lambda error: type(error).__name__)
def test_half_is_tried_until_it_fits(shortage: Exception) -> None:
    sizes: list[int] = []

    def attempt(size: int) -> str:
        sizes.append(size)
        if size > 3:
            raise shortage
        return f"done with {size}"

    assert retry_with_less(attempt, 12, half, CPU) == "done with 3"
    assert sizes == [12, 6, 3]


@pytest.mark.parametrize("shortage", SHORTAGES, ids=lambda error: type(error).__name__)
def test_the_last_want_of_memory_comes_out_where_nothing_less_is_left(shortage: Exception) -> None:
    sizes: list[int] = []

    def attempt(size: int) -> None:
        sizes.append(size)
        raise shortage

    with pytest.raises(type(shortage)):
        retry_with_less(attempt, 4, half, CPU)
    assert sizes == [4, 2, 1]


def test_another_failure_is_not_tried_again() -> None:
    sizes: list[int] = []

    def attempt(size: int) -> None:
        sizes.append(size)
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        retry_with_less(attempt, 4, half, CPU)
    assert sizes == [4]


def test_what_an_attempt_held_is_free_for_the_next() -> None:
    class Activations:
        pass

    held: list[weakref.ref[Activations]] = []

    def attempt(size: int) -> None:
        gc.collect()
        assert [one() for one in held] == [None] * len(held)
        activations = Activations()
        held.append(weakref.ref(activations))
        if size > 1:
            raise MemoryError

    retry_with_less(attempt, 4, half, CPU)
    assert len(held) == 3

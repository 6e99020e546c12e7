"""The pool mixes samples of many steps, and is the same again after a run was stopped."""

import pytest
import torch

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.data.sample_pool import SamplePool

COUNT, SIZE = 3, 12


def make(step: int) -> Batch:
    """Makes samples that say which step they are of, and which of it."""
    values = step * 100 + torch.arange(COUNT, dtype=torch.float32)
    lq = values[:, None, None, None].expand(-1, 3, 2, 2)
    return Batch(lq, lq + 0.5, lq + 0.25)


def drawn(pool: SamplePool, step: int) -> list[float]:
    batch = pool.batch(step)
    assert torch.equal(batch.hq, batch.lq + 0.5)
    assert batch.real is not None
    assert torch.equal(batch.real, batch.lq + 0.25)
    return [float(value) for value in batch.lq[:, 0, 0, 0]]


def test_until_it_is_full_each_step_learns_from_its_own() -> None:
    pool = SamplePool(SIZE + 2, COUNT, (0, 0), make)  # room for whole batches alone
    for step in range(1, SIZE // COUNT + 1):
        assert drawn(pool, step) == [step * 100, step * 100 + 1, step * 100 + 2]


def test_then_older_samples_are_drawn_each_once() -> None:
    pool = SamplePool(SIZE, COUNT, (0, 0), make)
    steps = range(1, 41)
    learned = [drawn(pool, step) for step in steps][SIZE // COUNT :]
    flat = [value for batch in learned for value in batch]
    assert len({*flat}) == len(flat)
    assert all(max(batch) < step * 100 for step, batch in zip(steps[4:], learned, strict=True))
    mixed = [batch for batch in learned if len({int(value // 100) for value in batch}) > 1]
    assert len(mixed) > len(learned) / 2


@pytest.mark.parametrize("stopped", [2, 4, 5, 30])
def test_a_run_that_goes_on_finds_the_pool_as_it_was(stopped: int) -> None:
    whole = SamplePool(SIZE, COUNT, (7, 1), make)
    expected = [drawn(whole, step) for step in range(1, 41)]
    resumed = SamplePool(SIZE, COUNT, (7, 1), make)
    assert [drawn(resumed, step) for step in range(stopped + 1, 41)] == expected[stopped:]


def test_seeds_and_processes_have_pools_of_their_own() -> None:
    actual = {
        tuple(drawn(SamplePool(SIZE, COUNT, seed, make), 30)) for seed in ((0, 0), (0, 1), (1, 0))
    }
    assert len(actual) == 3

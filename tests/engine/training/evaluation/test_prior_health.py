"""A prior that is the same for all pictures is found out, and so is one that nothing is made of."""

import pytest
import torch
from torch import Tensor, nn

from pixelmend.errors import PriorCollapsed
from pixelmend_engine.training.evaluation.prior_health import JUDGED_FROM, PriorHealth, PriorProbe

SIDE = 16


class Encoder(nn.Module):
    """Puts out a picture's mean color, many times, in `share` of the entries; zeros in the rest."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, lq: Tensor) -> Tensor:
        prior = lq.mean() * torch.linspace(1, 2, 100)[None]
        return prior * (torch.arange(100) < 100 * self.share)


class Brightener:
    """Restores by adding the prior's mean: right for the picture's own, wrong for another's."""

    def __init__(self, *, share: float = 1.0, listens: bool = True, clamps: bool = False) -> None:
        self.encoder = Encoder(share)
        self.listens = listens
        self.clamps = clamps

    def prior(self, lq: Tensor, hq: Tensor) -> Tensor:
        prior = self.encoder(lq)
        return (10 * prior).clamp(-1, 1) if self.clamps else prior

    def restore(self, lq: Tensor, prior: Tensor) -> Tensor:
        return lq + 0.1 * prior[:, :1, None, None] if self.listens else lq


def health(guided: Brightener) -> PriorHealth:
    probe = PriorProbe(guided)
    for level in (0.2, 0.5, 0.8):
        lq = torch.full((1, 3, SIDE, SIDE), level)
        probe.add(lq, 1.1 * lq, SIDE)
    actual = probe.health()
    assert actual is not None
    return actual


def test_a_prior_that_the_transformer_needs_is_alive() -> None:
    actual = health(Brightener())
    assert actual.differing == pytest.approx(1.0)
    assert actual.clamped == 0
    assert (actual.encoder_low, actual.encoder_high) == pytest.approx((0.2, 1.6))
    assert (
        actual.worth > actual.worth_over_mean > 10
    )  # dB: with its own it restores to the last bit
    assert actual.is_alive
    actual.check(JUDGED_FROM, last=True)


def test_a_prior_that_is_the_same_for_all_pictures_stops_a_run_at_any_step() -> None:
    actual = health(Brightener(share=0.0))
    assert actual.differing == 0
    with pytest.raises(PriorCollapsed, match="no longer looks at the photograph: 0% of the prior"):
        actual.check(1, last=False)


def test_a_tenth_of_the_entries_may_be_the_same() -> None:
    assert health(Brightener(share=0.91)).is_alive
    assert not health(Brightener(share=0.89)).depends_on_picture


def test_a_clamped_prior_stops_a_run() -> None:
    actual = health(Brightener(clamps=True))
    assert actual.clamped == 1
    with pytest.raises(PriorCollapsed, match="100% is clamped"):
        actual.check(1, last=False)


def test_a_prior_that_is_worth_nothing_is_told_at_the_end_of_a_stage_alone() -> None:
    actual = health(Brightener(listens=False))
    assert actual.depends_on_picture
    assert (actual.worth, actual.worth_over_mean) == (0, 0)
    actual.check(JUDGED_FROM, last=False)
    actual.check(JUDGED_FROM - 1, last=True)  # a run to try things out
    with pytest.raises(PriorCollapsed, match="makes nothing of what it sees"):
        actual.check(JUDGED_FROM, last=True)


def test_one_picture_alone_has_none_to_be_compared_with() -> None:
    probe = PriorProbe(Brightener())
    probe.add(torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 3, SIDE, SIDE), SIDE)
    assert probe.health() is None


def test_the_middle_is_restored_with_the_prior_of_the_whole_picture() -> None:
    probe = PriorProbe(Brightener())
    for level in (0.3, 0.6):
        # The borders are so dark that the middle's own mean would be another one.
        lq = torch.zeros(1, 3, 2 * SIDE, 3 * SIDE)
        lq[..., SIDE // 2 : -SIDE // 2, SIDE:-SIDE] = level
        probe.add(lq, lq + 0.1 * lq.mean(), SIDE)
    actual = probe.health()
    assert actual is not None
    assert actual.encoder_high == pytest.approx(0.6 / 6 * 2, rel=1e-5)
    assert actual.worth > 10

"""Whether a model's prior depends on the picture, and how much that is worth.

A prior that is the same for all pictures is a posterior collapse, as in variational autoencoders:
the transformer then restores without any guidance, and no figure of quality says so. What each
picture's own prior is worth is measured by exchanging it for another picture's.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend.errors import PriorCollapsed
from pixelmend_engine.models.hidiff import HIDiff
from pixelmend_engine.training.evaluation import metrics

LEAST_DIFFERING = 0.9  # share of the entries
MOST_CLAMPED = 0.2  # share of the entries
LEAST_WORTH = 0.2  # dB; the ablation of arXiv:2305.12966, table 2, has 0.28
JUDGED_FROM = 500  # steps of a stage, before which a prior need not be worth anything yet
NOTICEABLE = 0.01  # of the standard deviation of all entries; a smaller difference is none
MULTIPLE = 16  # sides that all transformers with a prior take (`ModelSpec.multiple`)
SEED = 0  # one x_T for all pictures: what differs then comes from the pictures
CLAMP = 1.0  # where epsilon-prediction clamps x_0

Pictures = Float[Tensor, "1 c h w"]
Restored = Float[Tensor, "1 3 hs ws"]
Prior = Float[Tensor, "1 ..."]


@dataclass(frozen=True, kw_only=True)
class PriorHealth:
    """What was found over some pictures, each compared with the next one."""

    differing: float  # share of entries that differ between two pictures, mean of the pairs
    clamped: float  # share of entries at the clamp of epsilon-prediction; 0 where there is none
    encoder_low: float  # range of what the encoder puts out
    encoder_high: float
    worth: float  # dB, mean: with the own prior minus with another picture's
    worth_over_mean: float  # dB, mean: with the own prior minus with the mean of all priors

    @property
    def depends_on_picture(self) -> bool:
        """Whether enough entries differ, and enough are free to."""
        return self.differing >= LEAST_DIFFERING and self.clamped < MOST_CLAMPED

    @property
    def is_alive(self) -> bool:
        """Whether it depends on the picture, and the transformer makes something of that."""
        return self.depends_on_picture and self.worth >= LEAST_WORTH

    def check(self, step: int, *, last: bool) -> None:
        """Stops a run whose prior has collapsed, or that ends with one that is worth nothing.

        Raises:
            PriorCollapsed: It has.
        """
        if not self.depends_on_picture:
            raise PriorCollapsed(
                f"After step {step} the model no longer looks at the photograph: {self}",
                hint="Begin another run, with the teacher of stage 1 or another --seed",
            )
        if last and step >= JUDGED_FROM and not self.is_alive:
            raise PriorCollapsed(
                f"After step {step} the model makes nothing of what it sees in the photograph as a "
                f"whole: {self}",
                hint="Begin another run with more --steps; what was trained is kept",
            )

    def __str__(self) -> str:
        """Says all of it in one line."""
        return (
            f"{self.differing:.0%} of the prior differs between photographs, {self.clamped:.0%} is "
            f"clamped, encoder {self.encoder_low:.3g} to {self.encoder_high:.3g}, worth "
            f"{self.worth:+.2f} dB over another's and {self.worth_over_mean:+.2f} over the mean"
        )


@runtime_checkable
class Guided(Protocol):
    """What restores pictures with a prior, in training or afterwards."""

    @property
    def encoder(self) -> nn.Module:
        """The part that encodes the whole picture."""
        ...

    @property
    def clamps(self) -> bool:
        """Whether the prior is clamped."""
        ...

    def prior(self, lq: Pictures, hq: Restored) -> Prior:
        """Returns a picture's prior; `hq` is for a teacher alone."""
        ...

    def restore(self, lq: Pictures, prior: Prior) -> Restored:
        """Restores a picture, or a part of it, with any prior."""
        ...


class PriorProbe:
    """Encodes pictures one by one, then exchanges their priors."""

    def __init__(self, guided: Guided) -> None:
        self._guided = guided
        self._priors: list[Prior] = []
        self._parts: list[tuple[Pictures, Restored]] = []
        self._ranges: list[tuple[float, float]] = []

    @torch.no_grad()
    def add(self, lq: Pictures, hq: Restored, side: int) -> None:
        """Takes in a picture: its prior is that of the whole, restored is a middle of `side`."""
        with _recorded(self._guided.encoder) as outputs:
            prior = self._guided.prior(lq, hq)
        self._priors.append(prior.cpu())
        self._ranges += [(x.min().item(), x.max().item()) for x in outputs]
        scale = hq.shape[-1] // lq.shape[-1]
        self._parts.append((_middle(lq, side // scale), _middle(hq, side, scale)))

    @torch.no_grad()
    def health(self) -> PriorHealth | None:
        """Returns what was found; nothing if there are fewer than two pictures."""
        if len(self._priors) < 2:
            return None
        priors = torch.cat(self._priors).float()
        others = priors.roll(1, dims=0)
        mean = priors.mean(dim=0, keepdim=True)
        differs = (priors - others).abs() > NOTICEABLE * priors.std() + torch.finfo().eps
        own, other, average = (
            fmean(self._psnr(number, prior[None]) for number, prior in enumerate(choice))
            for choice in (priors, others, mean.expand_as(priors))
        )
        return PriorHealth(
            differing=differs.float().mean().item(),
            clamped=(priors.abs() >= CLAMP).float().mean().item() if self._guided.clamps else 0.0,
            encoder_low=min(low for low, _ in self._ranges),
            encoder_high=max(high for _, high in self._ranges),
            worth=own - other,
            worth_over_mean=own - average,
        )

    def _psnr(self, number: int, prior: Prior) -> float:
        lq, hq = self._parts[number]
        restored = self._guided.restore(lq, prior.to(lq.device))
        return metrics.psnr(metrics.to_uint8(restored[0].cpu()), metrics.to_uint8(hq[0].cpu()))


def clamps(networks: object) -> bool:
    """Returns whether a system's chain is clamped."""
    return isinstance(networks, HIDiff) and networks.config.prediction == "epsilon"


@contextmanager
def _recorded(module: nn.Module) -> Generator[list[Tensor]]:
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        outputs.append(output)

    handle = module.register_forward_hook(keep)
    try:
        yield outputs
    finally:
        handle.remove()


def _middle(
    image: Float[Tensor, "1 c h w"], side: int, scale: int = 1
) -> Float[Tensor, "1 c hm wm"]:
    """Cuts a middle out, no larger than the picture; `scale` is of the one that belongs to it."""
    for axis in (2, 3):
        size = image.shape[axis] // scale
        length = min(side // scale, size) // MULTIPLE * MULTIPLE
        image = image.narrow(axis, (size - length) // 2 * scale, length * scale)
    return image

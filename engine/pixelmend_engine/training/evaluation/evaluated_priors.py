"""The priors of models that are evaluated, as `prior_health` looks at them."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.inference.tiled_inference import LoadedModel
from pixelmend_engine.models.prior_guided import PriorGuidedPipeline
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.training.evaluation.cases import Case
from pixelmend_engine.training.evaluation.prior_health import MULTIPLE, SEED, PriorProbe, clamps

SIDE = 192  # pixels of the part that is restored with exchanged priors, of each picture

Pictures = Float[Tensor, "1 c h w"]
Restored = Float[Tensor, "1 3 hs ws"]
Prior = Float[Tensor, "1 ..."]


class LoadedPrior:
    """A model as it restores pictures."""

    def __init__(self, pipeline: PriorGuidedPipeline, device: torch.device) -> None:
        self._pipeline = pipeline
        self._device = device
        self._noise = torch.randn(
            1, *pipeline.networks.prior_shape, generator=torch.Generator().manual_seed(SEED)
        )

    @property
    def encoder(self) -> nn.Module:
        """The part that encodes the whole picture."""
        encoder = self._pipeline.networks.encoder
        assert isinstance(encoder, nn.Module)
        return encoder

    @property
    def clamps(self) -> bool:
        """Whether the chain is clamped."""
        return clamps(self._pipeline.networks)

    def prior(self, lq: Pictures, hq: Restored) -> Prior:  # noqa: ARG002 - there is no teacher
        """Diffuses a picture's prior."""
        return self._pipeline.networks.diffuse_prior(
            lq.to(self._device), self._noise.to(self._device)
        )

    def restore(self, lq: Pictures, prior: Prior) -> Restored:
        """Restores a picture as one tile."""
        return self._pipeline.restore_with(prior.to(self._device), lq.to(self._device), Progress())


def probes(models: Mapping[str, LoadedModel]) -> dict[str, PriorProbe]:
    """Makes a probe for each of the models that a prior guides."""
    return {
        name: PriorProbe(LoadedPrior(loaded.pipeline, loaded.device))
        for name, loaded in models.items()
        if isinstance(loaded.pipeline, PriorGuidedPipeline)
    }


def watched(cases: Iterable[Case], probes: Mapping[str, PriorProbe]) -> Iterator[Case]:
    """Hands over pictures as they come, after every probe has seen them."""
    for case in cases:
        for probe in probes.values():
            height, width = (size // MULTIPLE * MULTIPLE for size in case.degraded.shape[-2:])
            lq = case.model_input[..., :height, :width]
            sharp = case.sharp[None, :, : height * case.scale, : width * case.scale]
            probe.add(lq, sharp / 255, SIDE)
        yield case

"""Running a transformer that a diffused prior guides: what HI-Diff and DiffIR do alike.

The networks stay with their families; here is only when they are called, and in which precision.
"""

from collections.abc import Sequence
from functools import partial
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.models.pipeline import ModelRequest, TileRestorer
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.nn.progress import Progress, reporting


@runtime_checkable
class Encoder(Protocol):
    """Encodes a whole picture, for the prior."""

    @property
    def steps(self) -> list[nn.Module]:
        """Its blocks, one after the other."""
        ...

    def band_count(self, height: int, width: int) -> int:
        """Returns in how many bands of rows it encodes a picture."""
        ...


@runtime_checkable
class Transformer(Protocol):
    """Restores a picture with the help of a prior."""

    @property
    def shares(self) -> dict[nn.Module, int]:
        """How much of the work each of its blocks does."""
        ...

    def __call__(
        self, image: Float[Tensor, "1 c h w"], prior: Float[Tensor, "..."]
    ) -> Float[Tensor, "1 3 hs ws"]:
        """Restores a picture as `pipeline.Restorer` gets it."""
        ...


@runtime_checkable
class PriorGuidedNetworks(Protocol):
    """The networks of one system, filled, where they are to run."""

    @property
    def transformer(self) -> Transformer:
        """The part that restores."""
        ...

    @property
    def encoder(self) -> Encoder:
        """The part that encodes the picture."""
        ...

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """The shape of a prior, without the batch."""
        ...

    def diffuse_prior(
        self, lq: Float[Tensor, "1 c h w"], x_T: Float[Tensor, "..."]
    ) -> Float[Tensor, "..."]:
        """Runs the reverse chain from `x_T`, conditioned on a picture."""
        ...


class PriorGuidedPipeline:
    """A loaded system, on the device where its networks lie.

    `dtype` is what the transformer computes in; everything about the prior stays in float32.
    """

    def __init__(self, networks: PriorGuidedNetworks, dtype: torch.dtype) -> None:
        assert isinstance(networks, nn.Module)
        networks.eval().requires_grad_(requires_grad=False)
        # A third less time on a CPU: depth-wise convolutions and norms read whole pixels.
        networks.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - stubs
        self.networks = networks
        self._dtype = dtype
        self._encoder_blocks = dict.fromkeys(networks.encoder.steps, 1)
        self._transformer_shares = networks.transformer.shares

    @property
    def prepare_steps(self) -> int:
        """One step for each block of the encoder; the denoiser takes no time beside them."""
        return len(self._encoder_blocks)

    @property
    def tile_steps(self) -> int:
        """One step for each block's share of the work."""
        return sum(self._transformer_shares.values())

    def max_batch_size(self, height: int, width: int, request: ModelRequest) -> int:  # noqa: ARG002 - the same for all
        """Returns 1: none of their tasks has several pictures of a size."""
        return 1

    def prepare(
        self, image: Float[Tensor, "1 c h w"], request: ModelRequest, progress: Progress
    ) -> TileRestorer:
        """Diffuses the prior of the whole picture; the tiles share it."""
        (seed,) = request.seeds
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(1, *self.networks.prior_shape, generator=generator)
        band_count = self.networks.encoder.band_count(image.shape[-2], image.shape[-1])
        with torch.inference_mode(), reporting(self._encoder_blocks, progress, band_count):
            prior = self.networks.diffuse_prior(image, noise.to(image.device))
        return partial(self.restore_with, prior)

    def restore_with(
        self, prior: Float[Tensor, "..."], tile: Float[Tensor, "1 c h w"], progress: Progress
    ) -> Float[Tensor, "1 3 hs ws"]:
        """Restores a tile with any prior; that of its own picture comes from `prepare`."""
        with (
            torch.inference_mode(),
            autocast(tile.device, self._dtype),
            reporting(self._transformer_shares, progress),
        ):
            tile = tile.contiguous(memory_format=torch.channels_last)
            return self.networks.transformer(tile, prior).float()


def block_shares(
    network: nn.Module, kind: type[nn.Module], finest: Sequence[nn.Module]
) -> dict[nn.Module, int]:
    """Returns how much of the work each block of a U-shaped network does.

    `finest` are its levels with twice the channels at full size.
    Going down a level halves both sides and doubles the channels, which leaves a block's work as it
    was; where only the channels double, it is four times the work.
    """
    heavy = {module for level in finest for module in level.modules()}
    blocks = [module for module in network.modules() if isinstance(module, kind)]
    return {block: 4 if block in heavy else 1 for block in blocks}

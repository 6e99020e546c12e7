"""The autoencoder on a picture that is too large for it, tile by tile.

Its norms look at the whole picture. Either all tiles go from norm to norm together, and share the
moments that the norm takes (`with_shared_norms`); or, where so many tensors have no room, a
thumbnail of the picture goes first, and each tile is normalized with its moments
(`with_thumbnail_norms`), which is our extension.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.nn.progress import Progress, reporting
from pixelmend_engine.nn.stable_diffusion.autoencoder import (
    Attention,
    Decoder,
    Downsample,
    Encoder,
    Middle,
    ResidualBlock,
    Upsample,
)

Moments = tuple[Tensor, Tensor]  # mean and biased variance of each sample and group
Stack = list[Tensor]
"""The tensors of one run: the last is the one that is worked on, the others are shortcuts."""

ENCODER_PAD = 32  # pixels around a tile's core that it is given as well
DECODER_PAD = 11  # the same, in places of the latent
CORE_MULTIPLES = (32, 16, 8, 4, 2)  # a core's side is a multiple of the first that it can be


# --- Tiles ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """One tile's extent along an axis: what it is given, and the core that is its own."""

    start: int
    stop: int
    core_start: int
    core_stop: int

    @property
    def length(self) -> int:
        """How much it is given."""
        return self.stop - self.start


@dataclass(frozen=True)
class Tile:
    """One tile, in places of what the network is given."""

    rows: Span
    columns: Span

    @property
    def area(self) -> int:
        """The number of places that it is given."""
        return self.rows.length * self.columns.length

    def of(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c th tw"]:
        """Cuts out what it is given."""
        rows, columns = self.rows, self.columns
        return x[..., rows.start : rows.stop, columns.start : columns.stop]


def tiles(height: int, width: int, side: int, pad: int) -> list[Tile]:
    """Cuts a picture into tiles, row by row; one where more are not worth it."""
    if max(height, width) <= 2 * pad + side:
        rows, columns = ([Span(0, length, 0, length)] for length in (height, width))
    else:
        rows, columns = _spans(height, side, pad), _spans(width, side, pad)
    return [Tile(row, column) for row in rows for column in columns]


def _spans(length: int, side: int, pad: int) -> list[Span]:
    if length <= 2 * pad + side:  # along the other axis it is longer
        return [Span(0, length, 0, length)]
    count = max(1, math.ceil((length - 2 * pad) / side))
    core = _core_side(math.ceil((length - 2 * pad) / count), side)
    starts = [pad + number * core for number in range(count)] + [length]
    spans: list[Span] = []
    for start, stop in pairwise(starts):
        stop = min(start + core, stop) if stop != length else min(start + core, length)
        spans.append(
            Span(
                start=max(0, start - pad),
                stop=min(length, stop + pad),
                core_start=0 if start <= pad else start,
                core_stop=length if stop >= length - pad else stop,
            )
        )
    return spans


def _core_side(side: int, max_side: int) -> int:
    for multiple in CORE_MULTIPLES:
        if side % multiple == 0:
            return side
        if (rounded := math.ceil(side / multiple) * multiple) <= max_side:
            return rounded
    return side


# --- Running them ---------------------------------------------------------------------------------


def whole(
    network: Encoder | Decoder,
    x: Float[Tensor, "b c h w"],
    cut: Sequence[Tile],
    device: torch.device,
    progress: Progress,
) -> Float[Tensor, "b o hs ws"]:
    """Runs a picture that is one tile."""
    assert len(cut) == 1
    with reporting(dict.fromkeys(_norms(network), 1), progress):
        return network(x.to(device)).to(x.device)


def with_shared_norms(
    network: Encoder | Decoder,
    x: Float[Tensor, "b c h w"],
    cut: Sequence[Tile],
    device: torch.device,
    progress: Progress,
) -> Float[Tensor, "b o hs ws"]:
    """Runs all tiles from norm to norm; between norms they lie where `x` lies."""
    stacks = [[tile.of(x)] for tile in cut]
    runs = [steps_between_norms(network, stack) for stack in stacks]
    total_area = sum(tile.area for tile in cut)
    norm_count = len(_norms(network))
    # One turn runs all tiles up to their next norm. Tiles are given to the device one at a time.
    for turn in range(norm_count + 1):
        norms: list[nn.GroupNorm] = []
        shared: Moments | None = None
        for number, (tile, stack, run) in enumerate(zip(cut, stacks, runs, strict=True)):
            _move(stack, device)
            norm = next(run, None)
            if norm is not None:
                norms.append(norm)
                shared = _added(shared, _moments(norm, stack[-1]), tile.area / total_area)
            _move(stack, x.device)
            progress.update(turn * len(cut) + number + 1, (norm_count + 1) * len(cut))
        if shared is not None:
            moments = shared[0].to(x.device), shared[1].to(x.device)
            for stack in stacks:
                stack[-1] = _normalized(norms[0], stack[-1], moments)
    return _merged([stack[-1] for stack in stacks], cut, x)


def with_thumbnail_norms(
    network: Encoder | Decoder,
    x: Float[Tensor, "b c h w"],
    cut: Sequence[Tile],
    device: torch.device,
    progress: Progress,
) -> Float[Tensor, "b o hs ws"]:
    """Runs a thumbnail of the picture, then each tile with the moments of its norms."""
    largest = max(cut, key=lambda tile: tile.area)
    shrink = math.sqrt(largest.area / (x.shape[-2] * x.shape[-1]))
    size = [max(8, int(side * shrink) // 8 * 8) for side in x.shape[-2:]]
    stack = [functional.interpolate(x.to(device), size=size, mode="nearest-exact")]
    thumbnail_moments: list[Moments] = []
    for norm in steps_between_norms(network, stack):
        thumbnail_moments.append(_moments(norm, stack[-1]))
        stack[-1] = norm(stack[-1])
    results: list[Tensor] = []
    for number, tile in enumerate(cut):
        stack = [tile.of(x).to(device)]
        steps = steps_between_norms(network, stack)
        for norm, moments in zip(steps, thumbnail_moments, strict=True):
            stack[-1] = _normalized(norm, stack[-1], moments)
        results.append(stack.pop().to(x.device))
        progress.update(number + 1, len(cut))
    return _merged(results, cut, x)


def steps_between_norms(network: nn.Module, stack: Stack) -> Generator[nn.GroupNorm]:
    """Does what `forward` does, but stops wherever the last of the stack is to be normalized.

    Whoever runs it normalizes, and may move the tensors meanwhile: none is kept beside the stack.
    """
    match network:
        case Encoder():
            stack.append(network.conv_in(stack.pop()))
            for layer in (*network.down_layers, network.mid):
                yield from steps_between_norms(layer, stack)
            yield network.norm_out
            stack.append(network.conv_out(functional.silu(stack.pop())))
        case Decoder():
            stack.append(network.conv_in(stack.pop()))
            for layer in (network.mid, *network.up_layers):
                yield from steps_between_norms(layer, stack)
            yield network.norm_out
            stack.append(network.conv_out(functional.silu(stack.pop())))
        case Middle():
            for part in (network.block_1, network.attn_1, network.block_2):
                yield from steps_between_norms(part, stack)
        case ResidualBlock():
            stack.append(stack[-1])
            yield network.norm1
            stack.append(network.conv1(functional.silu(stack.pop())))
            yield network.norm2
            stack.append(network.conv2(functional.silu(stack.pop())))
            change = stack.pop()
            stack.append(network.shortcut(stack.pop()) + change)
        case Attention():
            stack.append(stack[-1])
            yield network.norm
            change = network.attend(stack.pop())
            stack.append(stack.pop() + change)
        case Downsample() | Upsample():
            stack.append(network(stack.pop()))
        case _:
            raise AssertionError(network)


def _norms(network: nn.Module) -> list[nn.GroupNorm]:
    return [module for module in network.modules() if isinstance(module, nn.GroupNorm)]


def _move(stack: Stack, device: torch.device) -> None:
    for number, tensor in enumerate(stack):  # one after the other, so that none is there twice
        stack[number] = tensor.to(device)


def _moments(norm: nn.GroupNorm, x: Float[Tensor, "b c h w"]) -> Moments:
    grouped = rearrange(x.float(), "b (g c) h w -> b g (c h w)", g=norm.num_groups)
    variance, mean = torch.var_mean(grouped, dim=-1, correction=0)
    return mean, variance


def _added(sums: Moments | None, own: Moments, weight: float) -> Moments:
    mean, variance = own[0] * weight, own[1] * weight
    # What lies between the means of tiles is left out of the variance, as published.
    return (mean, variance) if sums is None else (sums[0] + mean, sums[1] + variance)


def _normalized(
    norm: nn.GroupNorm, x: Float[Tensor, "b c h w"], moments: Moments
) -> Float[Tensor, "b c h w"]:
    repeat = x.shape[1] // norm.num_groups
    mean, variance = (
        rearrange(part.repeat_interleave(repeat, dim=1), "b c -> b c 1 1") for part in moments
    )
    gain, offset = (
        rearrange(norm.get_parameter(name).to(x.device), "c -> 1 c 1 1")
        for name in ("weight", "bias")
    )
    scale = gain / torch.sqrt(variance + norm.eps)
    return (x * scale + (offset - mean * scale)).to(x.dtype)


def _merged(
    results: Sequence[Tensor], cut: Sequence[Tile], x: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b o hs ws"]:
    # The change of scale is that of the first tile.
    scaled_length, length = results[0].shape[-2], cut[0].rows.length

    def scaled(place: int) -> int:
        return place * scaled_length // length

    height, width = scaled(x.shape[-2]), scaled(x.shape[-1])
    merged = torch.empty(
        (*results[0].shape[:2], height, width), dtype=results[0].dtype, device=x.device
    )
    for result, tile in zip(results, cut, strict=True):
        (top, bottom, y), (left, right, z) = (
            (scaled(s.core_start), scaled(s.core_stop), scaled(s.core_start) - scaled(s.start))
            for s in (tile.rows, tile.columns)
        )
        merged[..., top:bottom, left:right] = result[
            ..., y : y + bottom - top, z : z + right - left
        ]
    return merged

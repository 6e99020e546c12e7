"""The autoencoder on a picture that is too large for it, tile by tile.

Its norms look at the whole picture. Either all tiles go from norm to norm together, and share what
the norm sees (`together`); or, where so many tensors have no room, a smaller copy of the picture
goes ahead, and each tile uses what its norms saw (`after_a_copy`), which is our extension.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.nn.stable_diffusion.autoencoder import Decoder, Encoder

Report = Callable[[int, int], None]
Moments = tuple[Tensor, Tensor]  # mean and biased variance of each sample and group

ENCODER_PAD = 32  # pixels around a tile's core that it sees as well
DECODER_PAD = 11  # the same, in places of the latent
WIDTHS = (32, 16, 8, 4, 2)  # a core's side is a multiple of the first of these that it can be


@dataclass(frozen=True)
class Cut:
    """One tile's extent along an axis."""

    start: int  # what it is given
    stop: int
    first: int  # what of the result is its own
    last: int

    @property
    def length(self) -> int:
        """How long what it is given is."""
        return self.stop - self.start


@dataclass(frozen=True)
class Box:
    """One tile: what it is given, and what of the result is its own, before a change of scale."""

    rows: Cut
    columns: Cut

    @property
    def area(self) -> int:
        """The number of places that it is given."""
        return self.rows.length * self.columns.length


def boxes(height: int, width: int, tile: int, pad: int) -> list[Box]:
    """Cuts a picture for a tile side, row by row; one box where it is not worth it."""
    if max(height, width) <= 2 * pad + tile:
        rows, columns = ([Cut(0, length, 0, length)] for length in (height, width))
    else:
        rows, columns = _cuts(height, tile, pad), _cuts(width, tile, pad)
    return [Box(row, column) for row in rows for column in columns]


def _cuts(length: int, tile: int, pad: int) -> list[Cut]:
    if length <= 2 * pad + tile:  # along the other axis it is longer
        return [Cut(0, length, 0, length)]
    count = max(1, math.ceil((length - 2 * pad) / tile))
    side = _rounded(math.ceil((length - 2 * pad) / count), tile)
    starts = [pad + number * side for number in range(count)] + [length]
    cuts: list[Cut] = []
    for start, stop in pairwise(starts):
        stop = min(start + side, stop) if stop != length else min(start + side, length)
        cuts.append(
            Cut(
                start=max(0, start - pad),
                stop=min(length, stop + pad),
                first=0 if start <= pad else start,
                last=length if stop >= length - pad else stop,
            )
        )
    return cuts


def _rounded(side: int, tile: int) -> int:
    for width in WIDTHS:
        if side % width == 0:
            return side
        if (wider := math.ceil(side / width) * width) <= tile:
            return wider
    return side


def whole(
    network: Encoder | Decoder,
    x: Float[Tensor, "b c h w"],
    cut: Sequence[Box],
    device: torch.device,
    report: Report,
) -> Float[Tensor, "b o hs ws"]:
    """Runs a picture that is one tile."""
    assert len(cut) == 1
    held, count = [x.to(device)], _norms(network)
    for number, norm in enumerate(network.program(held)):
        held[-1] = norm(held[-1])
        report(number + 1, count)
    return held.pop().to(x.device)


def together(
    network: Encoder | Decoder,
    x: Float[Tensor, "b c h w"],
    cut: Sequence[Box],
    device: torch.device,
    report: Report,
) -> Float[Tensor, "b o hs ws"]:
    """Runs all tiles from norm to norm; between norms they lie where `x` lies."""
    held = [[x[..., _span(box.rows), _span(box.columns)]] for box in cut]
    programs = [network.program(tensors) for tensors in held]
    total = sum(box.area for box in cut)
    count = _norms(network)
    # One turn runs all tiles up to their next norm. Tiles are given to the device one at a time.
    for turn in range(count + 1):
        norms: list[nn.GroupNorm] = []
        shared: Moments | None = None
        for number, (box, tensors, program) in enumerate(zip(cut, held, programs, strict=True)):
            _move(tensors, device)
            norm = next(program, None)
            if norm is not None:
                norms.append(norm)
                own = _moments(norm, tensors[-1])
                shared = _added(shared, own, box.area / total)
            _move(tensors, x.device)
            report(turn * len(cut) + number + 1, (count + 1) * len(cut))
        if shared is not None:
            for tensors in held:
                moments = (shared[0].to(x.device), shared[1].to(x.device))
                tensors[-1] = _normalized(norms[0], tensors[-1], moments)
    return _merged([tensors[-1] for tensors in held], cut, x)


def after_a_copy(
    network: Encoder | Decoder,
    x: Float[Tensor, "b c h w"],
    cut: Sequence[Box],
    device: torch.device,
    report: Report,
) -> Float[Tensor, "b o hs ws"]:
    """Runs a smaller copy of the picture, then each tile with the moments of its norms."""
    largest = max(cut, key=lambda box: box.area)
    shrink = math.sqrt(largest.area / (x.shape[-2] * x.shape[-1]))
    size = [max(8, int(side * shrink) // 8 * 8) for side in x.shape[-2:]]
    held = [functional.interpolate(x.to(device), size=size, mode="nearest-exact")]
    seen: list[Moments] = []
    for norm in network.program(held):
        seen.append(_moments(norm, held[-1]))
        held[-1] = norm(held[-1])
    tiles: list[Tensor] = []
    for number, box in enumerate(cut):
        held = [x[..., _span(box.rows), _span(box.columns)].to(device)]
        for norm, moments in zip(network.program(held), seen, strict=True):
            held[-1] = _normalized(norm, held[-1], moments)
        tiles.append(held.pop().to(x.device))
        report(number + 1, len(cut))
    return _merged(tiles, cut, x)


def _norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.GroupNorm) for module in network.modules())


def _span(cut: Cut) -> slice:
    return slice(cut.start, cut.stop)


def _move(tensors: list[Tensor], device: torch.device) -> None:
    for number, tensor in enumerate(tensors):
        tensors[number] = tensor.to(device)


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
    tiles: Sequence[Tensor], cut: Sequence[Box], x: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b o hs ws"]:
    # The change of scale is what it made of the first tile.
    up, given = tiles[0].shape[-2], cut[0].rows.length

    def scaled(place: int) -> int:
        return place * up // given

    height, width = scaled(x.shape[-2]), scaled(x.shape[-1])
    result = torch.empty(
        (*tiles[0].shape[:2], height, width), dtype=tiles[0].dtype, device=x.device
    )
    for tile, box in zip(tiles, cut, strict=True):
        spans = [
            (scaled(c.first), scaled(c.last), scaled(c.first) - scaled(c.start))
            for c in (box.rows, box.columns)
        ]
        (top, bottom, y), (left, right, z) = spans
        result[..., top:bottom, left:right] = tile[..., y : y + bottom - top, z : z + right - left]
    return result

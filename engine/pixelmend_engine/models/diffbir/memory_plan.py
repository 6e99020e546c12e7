"""What DiffBIR takes of memory, part by part: how a picture is cut so that it fits, how many fit.

The parts run one after the other, so on a card that does not hold all of them each comes and goes.
Figures are measured by `tests/bench/diffbir.py` and `tests/bench/together.py`, in float32; half
precision takes less.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pixelmend_engine.catalog.diffbir import Cleaner

Phase = Literal["clean", "describe", "encode", "diffuse", "decode"]
PHASES: dict[Phase, tuple[str, ...]] = {  # which parts each needs, in their order
    "describe": ("text_encoder",),
    "clean": (),  # and the cleaner
    "encode": ("autoencoder",),
    "diffuse": ("unet", "control"),
    "decode": ("autoencoder",),
}
# Bytes for each pixel of what is worked on at once, beside the weights.
CLEAN_BYTES: dict[Cleaner, int] = {
    "swinir": 1200,
    "swinir_face": 1200,
    "bsrnet": 18_000,  # of its input, which it enlarges 4 times
    "scunet": 4000,
}
ENCODE_BYTES = 2700
DECODE_BYTES = 5000
DIFFUSE_BYTES = 2300  # both branches of guidance
STEER_BYTES = 24_500  # restoration guidance keeps what the decoder computed, for its slopes
LENT_STEER_BYTES = 2 * DECODE_BYTES  # there and back, where that waits beside the card; reckoned
HOST_BYTES = 220  # of the computer's own memory: some pictures, and the bands of the wavelet
HOST_BSRNET_BYTES = 480  # of its input: its result is 16 times as large, and fused of tiles
ALIGN = 64  # pixels: what tiles are multiples of
LADDER = (2048, 1536, 1024, 768, 512, 256)  # tile sides tried where the whole does not fit
TILED: tuple[Phase, ...] = ("clean", "encode", "diffuse", "decode")
LEAST = {"clean": 256, "encode": 256, "diffuse": 512, "decode": 256}  # diffusion: as trained
PARKED = 0.5  # of the memory beside the card that the autoencoder's tiles may wait in
PARKED_BYTES = 1024 * 2  # for each pixel: 256 channels, what is worked on and what waits beside it
SHARE = 0.8  # of what is free; measured figures are not those of every system
# Pictures that go through together. Eight are sixteen in a call of the diffusion networks, with
# both branches of guidance, and read the weights an eighth as often: more have little left to gain.
MOST_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one picture is worked on. Tile sides are in pixels; None: whole."""

    clean: int | None
    encode: int | None
    diffuse: int | None
    decode: int | None
    keeps: bool = True  # all parts stay on the device
    copies: bool = False  # the autoencoder's norms are those of a smaller copy
    lends: bool = False  # what guidance keeps of the decoder waits beside the device
    needs: Mapping[Phase, int]  # bytes of each phase, with the weights that it needs

    @property
    def whole(self) -> bool:
        """Whether nothing is cut."""
        return all(getattr(self, phase) is None for phase in TILED)

    @property
    def peak(self) -> int:
        """The most bytes that are needed at once."""
        return max(self.needs.values())


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be done, as far as memory cares."""

    cleaner: Cleaner
    cleaner_pixels: tuple[int, int]  # height and width of what it is given
    pixels: tuple[int, int]  # height and width of what is diffused
    weights: Mapping[str, int]  # bytes of each part
    steers: bool  # whether restoration guidance is on
    half: bool
    pictures: int = 1  # of that size, at once
    shared: bool = False  # whether what waits, waits in the memory that is computed in: on a CPU


def plan(work: Work, free: int | None, parked: int | None, tile: int | None) -> Plan:
    """Plans for so many bytes on the device, and beside it, where tiles can wait.

    `free` counts what the weights would take as well; None: as much as is asked for. `tile` is the
    user's own wish: 0 for none, None for what memory allows.
    """
    if tile is not None or free is None:
        side = math.ceil(tile / ALIGN) * ALIGN if tile else None
        made = Plan(clean=side, encode=side, diffuse=_at_least(side), decode=side, needs={})
        if free is not None and not work.shared:
            made = replace(made, lends=work.steers and needs(work, made)["diffuse"] > free)
        made = replace(made, needs=needs(work, made))
        made = replace(made, keeps=free is None or _kept(work, made) <= free)
        return replace(made, copies=_crowded(work, made, parked, 1.0))
    budget = int(free * SHARE)
    kept = _cut(work, budget - sum(work.weights.values()), together=True)
    made = kept if kept is not None else _cut(work, budget, together=False)
    assert made is not None
    return replace(made, copies=_crowded(work, made, parked, PARKED))


def at_once(work: Work, free: int | None, parked: int | None, tile: int | None) -> int:
    """Returns how many pictures like the one of `work` go through together, at least one.

    They stay whole, and the parts on the device, if they do for one. A picture that is cut, because
    it has to be or because the user wants it, goes alone.
    """
    if tile:
        return 1
    alone = plan(work, free, parked, None)
    for count in range(MOST_AT_ONCE, 1, -1):
        made = plan(replace(work, pictures=count), free, parked, None)
        if made.whole and (made.keeps, made.lends) == (alone.keeps, alone.lends):
            return count
    return 1


def host_bytes(work: Work) -> int:
    """Returns what the pictures themselves take beside the device, however they are cut."""
    height, width = work.pixels
    taken = HOST_BYTES * height * width
    if work.cleaner == "bsrnet":
        height, width = work.cleaner_pixels
        taken = max(taken, HOST_BSRNET_BYTES * height * width)
    return work.pictures * taken


def needs(work: Work, made: Plan) -> dict[Phase, int]:
    """Returns the bytes that each phase takes, with its own weights."""
    return {phase: _weights(work, phase) + _beside(work, made, phase) for phase in PHASES}


def _kept(work: Work, made: Plan) -> int:
    return sum(work.weights.values()) + max(_beside(work, made, phase) for phase in PHASES)


def _cut(work: Work, budget: int, *, together: bool) -> Plan | None:
    made = Plan(clean=None, encode=None, diffuse=None, decode=None, keeps=together, needs={})
    for phase in TILED:
        room = budget - (0 if together else _weights(work, phase))
        sides = (None, *(side for side in LADDER if side >= LEAST[phase]))
        plans = [replace(made, **{phase: side}) for side in sides]
        if phase == "diffuse" and work.steers and not work.shared:
            plans = [replace(tried, lends=lends) for tried in plans for lends in (False, True)]
        fitting = [tried for tried in plans if _beside(work, tried, phase) <= room]
        if not fitting and together:
            return None
        made = (fitting or plans[-1:])[0]
    return replace(made, needs=needs(work, made))


def _weights(work: Work, phase: Phase) -> int:
    parts = (work.cleaner,) if phase == "clean" else PHASES[phase]
    if phase == "diffuse" and work.steers:
        parts = (*parts, "autoencoder")
    return sum(work.weights.get(part, 0) for part in parts)


def _beside(work: Work, made: Plan, phase: Phase) -> int:
    shrink, count = 0.6 if work.half else 1.0, work.pictures
    match phase:
        case "clean":
            per_pixel = CLEAN_BYTES[work.cleaner]
            return int(per_pixel * count * _area(work.cleaner_pixels, made.clean))
        case "describe":
            return 0
        case "encode":
            return int(shrink * ENCODE_BYTES * count * _area(work.pixels, made.encode))
        case "decode":
            return int(shrink * DECODE_BYTES * count * _area(work.pixels, made.decode, pad=88))
        case "diffuse":
            area = count * _area(work.pixels, made.diffuse)
            steering = LENT_STEER_BYTES if made.lends else STEER_BYTES
            return int(shrink * DIFFUSE_BYTES * area + (steering * area if work.steers else 0))


def _area(size: tuple[int, int], tile: int | None, pad: int = 0) -> int:
    height, width = size
    if tile is None:
        return height * width
    return min(height, tile + 2 * pad) * min(width, tile + 2 * pad)


def _crowded(work: Work, made: Plan, parked: int | None, share: float) -> bool:
    # Whether the autoencoder's tiles have no room to wait in; None: nobody counts.
    if parked is None:
        return False
    if work.shared:
        parked -= max(_beside(work, made, phase) for phase in ("encode", "decode"))
    return _parks(work, made) > share * parked


def _parks(work: Work, made: Plan) -> int:
    # Tiles of the autoencoder wait for each other between norms; each sees more than its own.
    if made.decode is None:
        return 0
    overlap = (1 + 2 * 88 / made.decode) ** 2
    height, width = work.pixels
    pixels = work.pictures * height * width
    return int(PARKED_BYTES * (0.5 if work.half else 1) * pixels * overlap)


def _at_least(side: int | None) -> int | None:
    return None if side is None else max(LEAST["diffuse"], side)

"""What DiffBIR takes of memory, phase by phase: how a picture is cut to fit, and how many fit.

The phases run one after the other, so on a card that does not hold all networks each comes and
goes. Figures are measured by `tests/bench/diffbir.py` and `tests/bench/together.py`, in float32;
half precision takes less. The host is the computer's own memory, beside the device's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pixelmend_engine.catalog.diffbir import RestorationModule

Phase = Literal["encode_text", "remove_degradation", "encode", "diffuse", "decode"]
PHASES: dict[Phase, tuple[str, ...]] = {  # which networks each needs, in their order
    "encode_text": ("text_encoder",),
    "remove_degradation": (),  # and the restoration module
    "encode": ("autoencoder",),
    "diffuse": ("unet", "control"),
    "decode": ("autoencoder",),
}
# Bytes for each pixel of what is worked on at once, beside the weights.
RESTORATION_MODULE_BYTES: dict[RestorationModule, int] = {
    "swinir": 1200,
    "swinir_face": 1200,
    "bsrnet": 18_000,  # of its input, which it enlarges 4 times
    "scunet": 4000,
}
ENCODE_BYTES = 2700
DECODE_BYTES = 5000
DIFFUSE_BYTES = 2300  # both prompts
GUIDANCE_BYTES = 24_500  # restoration guidance keeps the decoder's activations, for its gradients
# Forward and backward, where the activations wait on the host; reckoned.
GUIDANCE_BYTES_WITHOUT_ACTIVATIONS = 2 * DECODE_BYTES
HOST_BYTES = 220  # on the host: some pictures, and the bands of the wavelet
HOST_BSRNET_BYTES = 480  # of its input: its result is 16 times as large, and fused of tiles
ALIGN = 64  # pixels: what tiles are multiples of
TILE_SIDES = (2048, 1536, 1024, 768, 512, 256)  # tried where the whole does not fit
TILED: tuple[Phase, ...] = ("remove_degradation", "encode", "diffuse", "decode")
MIN_TILE = {  # diffusion: as trained
    "remove_degradation": 256,
    "encode": 256,
    "diffuse": 512,
    "decode": 256,
}
DECODER_PAD = 88  # pixels around a tile's core that the decoder is given as well
HOST_SHARE = 0.5  # of what is free on the host that the autoencoder's tiles may wait in
HOST_TILE_BYTES = 1024 * 2  # for each pixel: 256 channels, of the block and of its shortcut
DEVICE_SHARE = 0.8  # of what is free; measured figures are not those of every system
HALF_PRECISION_FACTOR = 0.6  # of the bytes in float32
# Pictures that go through together. Eight are sixteen in a call of the diffusion networks, with
# both prompts, and read the weights an eighth as often: more have little left to gain.
MAX_BATCH_SIZE = 8


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one picture is worked on. Tile sides are in pixels; None: whole."""

    remove_degradation: int | None
    encode: int | None
    diffuse: int | None
    decode: int | None
    all_resident: bool = True  # all networks stay on the device
    norms_from_thumbnail: bool = False  # the autoencoder's norms take their moments from one
    activations_on_host: bool = False  # what guidance keeps of the decoder waits on the host
    needed_bytes: Mapping[Phase, int]  # of each phase, with the weights of its networks

    @property
    def whole(self) -> bool:
        """Whether nothing is cut."""
        return all(getattr(self, phase) is None for phase in TILED)

    @property
    def peak_bytes(self) -> int:
        """The most that is needed at once."""
        return max(self.needed_bytes.values())


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is to be done, as far as memory cares. Sizes are height and width."""

    restoration_module: RestorationModule
    module_input_size: tuple[int, int]
    size: tuple[int, int]  # of what is diffused, in pixels
    weight_bytes: Mapping[str, int]  # of each network
    guided: bool  # whether restoration guidance is on
    half_precision: bool
    batch_size: int = 1
    host_is_device: bool = False  # on a CPU: what waits, waits in the memory that is computed in


def plan_for(
    work: Workload, free_bytes: int | None, host_free_bytes: int | None, tile: int | None
) -> Plan:
    """Plans for so many bytes on the device, and on the host, where tiles can wait.

    `free_bytes` counts what the weights would take as well; None: as much as is asked for. `tile`
    is what the user asks for: 0 for none, None for what memory allows.
    """
    if tile is not None or free_bytes is None:
        side = math.ceil(tile / ALIGN) * ALIGN if tile else None
        diffused_side = None if side is None else max(MIN_TILE["diffuse"], side)
        plan = Plan(
            remove_degradation=side,
            encode=side,
            diffuse=diffused_side,
            decode=side,
            needed_bytes={},
        )
        if free_bytes is not None and not work.host_is_device:
            too_much = needed_bytes(work, plan)["diffuse"] > free_bytes
            plan = replace(plan, activations_on_host=work.guided and too_much)
        plan = replace(plan, needed_bytes=needed_bytes(work, plan))
        all_resident = free_bytes is None or _all_resident_bytes(work, plan) <= free_bytes
        plan = replace(plan, all_resident=all_resident)
        return _with_norms(work, plan, host_free_bytes, 1.0)
    budget = int(free_bytes * DEVICE_SHARE)
    plan = _largest_tiles(work, budget - sum(work.weight_bytes.values()), all_resident=True)
    if plan is None:
        plan = _largest_tiles(work, budget, all_resident=False)
    assert plan is not None
    return _with_norms(work, plan, host_free_bytes, HOST_SHARE)


def max_batch_size(
    work: Workload, free_bytes: int | None, host_free_bytes: int | None, tile: int | None
) -> int:
    """Returns how many pictures like the one of `work` go through together, at least one.

    They stay whole, and the networks on the device, if they do for one. A picture that is cut,
    because it has to be or because the user asks for it, goes alone.
    """
    if tile:
        return 1
    alone = plan_for(work, free_bytes, host_free_bytes, None)
    for count in range(MAX_BATCH_SIZE, 1, -1):
        batch = plan_for(replace(work, batch_size=count), free_bytes, host_free_bytes, None)
        if (
            batch.whole
            and batch.all_resident == alone.all_resident
            and batch.activations_on_host == alone.activations_on_host
        ):
            return count
    return 1


def host_bytes(work: Workload) -> int:
    """Returns what the pictures themselves take on the host, however they are cut."""
    each = HOST_BYTES * math.prod(work.size)
    if work.restoration_module == "bsrnet":
        each = max(each, HOST_BSRNET_BYTES * math.prod(work.module_input_size))
    return work.batch_size * each


def needed_bytes(work: Workload, plan: Plan) -> dict[Phase, int]:
    """Returns the bytes that each phase takes, with the weights of its own networks."""
    return {
        phase: _weight_bytes(work, phase) + _activation_bytes(work, plan, phase) for phase in PHASES
    }


def _all_resident_bytes(work: Workload, plan: Plan) -> int:
    activations = max(_activation_bytes(work, plan, phase) for phase in PHASES)
    return sum(work.weight_bytes.values()) + activations


def _largest_tiles(work: Workload, budget: int, *, all_resident: bool) -> Plan | None:
    plan = Plan(
        remove_degradation=None,
        encode=None,
        diffuse=None,
        decode=None,
        all_resident=all_resident,
        needed_bytes={},
    )
    for phase in TILED:
        free = budget - (0 if all_resident else _weight_bytes(work, phase))
        sides = (None, *(side for side in TILE_SIDES if side >= MIN_TILE[phase]))
        candidates = [replace(plan, **{phase: side}) for side in sides]
        if phase == "diffuse" and work.guided and not work.host_is_device:
            candidates = [
                replace(candidate, activations_on_host=on_host)
                for candidate in candidates
                for on_host in (False, True)
            ]
        fitting = [plan for plan in candidates if _activation_bytes(work, plan, phase) <= free]
        if not fitting and all_resident:
            return None
        plan = (fitting or candidates[-1:])[0]
    return replace(plan, needed_bytes=needed_bytes(work, plan))


def _weight_bytes(work: Workload, phase: Phase) -> int:
    networks = (work.restoration_module,) if phase == "remove_degradation" else PHASES[phase]
    if phase == "diffuse" and work.guided:
        networks = (*networks, "autoencoder")
    return sum(work.weight_bytes.get(network, 0) for network in networks)


def _activation_bytes(work: Workload, plan: Plan, phase: Phase) -> int:
    precision, count = HALF_PRECISION_FACTOR if work.half_precision else 1.0, work.batch_size
    match phase:
        case "remove_degradation":
            each = RESTORATION_MODULE_BYTES[work.restoration_module]
            return int(each * count * _tile_area(work.module_input_size, plan.remove_degradation))
        case "encode_text":
            return 0
        case "encode":
            return int(precision * ENCODE_BYTES * count * _tile_area(work.size, plan.encode))
        case "decode":
            area = _tile_area(work.size, plan.decode, DECODER_PAD)
            return int(precision * DECODE_BYTES * count * area)
        case "diffuse":
            area = count * _tile_area(work.size, plan.diffuse)
            guidance = GUIDANCE_BYTES
            if plan.activations_on_host:
                guidance = GUIDANCE_BYTES_WITHOUT_ACTIVATIONS
            return int(precision * DIFFUSE_BYTES * area + (guidance * area if work.guided else 0))


def _tile_area(size: tuple[int, int], tile: int | None, pad: int = 0) -> int:
    height, width = size
    if tile is None:
        return height * width
    return min(height, tile + 2 * pad) * min(width, tile + 2 * pad)


def _with_norms(work: Workload, plan: Plan, host_free_bytes: int | None, share: float) -> Plan:
    # Norms of the whole picture, where the host has room for all tiles that wait for them; None:
    # nobody counts.
    if host_free_bytes is None:
        return plan
    if work.host_is_device:
        host_free_bytes -= max(
            _activation_bytes(work, plan, phase) for phase in ("encode", "decode")
        )
    host_too_small = _waiting_tile_bytes(work, plan) > share * host_free_bytes
    return replace(plan, norms_from_thumbnail=host_too_small)


def _waiting_tile_bytes(work: Workload, plan: Plan) -> int:
    # Tiles of the autoencoder wait for each other between norms; each sees more than its own.
    if plan.decode is None:
        return 0
    overlap = (1 + 2 * DECODER_PAD / plan.decode) ** 2
    pixels = work.batch_size * math.prod(work.size)
    return int(HOST_TILE_BYTES * (0.5 if work.half_precision else 1) * pixels * overlap)

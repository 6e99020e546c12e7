"""What is known of a model before it is loaded: facts that callers read instead of names."""

from dataclasses import dataclass
from typing import Literal

Task = Literal["deblur"]
Tiling = Literal["supported", "discouraged", "internal"]

MIN_TILE = 192  # pixels a side; smaller tiles would be more overlap than picture


@dataclass(frozen=True, kw_only=True)
class BundledFile:
    """A weight file that ships inside the package."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class MemoryCost:
    """What a run takes beyond the weights, measured by `tests/bench/memory_cost.py` in float32."""

    prepare_bytes_per_pixel: int  # of the whole picture, while it is looked at once
    tile_bytes_per_pixel: int  # of one tile, while it is restored


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One published checkpoint, with everything that a caller may want to know about it."""

    id: str
    title: str
    family: str
    task: Task
    config: object  # the family's …Config; its type says which family loads it
    bundled: BundledFile | None = None  # None: its weights are those in files.json that name it
    scale: int = 1  # output size over input size
    multiple: int  # height and width of what the network sees are multiples of this
    tiling: Tiling
    cost: MemoryCost
    license: str
    source: str

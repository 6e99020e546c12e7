"""What is known of a model before it is loaded: facts that callers read instead of names."""

from dataclasses import dataclass
from typing import Literal

Task = Literal["deblur", "face", "restore", "denoise", "upscale", "inpaint"]
Tiling = Literal["supported", "discouraged", "internal"]
SourceType = Literal["algorithmicallyEnhanced", "compositeWithTrainedAlgorithmicMedia"]
"""What IPTC calls a picture that a model has changed: corrected it, or put in what it made up."""

SOURCE_BYTES = 24  # per pixel: RGB in float32 as it is seen, and as it is padded
RESULT_BYTES = 12  # per pixel: RGB in float32 as it comes out
CONTEXT = 128  # pixels around a mask that a model sees; training shows it 128 and more
WIDEST_HOLE = 150  # pixels across; of the widest boxes that DiffIR was trained to fill
LARGEST_TILE = 768  # pixels a side; larger ones cost memory, gain little (docs/performance.md)
MIN_TILE = 192  # pixels a side; smaller tiles would be more overlap than picture


def picture_bytes(pixels: int, result_pixels: int) -> int:
    """Returns what a picture and its result take, whatever is done with them."""
    return SOURCE_BYTES * pixels + RESULT_BYTES * result_pixels


@dataclass(frozen=True, kw_only=True)
class BundledFile:
    """A weight file that ships inside the package."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class MemoryCost:
    """What a run takes beyond the weights, measured by `tests/bench/memory_cost.py` in float32."""

    prepare_bytes_per_pixel: int  # of the picture, while it is looked at once
    prepare_pixels: int  # of the picture that are looked at at once; more are looked at in parts
    tile_bytes_per_pixel: int  # of one tile, while it is restored

    def prepare_bytes(self, pixels: int, result_pixels: int) -> int:
        """Returns what a picture takes before and beside its tiles."""
        looking = self.prepare_bytes_per_pixel * min(pixels, self.prepare_pixels)
        return picture_bytes(pixels, result_pixels) + looking


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One published checkpoint, with everything that a caller may want to know about it."""

    id: str
    title: str
    family: str
    tasks: tuple[Task, ...]
    config: object  # the family's …Config; its type says which family loads it
    bundled: BundledFile | None = None  # None: its weights are those in files.json that name it
    scales: tuple[float, float] = (1.0, 1.0)  # the least and the largest size of result over source
    options: tuple[str, ...] = ()  # those of `options.SPECIAL` that it takes
    source_type: SourceType = "algorithmicallyEnhanced"
    multiple: int  # height and width of what the network sees are multiples of this
    padding: Literal["reflect", "symmetric"] = "reflect"  # how they become so; as numpy names them
    tiling: Tiling
    cost: MemoryCost
    license: str
    source: str

    def enlarges(self, scale: float) -> bool:
        """Whether it makes results of so many times the source's size."""
        least, largest = self.scales
        return least <= scale <= largest

"""DiffIR's published systems: sizes, models, and where their weights are. Read without torch.

What the models are for stands in the paper (arXiv:2303.09472); the networks in `models/diffir.py`.
"""

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Literal

from pixelmend_engine.catalog.spec import MemoryCost, ModelSpec, SourceType, Task

MAX_ENCODER_PIXELS = 250_000  # where the encoder works; what has more it sees in bands


@dataclass(frozen=True, kw_only=True)
class DiffIRConfig:
    """Sizes of one DiffIR system. Defaults are what all published ones agree on."""

    dim: int
    blocks: tuple[int, int, int, int]
    refinement_blocks: int  # 0: the level is not there
    heads: tuple[int, int, int, int] = (1, 2, 4, 8)
    ffn_expansion: float
    norm: Literal["centered", "uncentered"]
    tail: Literal["residual", "upscale", "plain"]
    inputs: Literal[3, 4] = 3  # 4: the picture with holes, and where they are
    scale: Literal[1, 2, 4] = 1  # output size over input size, of `upscale`
    encoder: Literal["published", "standardized"] = "published"  # the latter is ours
    encoder_blocks: int
    features: int = 64  # the prior has four times as many
    denoiser_layers: int = 1
    beta_start: float = 0.1
    beta_end: float = 0.99
    steps: int = 4

    @property
    def prior_dim(self) -> int:
        """The length of the prior."""
        return 4 * self.features

    @property
    def network_shrink(self) -> int:
        """How much smaller than the picture the transformer works: its tail enlarges four times."""
        return 4 // self.scale if self.tail == "upscale" else 1

    @property
    def encoder_shrink(self) -> int:
        """How much smaller than the picture the encoder works: a quarter of the *result's* size."""
        return 4 // self.scale


DEBLUR = DiffIRConfig(
    dim=48,
    blocks=(3, 5, 6, 6),
    refinement_blocks=4,
    ffn_expansion=2.0,
    norm="centered",
    tail="residual",
    encoder_blocks=5,
)


def _upscale(scale: Literal[1, 2, 4]) -> DiffIRConfig:
    return DiffIRConfig(
        dim=64,
        blocks=(13, 1, 1, 1),
        refinement_blocks=13,
        ffn_expansion=2.2,
        norm="uncentered",
        tail="upscale",
        scale=scale,
        encoder_blocks=9,
    )


X1, X2, X4 = _upscale(1), _upscale(2), _upscale(4)


def _inpaint(coarsest_blocks: int, encoder_blocks: int) -> DiffIRConfig:
    return DiffIRConfig(
        dim=52,
        blocks=(1, 1, 1, coarsest_blocks),
        refinement_blocks=0,
        ffn_expansion=1.8,
        norm="centered",
        tail="plain",
        inputs=4,
        encoder_blocks=encoder_blocks,
    )


INPAINT, INPAINT_BIG = _inpaint(9, 5), _inpaint(20, 8)

# The same systems, narrower: what ships with Pixelmend.
COMPACT_X4 = DiffIRConfig(
    dim=24,
    blocks=(4, 1, 1, 1),
    refinement_blocks=4,
    ffn_expansion=2.0,
    norm="centered",
    tail="upscale",
    scale=4,
    encoder="standardized",
    encoder_blocks=4,
    features=32,
)
COMPACT_X2 = dataclasses.replace(COMPACT_X4, dim=32, scale=2)
COMPACT_FILL = DiffIRConfig(
    dim=24,
    blocks=(1, 2, 3, 4),
    refinement_blocks=0,
    ffn_expansion=2.0,
    norm="centered",
    tail="plain",
    inputs=4,
    encoder="standardized",
    encoder_blocks=4,
    features=32,
)

# Bytes per pixel of the picture: looked at as a whole, and restored in a tile. Networks that
# enlarge are the same, and work on the picture at its size (x4), a half (x2), or a quarter (x1).
COSTS = {
    DEBLUR: (160, 5100),
    X4: (1500, 19000),
    X2: (380, 4800),
    X1: (100, 1200),
    INPAINT: (160, 6200),
    INPAINT_BIG: (160, 6200),
    COMPACT_X4: (1500, 19000),
    COMPACT_X2: (380, 4800),
    COMPACT_FILL: (160, 6200),
}

LICENSE = "Apache-2.0 (the repository's; the weights carry no statement of their own)"


def _model(
    name: str,
    title: str,
    task: Task,
    config: DiffIRConfig,
    *,
    source_type: SourceType = "algorithmicallyEnhanced",
) -> ModelSpec:
    look_bytes, tile_bytes = COSTS[config]
    return ModelSpec(
        id=f"diffir-{name}",
        title=f"DiffIR {title}",
        family="DiffIR",
        tasks=(task,),
        config=config,
        scales=(float(config.scale), float(config.scale)),
        source_type=source_type,
        multiple=8 * config.network_shrink,
        padding="symmetric" if config.inputs == 4 else "reflect",
        tiling="supported",
        cost=MemoryCost(
            prepare_bytes_per_pixel=look_bytes,
            prepare_pixels=MAX_ENCODER_PIXELS * config.encoder_shrink**2,
            tile_bytes_per_pixel=tile_bytes,
        ),
        license=LICENSE,
        source="https://github.com/Zj-BinXia/DiffIR",
    )


# Trained against a discriminator, or to fill holes: what they add was not in the picture.
_inventing = partial(_model, source_type="compositeWithTrainedAlgorithmicMedia")

MODELS = (  # of each task the best first
    _model("deblur", "Deblur", "deblur", DEBLUR),
    _inventing("realsr-x4", "RealSR x4", "upscale", X4),
    _inventing("realsr-x2", "RealSR x2", "upscale", X2),
    _inventing("realsr-x4-v2", "RealSR x4 V2", "upscale", X4),
    _inventing("realsr-x2-v2", "RealSR x2 V2", "upscale", X2),
    _model("realsr-x4-psnr", "RealSR x4 PSNR", "upscale", X4),
    _inventing("srgan-x4", "SRGAN x4", "upscale", X4),
    _inventing("realsr-x1", "RealSR x1", "restore", X1),
    _inventing("realsr-x1-v2", "RealSR x1 V2", "restore", X1),
    _inventing("inpaint-places", "Places", "inpaint", INPAINT),
    _inventing("inpaint-places-big", "Places Big", "inpaint", INPAINT_BIG),
    _inventing("inpaint-faces", "Faces", "inpaint", INPAINT),
)


def _trainable(name: str, title: str, task: Task, config: DiffIRConfig) -> ModelSpec:
    return dataclasses.replace(
        _model(name, title, task, config),
        id=f"compact-{name}",
        title=f"Compact {title}",
        license="that of whoever trained it",
        source="trained by you",
    )


TRAINABLE = (
    _trainable("x4", "x4", "upscale", COMPACT_X4),
    _trainable("x2", "x2", "upscale", COMPACT_X2),
    _trainable("fill", "Fill", "inpaint", COMPACT_FILL),
)
"""Sizes that a recipe makes, and of which no weights are published."""

"""The sizes of the published HI-Diff systems.

Sources: arXiv:2305.12966 and github.com/zhengchen1999/HI-Diff at b3bfd16 (option files, README).
"""

import dataclasses
from dataclasses import dataclass
from typing import Literal

from pixelmend_engine.catalog.spec import BundledFile, MemoryCost, ModelSpec, Task


@dataclass(frozen=True, kw_only=True)
class HIDiffConfig:
    """Sizes of one published HI-Diff checkpoint."""

    dim: int = 48
    blocks: tuple[int, int, int, int] = (3, 5, 6, 6)
    refinement_blocks: int = 4
    heads: tuple[int, int, int, int] = (1, 2, 4, 8)
    ffn_expansion: float
    embed_dim: int = 64  # the prior is four times as wide
    group: int = 4  # the prior has group * group tokens
    encoder: Literal["gelu", "lrelu", "spectrum"]  # the last is ours
    encoder_blocks: int
    denoiser: Literal["mixer", "mlp"]
    denoiser_width: int
    denoiser_blocks: int = 4
    prediction: Literal["epsilon", "x0"]  # epsilon: x_0 is clamped to [-1, 1]; x0: it is not
    betas: Literal["linear", "linear-sqrt"]
    beta_start: float = 0.1
    beta_end: float = 0.99
    steps: int

    @property
    def prior_tokens(self) -> int:
        """The number of tokens in the prior."""
        return self.group**2

    @property
    def prior_dim(self) -> int:
        """The width of a token of the prior."""
        return 4 * self.embed_dim


GOPRO = HIDiffConfig(
    ffn_expansion=2.66,
    encoder="gelu",
    encoder_blocks=6,
    denoiser="mixer",
    denoiser_width=512,
    prediction="epsilon",
    betas="linear",
    steps=8,
)

REALBLUR = HIDiffConfig(
    ffn_expansion=2.0,
    encoder="lrelu",
    encoder_blocks=5,
    denoiser="mlp",
    denoiser_width=256,
    prediction="x0",
    betas="linear-sqrt",
    steps=16,
)

COMPACT = HIDiffConfig(
    dim=16,
    blocks=(1, 5, 4, 6),
    refinement_blocks=1,
    ffn_expansion=2.66,
    encoder="gelu",
    encoder_blocks=4,
    denoiser="mixer",
    denoiser_width=256,
    prediction="epsilon",
    betas="linear",
    steps=8,
)

# The same transformer, whose prior can't become the same for all pictures: see `docs/training.md`.
COMPACT_GUIDED = dataclasses.replace(
    COMPACT,
    encoder="spectrum",
    denoiser="mlp",
    prediction="x0",
    betas="linear-sqrt",
    steps=16,
)

MAX_ENCODER_PIXELS = (
    4_000_000  # of the picture that the encoder sees at once; larger ones cut into bands
)


PUBLISHED_SOURCE = "https://github.com/zhengchen1999/HI-Diff"
PUBLISHED_LICENSE = "Apache-2.0 (the repository's; the weights carry no statement of their own)"


def _cost(tile_bytes_per_pixel: int) -> MemoryCost:
    return MemoryCost(
        prepare_bytes_per_pixel=150,
        prepare_pixels=MAX_ENCODER_PIXELS,
        tile_bytes_per_pixel=tile_bytes_per_pixel,
    )


def _published(
    model_id: str, title: str, config: HIDiffConfig, tile_bytes_per_pixel: int
) -> ModelSpec:
    return ModelSpec(
        id=model_id,
        title=title,
        family="HI-Diff",
        tasks=("deblur",),
        config=config,
        multiple=8,
        tiling="supported",
        cost=_cost(tile_bytes_per_pixel),
        license=PUBLISHED_LICENSE,
        source=PUBLISHED_SOURCE,
    )


def _bundled(
    model_id: str,
    title: str,
    tasks: tuple[Task, ...],
    config: HIDiffConfig,
    size_bytes: int,
    sha256: str,
) -> ModelSpec:
    return ModelSpec(
        id=model_id,
        title=title,
        family="HI-Diff",
        tasks=tasks,
        config=config,
        bundled=BundledFile(name=f"{model_id}.safetensors", size_bytes=size_bytes, sha256=sha256),
        multiple=8,
        tiling="supported",
        cost=_cost(2300),
        license="Apache-2.0",
        source="trained by this project",
    )


MODELS = (
    _published("hi-diff-gopro", "HI-Diff GoPro", GOPRO, 6100),
    _published("hi-diff-realblur-j", "HI-Diff RealBlur-J", REALBLUR, 5100),
    _published("hi-diff-realblur-r", "HI-Diff RealBlur-R", REALBLUR, 5100),
    _bundled(
        "hi-diff-compact",
        "HI-Diff Compact",
        ("deblur",),
        COMPACT,
        9_183_874,
        "6ce032259dc39bd9423c8b818449fcb23f2e057e0c66a3e2e0c64c31406b97fe",
    ),
    _bundled(
        "compact",
        "Compact",
        ("restore", "denoise", "face"),
        COMPACT_GUIDED,
        8_391_200,
        "e73479d55d68394af3be6447094181684892efbd682eb7a633d77d7af8a9179a",
    ),
)

TRAINABLE = (
    ModelSpec(
        id="hi-diff-compact-guided",
        title="HI-Diff Compact, with a spectrum encoder",
        family="HI-Diff",
        tasks=("deblur", "restore", "denoise"),
        config=COMPACT_GUIDED,
        multiple=8,
        tiling="supported",
        cost=_cost(2300),
        license="that of whoever trained it",
        source="trained by you",
    ),
)
"""Sizes that a recipe makes, and of which no weights are published."""

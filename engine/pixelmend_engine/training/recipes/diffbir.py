"""How DiffBIR is trained, as published; each recipe makes the model of the same name.

Source of the numbers: github.com/XPixelGroup/DiffBIR at 3f8b530, its option files; what removes
degradations from faces was trained by DifFace's code (github.com/zsyOAOA/DifFace). Batches are
those of all processes together there; here `--batch` says what each takes.
"""

import dataclasses

from pixelmend_engine.catalog.diffbir import V1_FACE, V1_GENERAL, V2_1
from pixelmend_engine.training.degradations import codeformer
from pixelmend_engine.training.degradations.real_esrgan import RealESRGANSettings
from pixelmend_engine.training.recipes.learning_rates import ConstantUntil, CosineSegment
from pixelmend_engine.training.recipes.recipe import MIRRORED, UPRIGHT, Phase, Recipe, Stage

SIDE = 512  # pixels, of every crop
POOL_SIZE = 256


def _removal(steps: int) -> Stage:
    """The restoration module: so many steps, by squared error."""
    return Stage(
        phases=(Phase(steps, SIDE, 96),),
        rates=(ConstantUntil(steps + 1, 1e-4),),
        clip=None,
        weight_decay=0.0,
        pixel_loss="squares",
    )


def _control(rates: tuple[ConstantUntil, ...], batch: int) -> Stage:
    """IRControlNet: as many steps as there are rates for."""
    return Stage(
        phases=(Phase(rates[-1].before - 1, SIDE, batch),),
        rates=rates,
        clip=None,
        weight_decay=0.01,
    )


GENERAL = Recipe(
    id="diffbir-v1-general",
    title="DiffBIR v1, as published",
    config=V1_GENERAL,
    stages=(_removal(150_000), _control((ConstantUntil(25_001, 1e-4),), 192)),
    orientations=UPRIGHT,
    degradation=codeformer.GENERAL,
    least_side=SIDE,
    whole=True,
)
FACE = Recipe(
    id="diffbir-v1-face",
    title="DiffBIR v1 Face, as published",
    config=V1_FACE,
    stages=(
        Stage(
            phases=(Phase(300_000, SIDE, 32),),
            rates=(CosineSegment(300_000, 5e-5, 5e-6),),
            clip=None,
            weight_decay=0.0,
            degradation=codeformer.STRONG_FACE,
        ),
        _control((ConstantUntil(25_001, 1e-4),), 192),
    ),
    orientations=MIRRORED,
    degradation=codeformer.FACE,
    least_side=SIDE,
    whole=True,
)
V2_1_RECIPE = Recipe(
    id="diffbir-v2.1",
    title="DiffBIR v2.1, as published",
    config=V2_1,
    stages=(
        _removal(100_000),
        dataclasses.replace(
            _control((ConstantUntil(1_000_001, 1e-5),), 512),
            condition_noise=200,
            dropped_captions=0.2,
        ),
    ),
    window=SIDE,
    orientations=UPRIGHT,
    degradation=RealESRGANSettings(scale=4, side=SIDE, sharpened=True, enlarged=True),
    pool_size=POOL_SIZE,
    least_side=SIDE,
)

RECIPES = (GENERAL, FACE, V2_1_RECIPE)

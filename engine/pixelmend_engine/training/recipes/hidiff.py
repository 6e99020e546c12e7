"""How HI-Diff is trained: as published, and in the size of the bundled model.

Source of the published numbers: github.com/zhengchen1999/HI-Diff at b3bfd16, option files
`options/train/*.yml`, and arXiv:2305.12966, section 4.1. RealBlur-R's second stage names no first
one there, and GoPro's is misnamed; what all files agree on is taken for what was meant.
"""

import dataclasses

from pixelmend_engine.catalog.hidiff import COMPACT, COMPACT_GUIDED, GOPRO, REALBLUR
from pixelmend_engine.training.degradations.camera import MILD, SHAKEN, STRONG
from pixelmend_engine.training.degradations.worn import BLURRED, WORN
from pixelmend_engine.training.recipes.learning_rates import CosineSegment
from pixelmend_engine.training.recipes.recipe import Phase, Recipe, Stage

PUBLISHED = Stage(
    phases=(
        Phase(20_000, 128, 16),
        Phase(40_000, 160, 10),
        Phase(60_000, 192, 8),
        Phase(80_000, 256, 4),
        Phase(100_000, 320, 2),
        Phase(300_000, 384, 2),
    ),
    rates=(CosineSegment(100_000, 2e-4, 2e-4), CosineSegment(200_000, 2e-4, 1e-6)),
)

COMPACT_FIRST = Stage(
    phases=(Phase(6_000, 128, 16),),
    rates=(CosineSegment(200, 0.0, 8e-4), CosineSegment(5_800, 8e-4, 1e-4)),
    ema_decay=0.999,
    frequency_weight=0.05,
)
COMPACT_SECOND = dataclasses.replace(
    COMPACT_FIRST,
    phases=(Phase(10_000, 128, 16), Phase(15_000, 192, 8), Phase(18_000, 256, 4)),
    rates=(CosineSegment(200, 0.0, 8e-4), CosineSegment(17_800, 8e-4, 1e-6)),
)
COMPACT_RECIPE = Recipe(
    id="compact",
    title="HI-Diff Compact, the bundled model's size",
    config=COMPACT,
    stages=(COMPACT_FIRST, COMPACT_SECOND),
    degradation=MILD,
)

# From a trained model on, in an hour or two of two CPU cores: few crops a step, so that there are
# steps. What is measured as PSNR is learned as PSNR.
COMPACT_TUNED = dataclasses.replace(
    COMPACT_SECOND,
    phases=(Phase(6_300, 128, 4), Phase(7_000, 192, 3)),
    rates=(CosineSegment(200, 0.0, 5e-4), CosineSegment(6_800, 5e-4, 1e-6)),
    pixel_loss="psnr",
    frequency_weight=0.0,
    degradation=SHAKEN,
)

# The transformer of a trained model, with encoders and a denoiser from nothing. Both stages begin
# with the prior alone: many crops a step, as the transformer, which takes the time, is not run.
GUIDED_FIRST = Stage(
    phases=(Phase(600, 96, 12), Phase(4_600, 128, 4)),
    rates=(
        CosineSegment(50, 0.0, 1e-3),
        CosineSegment(550, 1e-3, 1e-4),
        CosineSegment(50, 0.0, 4e-4),
        CosineSegment(3_950, 4e-4, 1e-5),
    ),
    joint_training_from=601,
    ema_decay=0.99,
    pixel_loss="psnr",
    blur_weight=1.0,
)
# The transformer learns little in the second: what it has learned to take from a teacher's prior,
# it would unlearn with one that is only guessed.
GUIDED_SECOND = dataclasses.replace(
    GUIDED_FIRST,
    phases=(Phase(2_400, 128, 12), Phase(3_000, 128, 4)),
    rates=(
        CosineSegment(50, 0.0, 1e-3),
        CosineSegment(2_350, 1e-3, 5e-5),
        CosineSegment(20, 0.0, 5e-5),
        CosineSegment(580, 5e-5, 1e-6),
    ),
    joint_training_from=2_401,
    blur_weight=0.0,
)

GUIDED_RECIPE = Recipe(
    id="compact-guided",
    title="HI-Diff Compact, from a trained transformer on: with a prior that guides it",
    config=COMPACT_GUIDED,
    stages=(GUIDED_FIRST, GUIDED_SECOND),
    degradation=BLURRED,
    guards_prior=True,
)

# The same with other damage, from a transformer that was trained for blur.
RESTORE_FIRST = dataclasses.replace(
    GUIDED_FIRST,
    phases=(Phase(600, 96, 12), Phase(3_000, 96, 7), Phase(3_600, 128, 4)),
    rates=(
        CosineSegment(50, 0.0, 1e-3),
        CosineSegment(550, 1e-3, 1e-4),
        CosineSegment(50, 0.0, 5e-4),
        CosineSegment(2_950, 5e-4, 1e-5),
    ),
)

RECIPES = (
    COMPACT_RECIPE,
    dataclasses.replace(
        COMPACT_RECIPE,
        id="compact-tuned",
        title="HI-Diff Compact, from a trained one on: camera shake above all",
        stages=(COMPACT_FIRST, COMPACT_TUNED),
    ),
    GUIDED_RECIPE,
    dataclasses.replace(
        GUIDED_RECIPE,
        id="compact-restore",
        title="Compact, from a trained transformer on: noise, JPEG, scans, mild blur",
        stages=(RESTORE_FIRST, GUIDED_SECOND),
        degradation=WORN,
    ),
    Recipe(
        id="gopro",
        title="HI-Diff GoPro, as published",
        config=GOPRO,
        stages=(PUBLISHED, PUBLISHED),
        degradation=STRONG,
    ),
    Recipe(
        id="realblur",
        title="HI-Diff RealBlur-J and -R, as published",
        config=REALBLUR,
        stages=(PUBLISHED, PUBLISHED),
        degradation=STRONG,
    ),
)

"""How DiffIR is trained, as published and smaller; each recipe makes the model of the same name.

Source of the numbers: github.com/Zj-BinXia/DiffIR at 293f86c, its option files and, where these
are overridden, its training code; arXiv:2303.09472, section 4.1. Super-resolution has a third
stage, with a discriminator; what its second leaves behind is the model for least error.
"""

import dataclasses
from typing import Literal

from pixelmend_engine.catalog.diffir import (
    COMPACT_FILL,
    COMPACT_X2,
    COMPACT_X4,
    DEBLUR,
    INPAINT,
    INPAINT_BIG,
    X1,
    X2,
    X4,
)
from pixelmend_engine.training.degradations.camera import STRONG
from pixelmend_engine.training.degradations.downscaling import DownscalingSettings
from pixelmend_engine.training.degradations.inpainting_masks import InpaintingMaskSettings
from pixelmend_engine.training.degradations.real_esrgan import RealESRGANSettings
from pixelmend_engine.training.degradations.scratch_masks import ScratchMaskSettings
from pixelmend_engine.training.degradations.worn import SHRUNK
from pixelmend_engine.training.recipes.learning_rates import ConstantUntil, CosineSegment
from pixelmend_engine.training.recipes.recipe import (
    MIRRORED,
    UPRIGHT,
    AdversarialSettings,
    Phase,
    Recipe,
    Stage,
)

BETAS = (0.9, 0.99)
EMA_DECAY = 0.999
POOL_SIZE = 180
SIDES, BATCHES = (192, 256, 320, 384, 464, 512), (8, 4, 2, 2, 1, 1)


def _growing(*lengths: int) -> tuple[Phase, ...]:
    ends = [sum(lengths[: number + 1]) for number in range(len(lengths))]
    return tuple(Phase(*numbers) for numbers in zip(ends, SIDES, BATCHES, strict=True))


# --- Deblurring -----------------------------------------------------------------------------------

# Rates of the first 100,000 steps, in which the prior is learned alone.
PRIOR_ALONE = (
    ConstantUntil(60_000, 2e-4),
    ConstantUntil(100_000, 2e-5),
)

DEBLUR_FIRST = Stage(
    phases=_growing(92_000, 80_000, 38_000, 33_000, 33_000, 24_000),
    rates=(CosineSegment(92_000, 2e-4, 2.85e-4), CosineSegment(208_000, 2e-4, 1e-6)),
    clip=None,
    weight_decay=0.0,
    ema_decay=EMA_DECAY,
)
DEBLUR_SECOND = Stage(
    phases=_growing(150_000, 60_000, 50_000, 60_000, 40_000, 40_000),
    rates=(
        *PRIOR_ALONE,
        ConstantUntil(180_000, 2e-4),
        ConstantUntil(260_000, 1e-4),
        ConstantUntil(340_000, 5e-5),
        ConstantUntil(400_001, 2.5e-5),
    ),
    betas=BETAS,
    clip=None,
    weight_decay=0.0,
    ema_decay=EMA_DECAY,
    joint_training_from=100_000,
)
DEBLURRING = Recipe(
    id="diffir-deblur",
    title="DiffIR Deblur, as published",
    config=DEBLUR,
    stages=(DEBLUR_FIRST, DEBLUR_SECOND),
    window=512,
    degradation=STRONG,
)

# --- Super-resolution -----------------------------------------------------------------------------

SUPER_RESOLUTION = Stage(
    phases=(Phase(1_000_000, 256, 9),),
    rates=(
        ConstantUntil(500_001, 2e-4),
        ConstantUntil(700_001, 1e-4),
        ConstantUntil(1_000_001, 5e-5),
    ),
    betas=BETAS,
    clip=None,
    weight_decay=0.0,
    ema_decay=EMA_DECAY,
)
REALSR_SECOND = dataclasses.replace(
    SUPER_RESOLUTION,
    rates=(*PRIOR_ALONE, ConstantUntil(700_000, 2e-4), ConstantUntil(1_000_001, 1e-4)),
    joint_training_from=100_000,
)
REALSR_THIRD = dataclasses.replace(
    SUPER_RESOLUTION,
    phases=(Phase(400_000, 256, 9),),
    rates=(ConstantUntil(300_000, 1e-4), ConstantUntil(400_001, 5e-5)),
    adversarial=AdversarialSettings(
        discriminator="unet", rates=(ConstantUntil(400_001, 1e-4),), betas=BETAS
    ),
    perceptual_network="vgg19",
)


def _real_world(scale: Literal[1, 2, 4], *, sharpened: bool) -> Recipe:
    # No moving average was kept in the first stages for factors below 4.
    first = (
        SUPER_RESOLUTION if scale == 4 else dataclasses.replace(SUPER_RESOLUTION, ema_decay=None)
    )
    third = REALSR_THIRD
    if sharpened:
        third = dataclasses.replace(
            third, degradation=RealESRGANSettings(scale=scale, sharpened=True)
        )
    return Recipe(
        id=f"diffir-realsr-x{scale}" + ("-v2" if sharpened else ""),
        title=f"DiffIR Real-World x{scale}"
        + (", toward sharpened pictures" if sharpened else "")
        + ", as published",
        config={1: X1, 2: X2, 4: X4}[scale],
        stages=(first, REALSR_SECOND, third),
        window=400,
        orientations=MIRRORED,
        degradation=RealESRGANSettings(scale=scale),
        pool_size=POOL_SIZE,
    )


SRGAN_STAGE = dataclasses.replace(SUPER_RESOLUTION, phases=(Phase(1_000_000, 256, 8),))
SRGAN = Recipe(
    id="diffir-srgan-x4",
    title="DiffIR GAN x4, as published",
    config=X4,
    stages=(
        SRGAN_STAGE,
        SRGAN_STAGE,
        dataclasses.replace(
            SRGAN_STAGE,
            phases=(Phase(400_000, 256, 8),),
            rates=(ConstantUntil(200_001, 2e-4), ConstantUntil(400_001, 1e-4)),
            adversarial=AdversarialSettings(
                discriminator="unet",
                rates=(ConstantUntil(200_001, 1e-4), ConstantUntil(400_001, 5e-5)),
                betas=BETAS,
            ),
            perceptual_network="vgg19",
        ),
    ),
    window=256,
    degradation=DownscalingSettings(scale=4),
)

# --- Inpainting -----------------------------------------------------------------------------------


def _inpainting(batch: int) -> Stage:
    steps = 40 * 25_000  # epochs, and batches in each, at most
    return Stage(
        phases=(Phase(steps, 256, batch),),
        rates=(ConstantUntil(steps + 1, 2e-4),),
        clip=1.0,
        weight_decay=0.0,
        pixel_loss_region="known",
        adversarial=AdversarialSettings(
            discriminator="patch",
            rates=(ConstantUntil(steps + 1, 1e-4),),
            betas=(0.9, 0.999),
            clip=1.0,
        ),
        perceptual_network="ade20k",
    )


FACES = Recipe(
    id="diffir-inpaint-faces",
    title="DiffIR Inpaint Faces, as published",
    config=INPAINT,
    stages=(_inpainting(4), _inpainting(4)),
    window=256,
    orientations=UPRIGHT,
    degradation=InpaintingMaskSettings(),
)
PLACES = Recipe(
    id="diffir-inpaint-places",
    title="DiffIR Inpaint Places, as published",
    config=INPAINT,
    stages=(_inpainting(4), _inpainting(4)),
    window=256,
    orientations=MIRRORED,
    degradation=InpaintingMaskSettings(augmented=True),
)
PLACES_BIG = dataclasses.replace(
    PLACES,
    id="diffir-inpaint-places-big",
    title="DiffIR Inpaint Places Big, as published",
    config=INPAINT_BIG,
    stages=(_inpainting(15), _inpainting(15)),
)

# --- The small models -----------------------------------------------------------------------------

# An hour or two of one CPU core each. The prior's losses are the published ones.
SMALL_FIRST = Stage(
    phases=(Phase(400, 128, 12), Phase(2_000, 128, 8)),
    rates=(
        CosineSegment(50, 0.0, 1e-3),
        CosineSegment(350, 1e-3, 1e-4),
        CosineSegment(50, 0.0, 1e-3),
        CosineSegment(1_550, 1e-3, 1e-4),
    ),
    joint_training_from=401,
    betas=BETAS,
    clip=0.1,
    weight_decay=0.0,
    ema_decay=0.99,
    pixel_loss="psnr",
    blur_weight=1.0,
)
SMALL_SECOND = dataclasses.replace(
    SMALL_FIRST,
    phases=(Phase(500, 128, 16), Phase(2_000, 128, 8)),
    rates=(
        CosineSegment(50, 0.0, 1e-3),
        CosineSegment(450, 1e-3, 2e-4),
        CosineSegment(50, 0.0, 3e-4),
        CosineSegment(1_450, 3e-4, 1e-6),
    ),
    joint_training_from=501,
    blur_weight=0.0,
)


def _small_upscale(scale: Literal[2, 4]) -> Recipe:
    return Recipe(
        id=f"compact-x{scale}",
        title=f"Compact x{scale}: clean and worn pictures",
        config={2: COMPACT_X2, 4: COMPACT_X4}[scale],
        stages=(SMALL_FIRST, SMALL_SECOND),
        degradation=DownscalingSettings(scale=scale, worn=SHRUNK),
        guards_prior=True,
    )


SMALL_FILL = Recipe(
    id="compact-fill",
    title="Compact Fill: scratches, specks, wires and tears",
    config=COMPACT_FILL,
    stages=(
        dataclasses.replace(
            SMALL_FIRST,
            phases=(Phase(400, 96, 12), Phase(2_000, 96, 8)),
            pixel_loss_region="holes",
        ),
        dataclasses.replace(
            SMALL_SECOND,
            phases=(Phase(500, 96, 16), Phase(2_000, 128, 4)),
            pixel_loss_region="holes",
        ),
    ),
    degradation=ScratchMaskSettings(),
    guards_prior=True,
)

RECIPES = (
    DEBLURRING,
    *(_real_world(scale, sharpened=v2) for v2 in (False, True) for scale in (4, 2, 1)),
    SRGAN,
    PLACES,
    PLACES_BIG,
    FACES,
    *(_small_upscale(scale) for scale in (4, 2)),
    SMALL_FILL,
)

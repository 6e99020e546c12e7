"""What the small models are trained against: several kinds of damage, one for each picture."""

import dataclasses

from pixelmend_engine.training.degradations.camera import SHAKEN
from pixelmend_engine.training.degradations.mixture import NOTHING, MixtureSettings

GAUSSIAN = dataclasses.replace(NOTHING, grain=(0.0, 60 / 255))
HIGH_ISO = dataclasses.replace(
    NOTHING, shot=(0.0, 0.03), read=(0.0, 0.01), jpeg_share=0.4, jpeg=(70.0, 98.0)
)
COMPRESSED = dataclasses.replace(
    NOTHING,
    jpeg_share=1.0,
    jpeg=(12.0, 70.0),
    recompressed_share=0.3,
    grain=(0.0, 3 / 255),
    soft_original_share=0.2,
)
MIXED = dataclasses.replace(
    NOTHING,
    untouched_share=0.0,
    shake_share=0.4,
    shake=(1.0, 8.0),
    roll=(0.0, 0.01),
    defocus_share=0.3,
    defocus=(0.5, 2.0),
    soft_share=0.6,
    soft=(0.3, 1.6),
    grain=(0.0, 20 / 255),
    jpeg_share=0.8,
    jpeg=(30.0, 90.0),
    recompressed_share=0.2,
)
SCANNED = dataclasses.replace(
    NOTHING,
    untouched_share=0.0,
    soft_share=0.5,
    soft=(0.3, 1.0),
    grain=(2 / 255, 16 / 255),
    grain_size=(0.3, 1.2),
    specks=(0.0, 12.0),
    gray_share=0.5,
    jpeg_share=0.5,
    jpeg=(70.0, 98.0),
)
SOUND = dataclasses.replace(
    NOTHING,
    soft_original_share=0.6,
    grain=(0.0, 1 / 255),
    jpeg_share=0.3,
    jpeg=(90.0, 98.0),
    gray_share=0.1,
)
"""Nothing to restore, in soft pictures least of all: what a model has to leave as it is."""

WORN = MixtureSettings(
    parts=(
        (0.32, GAUSSIAN),
        (0.12, HIGH_ISO),
        (0.18, COMPRESSED),
        (0.18, MIXED),
        (0.12, SCANNED),
        (0.08, SOUND),
    )
)
"""*Denoise* and *Restore Photo*: noise, compression, scans, and mild blur beside them."""

SHRUNK = MixtureSettings(
    parts=(
        (0.5, NOTHING),
        (0.2, dataclasses.replace(NOTHING, jpeg_share=1.0, jpeg=(20.0, 95.0))),
        (
            0.15,
            dataclasses.replace(NOTHING, grain=(0.0, 25 / 255), jpeg_share=0.4, jpeg=(60.0, 95.0)),
        ),
        (
            0.15,
            dataclasses.replace(
                NOTHING,
                untouched_share=0.0,
                soft_share=1.0,
                soft=(0.3, 1.0),
                grain=(0.0, 8 / 255),
                jpeg_share=0.5,
                jpeg=(40.0, 95.0),
            ),
        ),
    )
)
"""*Upscale*: what became of small pictures since, half of them nothing."""

FRAMES = dataclasses.replace(
    SHAKEN, untouched_share=0.0, display_light_share=0.7, moving_share=0.5, highlight_share=0.0
)
"""Averages of a film's frames, as data sets of blur are made."""

SOFT = dataclasses.replace(
    NOTHING,
    soft_original_share=0.75,
    grain=(0.0, 2.5 / 255),
    jpeg_share=0.25,
    jpeg=(80.0, 98.0),
)
"""Soft originals, and sharp ones: a model for blur that sharpens these sharpens what was sharp."""

BLURRED = MixtureSettings(parts=((0.7, SHAKEN), (0.12, FRAMES), (0.18, SOFT)))
"""*Deblur*: mild shake above all."""

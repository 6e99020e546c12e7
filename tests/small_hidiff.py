"""HI-Diff in a size that runs and learns in no time; it is good for nothing else."""

import dataclasses

from pixelmend_engine.catalog.hidiff import COMPACT

CONFIG = dataclasses.replace(
    COMPACT,
    dim=8,
    blocks=(1, 1, 1, 1),
    embed_dim=8,
    encoder_blocks=1,
    denoiser_width=16,
    denoiser_blocks=3,
    steps=4,
)

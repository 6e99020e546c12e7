"""Training: photographs in, checkpoints out. Needs the extra `train`."""

"""Computing in half precision, where that is wanted."""

import torch


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Returns the context in which networks compute in `dtype`; float32 leaves all as it is."""
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)

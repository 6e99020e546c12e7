"""Between sRGB values and linear light, for tensors on any device; `color` does it for files.

Blur happens to light, before a camera encodes it.
"""

from jaxtyping import Float
from torch import Tensor

Values = Float[Tensor, "*shape"]


def decode(encoded: Values) -> Values:
    """Turns sRGB values from 0 to 1 into linear light. Source: IEC 61966-2-1."""
    curve = ((encoded + 0.055) / 1.055).clamp_min(0) ** 2.4
    return (encoded / 12.92).where(encoded <= 0.04045, curve)


def encode(linear: Values) -> Values:
    """Undoes `decode`; light below 0 or beyond white is clipped, as a sensor does."""
    linear = linear.clamp(0, 1)
    curve = 1.055 * linear.clamp_min(1e-6) ** (1 / 2.4) - 0.055
    return (12.92 * linear).where(linear <= 0.0031308, curve)

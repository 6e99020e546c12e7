"""Restoration guidance: estimates of the clean latent are pulled towards the cleaned picture.

Source: Lin et al., DiffBIR, arXiv:2308.15070, section 3.3, as the release 2.0.0 of the published
code computes it.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

STRENGTH = 3000.0  # that a scale of 1 stands for
GRAY = (0.2989, 0.5870, 0.1140)  # weights of red, green, blue

Latent = Float[Tensor, "b z h w"]
Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [-1, 1]
Loss = Callable[[Latent], Float[Tensor, ""]]


def steered(x0: Latent, weight: float, scale: float, loss: Loss, repeats: int = 1) -> Latent:
    """Steps an estimate of x_0 down the slope of a loss.

    `weight` is what x_0 weighs in the posterior mean: the step is as large there at each timestep.
    """
    for _ in range(repeats):
        with torch.enable_grad():
            estimate = x0.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(loss(estimate), estimate)
        x0 = x0 - STRENGTH * scale / weight * slope
    return x0


def weighted_error(
    predicted: Pictures, target: Pictures, weights: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, ""]:
    """Returns the mean squared error of each picture, by weights, summed over the pictures."""
    return (weights * (predicted - target) ** 2).mean(dim=(1, 2, 3)).sum()


def smooth_weights(target: Pictures) -> Float[Tensor, "b 1 h w"]:
    """Weighs flat places by 1, edges by less: there the model may make up what is lost.

    Sides are even: edges are summed over blocks of 2 x 2.
    """
    gray = torch.tensor(GRAY, device=target.device)[:, None, None]
    brightness = ((target + 1) / 2 * gray).sum(dim=1, keepdim=True)
    across = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    sobel = torch.stack([across, across.T])[:, None].to(target.device)
    slopes = functional.conv2d(functional.pad(brightness, (1, 1, 1, 1), mode="replicate"), sobel)
    edges = slopes.square().sum(dim=1, keepdim=True).sqrt()
    blocks = 4 * functional.avg_pool2d(edges, 2)
    return functional.interpolate(1 - torch.tanh(blocks), scale_factor=2.0)

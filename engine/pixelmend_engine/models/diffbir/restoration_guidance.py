"""Restoration guidance: estimates of the clean latent are guided towards the restored picture.

Source: Lin et al., DiffBIR, arXiv:2308.15070, section 3.3, as the release 2.0.0 of the published
code computes it. Pictures go whole or in tiles, where each tile has a loss of its own.
"""

from collections.abc import Callable
from contextlib import nullcontext

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.diffusion.sampler import GuidanceFn
from pixelmend_engine.nn import gaussian_blending
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder

STRENGTH = 3000.0  # that a scale of 1 stands for
GRAY = (0.2989, 0.5870, 0.1140)  # weights of red, green, blue

Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [-1, 1]
Latent = Float[Tensor, "b z hl wl"]
Loss = Callable[[Latent], Float[Tensor, ""]]


def guidance_fn(
    images: Pictures,
    autoencoder: Autoencoder,
    latent_scale: float,
    tile: int | None,
    scale: float,
    *,
    activations_on_host: bool,
) -> GuidanceFn:
    """Returns what guides estimates towards pictures in [0, 1]; in tiles, each tile alone.

    `tile` is a side in places of the latent, `scale` the guidance scale. With
    `activations_on_host`, what the decoder computed waits in the computer's own memory for the
    backward pass.
    """
    shrink = autoencoder.sizes.shrink

    def guide(x0: Latent, t: int, weight: float) -> Latent:
        del t

        def guide_tile(piece: Latent, top: int = 0, left: int = 0) -> Latent:
            rows, columns = (side * shrink for side in piece.shape[-2:])
            y, x = top * shrink, left * shrink
            # Latents may have been padded further than the pictures: with what stands for zero.
            target = torch.full((len(piece), 3, rows, columns), -1.0)
            pixels = 2 * images[..., y : y + rows, x : x + columns] - 1
            target[..., : pixels.shape[-2], : pixels.shape[-1]] = pixels
            target = target.to(piece.device)
            weights = smooth_weights(target)

            def loss(latent: Latent) -> Float[Tensor, ""]:
                return weighted_error(autoencoder.decode(latent / latent_scale), target, weights)

            saving = torch.autograd.graph.save_on_cpu() if activations_on_host else nullcontext()
            with torch.autocast(piece.device.type, enabled=False), saving:
                return guided(piece.float(), weight, scale, loss)

        if tile is None:
            return guide_tile(x0)
        return gaussian_blending.fused(guide_tile, x0, tile, tile // 2)

    return guide


def guided(x0: Latent, weight: float, scale: float, loss: Loss, repeats: int = 1) -> Latent:
    """Moves an estimate of x_0 down the gradient of a loss.

    `weight` is what x_0 weighs in the posterior mean: the step is as large there at each timestep.
    """
    for _ in range(repeats):
        with torch.enable_grad():
            estimate = x0.detach().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(loss(estimate), estimate)
        x0 = x0 - STRENGTH * scale / weight * gradient
    return x0


def weighted_error(
    predicted: Pictures, target: Pictures, weights: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, ""]:
    """Returns the mean squared error of each picture, by weights, summed over the pictures."""
    return (weights * (predicted - target) ** 2).mean(dim=(1, 2, 3)).sum()


def smooth_weights(target: Pictures) -> Float[Tensor, "b 1 h w"]:
    """Weights flat places by 1, edges by less: there the model may make up what is lost.

    Sides are even: edges are summed over blocks of 2 x 2.
    """
    gray = torch.tensor(GRAY, device=target.device)[:, None, None]
    luma = ((target + 1) / 2 * gray).sum(dim=1, keepdim=True)
    sobel_x = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    sobel = torch.stack([sobel_x, sobel_x.T])[:, None].to(target.device)
    gradients = functional.conv2d(functional.pad(luma, (1, 1, 1, 1), mode="replicate"), sobel)
    edges = gradients.square().sum(dim=1, keepdim=True).sqrt()
    blocks = 4 * functional.avg_pool2d(edges, 2)
    return functional.interpolate(1 - torch.tanh(blocks), scale_factor=2.0)

"""DiffBIR's restoration guidance, of pictures whole or in tiles: each by its own loss alone."""

from contextlib import nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from pixelmend_engine.diffusion.fidelity import smooth_weights, steered, weighted_error
from pixelmend_engine.diffusion.sampler import Steer
from pixelmend_engine.nn import gaussian_tiles
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder

Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [0, 1]
Latent = Float[Tensor, "b 4 hl wl"]


def towards(
    images: Pictures,
    autoencoder: Autoencoder,
    latent_scale: float,
    tile: int | None,
    scale: float,
    *,
    lends: bool,
) -> Steer:
    """Makes what pulls estimates towards the cleaned pictures; in tiles, of each tile alone.

    `tile` is a side in places of the latent, `scale` how strongly it pulls. With `lends`, what the
    decoder computed waits in the computer's own memory for the way back.
    """
    shrink = autoencoder.sizes.shrink

    def steer(x0: Latent, t: int, weight: float) -> Latent:
        del t

        def part(piece: Latent, top: int = 0, left: int = 0) -> Latent:
            rows, columns = (side * shrink for side in piece.shape[-2:])
            y, x = top * shrink, left * shrink
            # Latents may have been padded further than the pictures: with what stands for zero.
            target = torch.full((len(piece), 3, rows, columns), -1.0)
            seen = 2 * images[..., y : y + rows, x : x + columns] - 1
            target[..., : seen.shape[-2], : seen.shape[-1]] = seen
            target = target.to(piece.device)
            weights = smooth_weights(target)
            keeping = torch.autograd.graph.save_on_cpu() if lends else nullcontext()
            with torch.autocast(piece.device.type, enabled=False), keeping:
                return steered(
                    piece.float(),
                    weight,
                    scale,
                    lambda latent: weighted_error(
                        autoencoder.decode(latent / latent_scale), target, weights
                    ),
                )

        if tile is None:
            return part(x0)
        return gaussian_tiles.fused(part, x0, tile, tile // 2)

    return steer

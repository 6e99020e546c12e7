"""Batch normalization without gain and bias: what all pictures have in common goes out.

Source: Ioffe and Szegedy, arXiv:1502.03167. That it keeps a latent from collapsing is known from
variational autoencoders: Zhu et al., BN-VAE, arXiv:2004.12585.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

MOMENTUM = 0.05  # a batch has few pictures, so that the average goes over some dozens of batches


class Standardize(nn.Module):
    """Brings each channel to mean 0 and variance 1 over all places of many pictures.

    In training mode these are the batch's, else the averages that training has left.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Not nn.BatchNorm2d, whose count of batches is an integer: weights are stored in halves.
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Float[Tensor, "b c *places"]) -> Float[Tensor, "b c *places"]:
        return functional.batch_norm(
            x, self.running_mean, self.running_var, training=self.training, momentum=MOMENTUM
        )

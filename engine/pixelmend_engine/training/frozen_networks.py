"""The networks of DiffBIR that a second stage makes use of and leaves as they are.

Each is on the device while it computes, and in memory else; the U-Net, which every step needs, is
the objective's to place.
"""

import hashlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.models.diffbir import model
from pixelmend_engine.models.diffbir.degradation_removal import padded_to
from pixelmend_engine.models.diffbir.model import LATENT_SCALE
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder, mode
from pixelmend_engine.nn.stable_diffusion.text_encoder import TextEncoder
from pixelmend_engine.nn.stable_diffusion.tokenizer import tokenize
from pixelmend_engine.nn.stable_diffusion.unet import UNet
from pixelmend_engine.nn.swinir import SwinIR
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_strictly

Pictures = Float[Tensor, "b 3 h w"]
Moments = Float[Tensor, "b 8 hl wl"]
Latent = Float[Tensor, "b 4 hl wl"]

TEXTS = 16  # that are encoded together


class FrozenNetworks:
    """U-Net, autoencoder, text encoder, and what removes degradations."""

    def __init__(self, config: DiffBIRConfig, device: torch.device, dtype: torch.dtype) -> None:
        self.config, self.device, self.dtype = config, device, dtype
        self.unet = UNet(config.unet)
        self.autoencoder = Autoencoder(config.autoencoder)
        self.text_encoder = TextEncoder(config.text)
        self.restoration_module = SwinIR(config.swinir)
        self.fingerprint = ""  # a hash of the networks that latents depend on
        for network in self._networks:
            network.eval().requires_grad_(requires_grad=False)
        model.cast(self.unet, dtype)

    @property
    def _networks(self) -> tuple[nn.Module, ...]:
        return self.unet, self.autoencoder, self.text_encoder, self.restoration_module

    @classmethod
    def filled(
        cls,
        config: DiffBIRConfig,
        states: dict[str, StateDict],
        device: torch.device,
        dtype: torch.dtype,
    ) -> "FrozenNetworks":
        """Fills the networks, strictly.

        Raises:
            UnreadableCheckpoint: They are not all there, or others.
        """
        module = next((name for name in ("swinir", "swinir_face") if name in states), "swinir")
        needed = ("unet", "autoencoder", "text_encoder", module)
        if absent := sorted(set(needed) - states.keys()):
            raise UnreadableCheckpoint(
                f"What the second stage stands on is not all there, missing: {', '.join(absent)}",
                hint="Pull the model, or give Stable Diffusion 2.1 with --base and stage 1 with "
                "--teacher",
            )
        with torch.device("meta"):
            networks = cls(config, device, torch.float32)
        for name, network in zip(needed, networks._networks, strict=True):
            holder = nn.Module()
            holder.add_module(name, network)
            fill_strictly(holder, {name: states[name]})
            network.requires_grad_(requires_grad=False)
        model.cast(networks.unet, dtype)
        networks.dtype = dtype
        networks.fingerprint = _digest({name: states[name] for name in ("autoencoder", module)})
        return networks

    @torch.no_grad()
    def remove_degradation(self, lq: Pictures) -> Pictures:
        """Runs the first stage; its result is not clamped."""
        height, width = lq.shape[-2:]
        with self._on_device(self.restoration_module), autocast(self.device, self.dtype):
            padded = padded_to(lq.to(self.device), self.restoration_module.multiple)
            return self.restoration_module(padded)[..., :height, :width].float()

    @torch.no_grad()
    def encode(self, pictures: Pictures) -> Moments:
        """Returns the moments of pictures' latents."""
        with self._on_device(self.autoencoder):
            with autocast(self.device, self.dtype):
                moments = self.autoencoder.encode(2 * pictures.to(self.device) - 1).float()
            if not moments.isfinite().all():  # half precision was not enough
                moments = self.autoencoder.encode(2 * pictures.to(self.device) - 1)
        return moments

    def encode_condition(self, smooth: Pictures) -> Latent:
        """Returns the likeliest latents, in scaled units."""
        return mode(self.encode(smooth)) * LATENT_SCALE

    @torch.no_grad()
    def decode(self, latent: Latent) -> Pictures:
        """Returns the pictures of latents, about [-1, 1]."""
        with self._on_device(self.autoencoder), autocast(self.device, self.dtype):
            return self.autoencoder.decode(latent.to(self.device)).float()

    @torch.no_grad()
    def contexts(self, texts: Sequence[str]) -> Float[Tensor, "b n d"]:
        """Encodes texts; what comes back lies in memory."""
        parts: list[Tensor] = []
        with self._on_device(self.text_encoder), autocast(self.device, self.dtype):
            for first in range(0, len(texts), TEXTS):
                ids = [tokenize(text) for text in texts[first : first + TEXTS]]
                encoded = self.text_encoder(torch.tensor(ids, device=self.device))
                parts.append(encoded.float().cpu())
        return torch.cat(parts)

    @contextmanager
    def _on_device(self, network: nn.Module) -> Generator[None]:
        if self.device.type == "cpu":  # it is there
            yield
            return
        network.to(self.device)
        try:
            yield
        finally:
            network.to("cpu")


def _digest(states: dict[str, StateDict]) -> str:
    digest = hashlib.sha256()
    for name in sorted(states):
        for key, tensor in sorted(states[name].items()):
            digest.update(f"{name}.{key}".encode())
            digest.update(tensor.float().contiguous().numpy().tobytes())
    return digest.hexdigest()

"""A discriminator while it is trained: its optimizer, and one step of it."""

from typing import Any

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.objectives.adversarial_losses import GanLoss
from pixelmend_engine.training.recipes.learning_rates import learning_rate
from pixelmend_engine.training.recipes.recipe import AdversarialSettings


class DiscriminatorTrainer:
    """Learns to tell what a model made from what is real, beside the model, step by step."""

    def __init__(
        self,
        gan_loss: GanLoss,
        settings: AdversarialSettings,
        accelerator: Accelerator,
    ) -> None:
        self.gan_loss = gan_loss
        self._settings = settings
        self._accelerator = accelerator
        self._parameters = list(gan_loss.discriminator.parameters())
        gan_loss.requires_grad_(requires_grad=True)
        self._shared: nn.Module = accelerator.prepare_model(gan_loss)
        gan_loss.requires_grad_(requires_grad=False)  # as it is for the model, whose losses pass it
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=0.0, betas=settings.betas, weight_decay=0.0
        )

    def step(
        self, step: int, batch: Batch, restored: Float[Tensor, "b 3 hs ws"]
    ) -> dict[str, Tensor]:
        """Learns from what the model made of a batch; returns its losses."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(self._settings.rates, step)
        self.gan_loss.requires_grad_(requires_grad=True)
        real = batch.hq if batch.real is None else batch.real
        mask = batch.lq[:, 3:] if batch.lq.shape[1] > 3 else None
        losses: dict[str, Tensor] = self._shared(restored.detach(), real, mask)
        self._accelerator.backward(torch.stack([*losses.values()]).sum())
        if self._settings.clip is not None:
            self._accelerator.clip_grad_norm_(self._parameters, self._settings.clip)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.gan_loss.requires_grad_(requires_grad=False)
        return {f"discriminator {name}": loss.detach() for name, loss in losses.items()}

    def state_dict(self) -> dict[str, Any]:
        """Returns what the next step depends on."""
        return {
            "discriminator": self.gan_loss.discriminator.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes up a state that was kept."""
        self.gan_loss.discriminator.load_state_dict(state["discriminator"])
        self._optimizer.load_state_dict(state["optimizer"])

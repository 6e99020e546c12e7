"""A discriminator while it is trained: its optimizer, and one step of it."""

from typing import Any

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.objectives.adversarial_losses import PatchGame, PixelGame
from pixelmend_engine.training.recipes.learning_rates import rate
from pixelmend_engine.training.recipes.recipe import Rivalry


class Opponent:
    """Learns to tell what a model made from what is real, beside the model, step by step."""

    def __init__(
        self, game: PixelGame | PatchGame, rivalry: Rivalry, accelerator: Accelerator
    ) -> None:
        self.game = game
        self._rivalry = rivalry
        self._accelerator = accelerator
        self._parameters = list(game.discriminator.parameters())
        game.requires_grad_(requires_grad=True)
        self._shared: nn.Module = accelerator.prepare_model(game)
        game.requires_grad_(requires_grad=False)  # as it is for the model, whose losses pass it
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=0.0, betas=rivalry.betas, weight_decay=0.0
        )

    def step(
        self, step: int, batch: Batch, restored: Float[Tensor, "b 3 hs ws"]
    ) -> dict[str, Tensor]:
        """Learns from what the model made of a batch; returns what was lost."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate(self._rivalry.rates, step)
        self.game.requires_grad_(requires_grad=True)
        real = batch.hq if batch.real is None else batch.real
        mask = batch.lq[:, 3:] if batch.lq.shape[1] > 3 else None
        losses: dict[str, Tensor] = self._shared(restored.detach(), real, mask)
        self._accelerator.backward(torch.stack([*losses.values()]).sum())
        if self._rivalry.clip is not None:
            self._accelerator.clip_grad_norm_(self._parameters, self._rivalry.clip)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self.game.requires_grad_(requires_grad=False)
        return {f"discriminator {name}": loss.detach() for name, loss in losses.items()}

    def state(self) -> dict[str, Any]:
        """Returns what the next step depends on."""
        return {
            "discriminator": self.game.discriminator.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Takes up a state that was kept."""
        self.game.discriminator.load_state_dict(state["discriminator"])
        self._optimizer.load_state_dict(state["optimizer"])

"""What DiffBIR's second stage is trained to do: IRControlNet steers a U-Net that stays as it is.

Source: arXiv:2308.15070, section 3.2, and the published code (see `models/diffbir/model.py`). What
is frozen is in half precision; of it the U-Net alone is needed in a step, everything else before
(`latent_pool`) or to look at results.
"""

from collections.abc import Mapping

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import SeededNoise
from pixelmend_engine.diffusion.registry import SAMPLERS
from pixelmend_engine.diffusion.sampler import SamplerOptions
from pixelmend_engine.diffusion.schedule import float32
from pixelmend_engine.models.diffbir import model
from pixelmend_engine.models.diffbir.classifier_free_guidance import ClassifierFreeGuidance
from pixelmend_engine.models.diffbir.model import LATENT_SCALE
from pixelmend_engine.nn import color_transfer
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.nn.stable_diffusion.autoencoder import sample
from pixelmend_engine.nn.stable_diffusion.controlnet import ControlNet
from pixelmend_engine.nn.stable_diffusion.unet import Stage as UNetStage
from pixelmend_engine.nn.stable_diffusion.unet import UNet
from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.data.latent_pool import LatentBatch
from pixelmend_engine.training.frozen_networks import FrozenNetworks
from pixelmend_engine.training.objectives.step_losses import StepLosses
from pixelmend_engine.training.recipes.recipe import Stage
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_parts

FIRST = "input_blocks.0.0.weight"  # of the convolution that sees latent and condition
ZERO = ("zero_convs.", "middle_block_out.")
UNIFORM = 3  # numbers of a draw that are uniform: timestep, condition's noise, caption
VALIDATION_STEPS = 10
SURE = 0.9  # correlation above which a U-Net is sure to predict noise

Latent = Float[Tensor, "b 4 h w"]
Moments = Float[Tensor, "b 8 h w"]
Context = Float[Tensor, "b n d"]
Pictures = Float[Tensor, "b 3 hp wp"]
Draws = Float[Tensor, "b ..."]


class ControlObjective(nn.Module):
    """Both diffusion networks and what is asked of one: losses in `forward`, for several GPUs."""

    block = UNetStage  # what is worth compiling
    signal: Tensor
    rest: Tensor
    empty: Tensor
    gan_loss = None
    sums = False  # the loss is a mean over pictures

    def __init__(
        self, config: DiffBIRConfig, stage: Stage, frozen: FrozenNetworks, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.config, self.dtype = config, dtype
        self.frozen = frozen
        self.condition_noise = stage.condition_noise
        self.dropped_captions = stage.dropped_captions
        self.networks = nn.ModuleDict({"control": ControlNet(config.unet), "unet": frozen.unet})
        self.schedule = model.schedule_of(config)
        signal, rest = (
            torch.tensor(float32(values))
            for values in (
                self.schedule.sqrt_alpha_bar,
                self.schedule.sqrt_one_minus_alpha_bar,
            )
        )
        self.register_buffer("signal", signal, persistent=False)
        self.register_buffer("rest", rest, persistent=False)
        self.register_buffer("empty", frozen.contexts([""])[0], persistent=False)

    @property
    def control(self) -> ControlNet:
        """What is trained."""
        network = self.networks["control"]
        assert isinstance(network, ControlNet)
        return network

    @property
    def unet(self) -> UNet:
        """What is steered; it stays as it is."""
        network = self.networks["unet"]
        assert isinstance(network, UNet)
        return network

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The network that is trained, by its name in checkpoints."""
        return {"control": self.control}

    @property
    def trained_parts(self) -> tuple[str, ...]:
        """The parts that the stage leaves behind."""
        return ("control",)

    def set_trainable(self, *, prior_only: bool) -> None:
        """Freezes all but IRControlNet; there is no prior."""
        assert not prior_only
        self.unet.requires_grad_(requires_grad=False)
        self.control.requires_grad_(requires_grad=True)

    def load_initial(self, states: Mapping[str, StateDict]) -> None:
        """Goes on with weights of IRControlNet if there are any, and begins with the U-Net's else.

        Raises:
            UnreadableCheckpoint: They are those of another network.
        """
        if "control" in states:
            fill_parts(self.parts, self.parts, states)
        else:
            self.control.load_state_dict(initial_control(self.control, self.unet.state_dict()))

    def draw(self, batch: Batch | LatentBatch, generator: torch.Generator) -> Draws:
        """Draws what a step needs: uniform numbers first, then normal noise, three latents full.

        For pictures that are looked at, draws the latents that sampling starts with.
        """
        shrink = self.config.autoencoder.shrink
        if isinstance(batch, Batch):
            height, width = (side // shrink for side in batch.lq.shape[-2:])
            return torch.randn(len(batch), 4, height, width, generator=generator)
        numbers = torch.rand(len(batch), UNIFORM, generator=generator)
        normal = torch.randn(len(batch), 3 * batch.condition[0].numel(), generator=generator)
        return torch.cat([numbers, normal], dim=1)

    def forward(
        self, moments: Moments, condition: Latent, context: Context, draws: Draws
    ) -> StepLosses:
        """Returns the squared error of what is predicted: the noise, or v.

        `moments` are of the sharp pictures' latents, not scaled; `condition` is in scaled units.
        """
        numbers, normal = draws[:, :UNIFORM], draws[:, UNIFORM:]
        drawn, noise, condition_noise = (
            part.reshape(condition.shape) for part in normal.chunk(3, dim=1)
        )
        t = (numbers[:, 0] * self.config.timesteps).long()
        z_0 = sample(moments.float(), drawn) * LATENT_SCALE
        z_t = self.q_sample(z_0, t, noise)
        condition = condition.float()
        if self.condition_noise:
            k = (numbers[:, 1] * self.condition_noise).long()
            condition = self.q_sample(condition, k, condition_noise)
        dropped = numbers[:, 2, None, None] < self.dropped_captions
        context = torch.where(dropped, self.empty.to(context.dtype), context).float()
        with autocast(z_t.device, self.dtype):
            control = self.control(z_t, condition, t.float(), context, recompute=True)
            predicted = self.unet(z_t, t.float(), context, control, recompute=True).float()
        loss = functional.mse_loss(predicted, self.target(z_0, t, noise))
        return StepLosses({self.config.prediction: loss}, {}, None)

    def q_sample(self, z_0: Latent, t: Int[Tensor, " b"], noise: Latent) -> Latent:
        """Draws from q(z_t | z_0) (DDPM, eq. 4)."""
        return _each(self.signal[t]) * z_0 + _each(self.rest[t]) * noise

    def target(self, z_0: Latent, t: Int[Tensor, " b"], noise: Latent) -> Latent:
        """Returns what is to be predicted. v: Salimans and Ho, arXiv:2202.00512, appendix D."""
        if self.config.prediction == "epsilon":
            return noise
        return _each(self.signal[t]) * noise - _each(self.rest[t]) * z_0

    def predict(self, lq: Pictures, hq: Pictures, draws: Draws) -> Pictures:  # noqa: ARG002 - others look at them
        """Restores pictures in a few steps, without a prompt."""
        smooth = self.frozen.remove_degradation(lq)
        condition = self.frozen.encode_condition(smooth)
        both = ClassifierFreeGuidance(
            self.unet,
            self.control,
            condition,
            repeat(self.empty.float(), "n d -> 2 n d"),
            1.0,
            None,
        )
        denoiser = Denoiser(
            predict=both, schedule=self.schedule, prediction=self.config.prediction, cfg_scale=1.0
        )
        sampler = SAMPLERS["spaced"]
        with autocast(lq.device, self.dtype):
            latent = sampler.sample(
                denoiser, draws, VALIDATION_STEPS, SeededNoise(*range(len(lq))), SamplerOptions()
            )
        restored = (self.frozen.decode(latent / LATENT_SCALE) + 1) / 2
        return color_transfer.transfer(restored, smooth, "wavelet")


def initial_control(control: ControlNet, unet: StateDict) -> StateDict:
    """Returns the weights that IRControlNet begins with: the U-Net's, and nothing that it adds yet.

    The first convolution sees the condition, too, with weights of zero.
    """
    state: StateDict = {}
    for name, tensor in control.state_dict().items():
        if name.startswith(ZERO):
            state[name] = torch.zeros_like(tensor)
        elif name == FIRST:
            theirs = unet[name].to(tensor)
            state[name] = torch.cat([theirs, torch.zeros_like(theirs)], dim=1)
        else:
            state[name] = unet[name].to(tensor)
    return state


@torch.no_grad()
def check_prediction(objective: ControlObjective) -> None:
    """Makes sure that the U-Net predicts v where v is learned.

    One that predicts noise gives back what is noise alone, as it is.

    Raises:
        BadRequest: It predicts noise.
    """
    if objective.config.prediction != "v":
        return
    device = objective.signal.device
    generator = torch.Generator().manual_seed(0)
    side = 8 * objective.config.autoencoder.shrink
    noise = torch.randn(1, 4, side, side, generator=generator).to(device)
    t = torch.tensor([objective.config.timesteps - 1.0], device=device)
    with autocast(device, objective.dtype):
        output = objective.unet(noise, t, objective.empty.float()[None]).float()
    refuse_noise_prediction(output, noise)


def refuse_noise_prediction(output: Latent, noise: Latent) -> None:
    """Raises BadRequest where what a network made of noise alone is that noise."""
    stacked = torch.stack([output.flatten(), noise.flatten()])
    if torch.corrcoef(stacked)[0, 1].item() > SURE:
        raise BadRequest(
            "The U-Net predicts noise (epsilon), and this recipe learns to predict v",
            hint="Take the base model of the recipe's own version: for v2.1 "
            "`sd2.1-base-zsnr-laionaes5.ckpt`",
        )


def _each(values: Float[Tensor, " b"]) -> Float[Tensor, "b 1 1 1"]:
    return rearrange(values, "b -> b 1 1 1")

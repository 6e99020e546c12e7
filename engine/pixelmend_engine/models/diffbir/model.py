"""DiffBIR: degradations are removed, then a diffusion model makes up what was lost.

Paper: Lin et al., DiffBIR: Towards Blind Image Restoration with Generative Diffusion Prior, ECCV
2024, arXiv:2308.15070. Published code: github.com/XPixelGroup/DiffBIR at 3f8b530, Apache-2.0; the
weights of Stable Diffusion 2.1, on which it stands, are under CreativeML Open RAIL++-M. Sizes and
defaults stand in `catalog/diffbir.py`, where they can be read without torch.

Where we differ: noise comes from a seeded CPU generator (upstream draws on the device); pictures
stay floats (upstream goes through 8 bits before and after); both prompts are one call of the
network; restoration guidance, which the published release has for its `spaced` sampler alone and
not in tiles, works in tiles as well, by the loss of each tile; the autoencoder may take the moments
of its norms from a thumbnail where all its tiles have no room; a long narrow picture is cut along
its length, where upstream leaves it whole; and v1 runs as the published code of v2 does.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend.errors import OutOfMemory, UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import DiffBIRConfig, RestorationModule
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings
from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise, SeededNoise
from pixelmend_engine.diffusion.registry import SAMPLERS
from pixelmend_engine.diffusion.sampler import SamplerOptions
from pixelmend_engine.diffusion.schedule import Schedule
from pixelmend_engine.models.diffbir import files as diffbir_files
from pixelmend_engine.models.diffbir import memory_plan, restoration_guidance, time_estimate
from pixelmend_engine.models.diffbir.classifier_free_guidance import ClassifierFreeGuidance
from pixelmend_engine.models.diffbir.degradation_removal import (
    RestorationNetwork,
    padded_to,
    remove_degradation,
    resized,
    size_with_min_side,
    tile_count,
)
from pixelmend_engine.models.diffbir.memory_plan import PHASES, Phase, Plan, Workload
from pixelmend_engine.models.diffbir.offloading import on_device
from pixelmend_engine.models.pipeline import ModelRequest, TileRestorer
from pixelmend_engine.nn import color_transfer
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.nn.progress import Progress, reporting
from pixelmend_engine.nn.rrdb import RRDBNet
from pixelmend_engine.nn.scunet import SCUNet
from pixelmend_engine.nn.stable_diffusion import tiled_autoencoder
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder, Decoder, Encoder, mode
from pixelmend_engine.nn.stable_diffusion.controlnet import ControlNet
from pixelmend_engine.nn.stable_diffusion.text_encoder import TextEncoder
from pixelmend_engine.nn.stable_diffusion.tokenizer import tokenize
from pixelmend_engine.nn.stable_diffusion.unet import PreciseGroupNorm, UNet
from pixelmend_engine.nn.swinir import SwinIR
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_strictly

PARTS = ("unet", "control", "autoencoder", "text_encoder")  # of every system
RESTORATION_MODULES: tuple[RestorationModule, ...] = get_args(RestorationModule)
LATENT_SCALE = 0.18215  # latents are multiplied by this before they are diffused; published
PIXELS = 64  # what the sides of a whole picture are padded to
LATENT_PIXELS = 8  # and of one in tiles

Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [0, 1]
Latent = Float[Tensor, "b 4 hl wl"]
Padded = Float[Tensor, "b 4 hp wp"]
Context = Float[Tensor, "2 n d"]  # of the prompt, and of the negative prompt
ReadFiles = Callable[[], Mapping[str, StateDict]]


# --- Networks -------------------------------------------------------------------------------------


class DiffBIR(nn.Module):
    """The networks of one system; of the restoration modules those whose weights were given."""

    def __init__(self, config: DiffBIRConfig, modules: frozenset[RestorationModule]) -> None:
        super().__init__()
        self.config = config
        self.unet = UNet(config.unet)
        self.control = ControlNet(config.unet)
        self.autoencoder = Autoencoder(config.autoencoder)
        self.text_encoder = TextEncoder(config.text)
        for name in sorted(modules):
            self.add_module(name, _restoration_module(name, config))

    def restoration_module(self, name: RestorationModule) -> RestorationNetwork:
        """Returns a network of the first stage."""
        network = self.get_submodule(name)
        assert isinstance(network, SwinIR | RRDBNet | SCUNet)
        return network

    @property
    def stages(self) -> list[nn.Module]:
        """The parts of a call of both diffusion networks, for progress."""
        down = [
            stage
            for network in (self.control, self.unet)
            for stage in (*network.input_blocks, network.middle_block)
        ]
        return [*down, *self.unet.output_blocks]


def _restoration_module(name: RestorationModule, config: DiffBIRConfig) -> nn.Module:
    match name:
        case "swinir" | "swinir_face":
            return SwinIR(config.swinir)
        case "bsrnet":
            return RRDBNet(config.bsrnet)
        case "scunet":
            return SCUNet(config.scunet)


# --- Checkpoints ----------------------------------------------------------------------------------


def load(
    config: DiffBIRConfig,
    files: Mapping[str, StateDict],
    device: torch.device,
    dtype: torch.dtype,
    rest: ReadFiles = dict,
) -> "DiffBIRPipeline":
    """Fills the networks with a checkpoint, strictly: every name and shape must match.

    `dtype` is what the diffusion networks compute in; the others may go through it, but keep their
    weights in float32. One network after the other is read, so that none is twice in memory.
    `rest` reads the published files of the system, for networks that `files` are without.

    Raises:
        UnreadableCheckpoint: It is no DiffBIR checkpoint, or one of another system.
    """
    states = diffbir_files.sorted_by_network(config, files)
    # Each task has its own; those of other tasks may be absent.
    if not set(PARTS) <= states.keys() or not states.keys() & set(RESTORATION_MODULES):
        states = diffbir_files.sorted_by_network(config, rest()) | states
    known = frozenset[RestorationModule](module for _, module in config.restoration_modules)
    modules = frozenset[RestorationModule](module for module in known if module in states) or known
    names = (*PARTS, *sorted(modules))
    if absent := sorted(set(names) - states.keys()):
        raise UnreadableCheckpoint(
            f"The weights are not those of this model: the networks are not all there, missing: "
            f"{', '.join(absent)}",
            hint="Point --weights at a folder with all files of the model that you named",
        )
    with torch.device("meta"):
        networks = DiffBIR(config, modules)
    for name in names:
        part = nn.Module()
        part.add_module(name, networks.get_submodule(name))
        fill_strictly(part, {name: states.pop(name)})
        if name in ("unet", "control"):
            cast(networks.get_submodule(name), dtype)
    return DiffBIRPipeline(networks, device, dtype)


def cast(network: nn.Module, dtype: torch.dtype) -> None:
    """Converts a diffusion network's weights.

    As published: embeddings and the last layers stay in float32, and so do the blocks' norms.
    """
    for name, module in network.named_modules():  # pyright: ignore[reportUnknownVariableType]
        kept = str(name).partition(".")[0] in ("", "time_embed", "out")  # pyright: ignore[reportUnknownArgumentType]
        if not kept and isinstance(module, nn.Module) and not isinstance(module, PreciseGroupNorm):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.to(dtype)


def schedule_of(config: DiffBIRConfig) -> Schedule:
    """Returns the diffusion of a system."""
    schedule = Schedule.linear_sqrt(config.beta_start, config.beta_end, config.timesteps)
    return schedule.with_zero_terminal_snr() if config.zero_snr else schedule


# --- Pipeline -------------------------------------------------------------------------------------


class DiffBIRPipeline:
    """A loaded system. Its parts lie on the device, or go there one after the other."""

    prepare_steps = 0  # the whole picture is one tile: it cuts it by itself
    tile_steps = 1

    def __init__(self, networks: DiffBIR, device: torch.device, dtype: torch.dtype) -> None:
        networks.eval().requires_grad_(requires_grad=False)
        self.networks = networks
        self.config = networks.config
        self.schedule = schedule_of(self.config)
        self._device = device
        self._dtype = dtype
        self._contexts: dict[tuple[str, str], Context] = {}

    def max_batch_size(self, height: int, width: int, request: ModelRequest) -> int:
        """Returns how many pictures of a size go through together, in the memory granted."""
        if self._device.type == "cpu":
            return 1  # several take as long as one by one, and more memory (docs/performance.md)
        settings = DiffBIRSettings.from_options(self.config, request.options)
        name = self.config.restoration_module(request.task)
        size = (int(height * request.scale), int(width * request.scale))
        work = self.workload(name, (1, 3, height, width), size, settings)
        free_bytes = self._free_bytes(request)
        return memory_plan.max_batch_size(work, free_bytes, request.host_free_bytes, request.tile)

    def prepare(self, image: Pictures, request: ModelRequest, progress: Progress) -> TileRestorer:  # noqa: ARG002 - it takes no time
        """Checks the settings and plans; the restorer does the rest, with the whole pictures.

        Raises:
            UnreadableCheckpoint: The weights are without the part that the task needs.
            OutOfMemory: There is no room for the pictures, however they are cut.
        """
        settings = DiffBIRSettings.from_options(self.config, request.options)
        name = self.config.restoration_module(request.task)
        if name not in dict(self.networks.named_children()):
            raise UnreadableCheckpoint(
                f"The weights have nothing that cleans pictures for `{request.task}`: `{name}`",
                hint="Point --weights at a folder with all files of the model that you named",
            )
        if settings.fidelity:
            request.add_note(
                f"fidelity takes the sampler {settings.sampler} with {settings.steps} steps"
            )
        if settings.start_point == "cond" and self.config.zero_snr:
            request.add_note(
                "start_point cond changes nothing here: this model starts from noise alone"
            )
        size = (int(image.shape[-2] * request.scale), int(image.shape[-1] * request.scale))
        work = self.workload(name, image.shape, size, settings)
        plan = self.plan(work, request)
        request.tell_planned(max(0, plan.peak_bytes - self._resident_bytes()))
        _refuse_too_large(work, size, request)
        self._warn_of_duration(settings, work, plan, request)

        def restore(tile: Pictures, progress: Progress) -> Float[Tensor, "b 3 hs ws"]:
            return self.run(tile, size, name, settings, SeededNoise(*request.seeds), plan, progress)

        return restore

    def plan(self, work: Workload, request: ModelRequest) -> Plan:
        """Plans how pictures are cut, from the memory that the request grants."""
        free_bytes = self._free_bytes(request)
        return memory_plan.plan_for(work, free_bytes, request.host_free_bytes, request.tile)

    def workload(
        self,
        module: RestorationModule,
        shape: Sequence[int],
        size: tuple[int, int],
        settings: DiffBIRSettings,
    ) -> Workload:
        """Says what is to be done with pictures of that shape, for results of that size."""
        batch_size, _, height, width = shape
        diffused = size_with_min_side(size[0], size[1], self.config.min_side)
        return Workload(
            restoration_module=module,
            module_input_size=(height, width) if module == "bsrnet" else diffused,
            size=diffused,
            batch_size=batch_size,
            weight_bytes={
                name: sum(tensor.nbytes for tensor in network.state_dict().values())
                for name, network in self.networks.named_children()
            },
            guided=settings.fidelity > 0,
            half_precision=self._dtype != torch.float32,
            host_is_device=self._device.type == "cpu",
        )

    def _free_bytes(self, request: ModelRequest) -> int | None:
        """Returns what is granted, with what the weights take that already lie there."""
        return None if request.free_bytes is None else request.free_bytes + self._resident_bytes()

    def _resident_bytes(self) -> int:
        weights = self.networks.state_dict().values()
        return sum(tensor.nbytes for tensor in weights if tensor.device == self._device)

    def run(
        self,
        image: Pictures,
        size: tuple[int, int],
        module: RestorationModule,
        settings: DiffBIRSettings,
        noise: Noise,
        plan: Plan,
        progress: Progress,
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Restores pictures to a size; `noise` is drawn from in the published order.

        Each picture is restored as if it were alone, up to rounding.
        """
        image = image.cpu()
        work = self.workload(module, image.shape, size, settings)
        phases = _parts(progress, time_estimate.seconds_by_phase(settings, work, plan))
        with torch.no_grad():
            context = self._encode_text(settings, plan, phases["encode_text"])
            smooth = self._remove_degradation(
                image, size, module, plan, phases["remove_degradation"]
            )
            height, width = smooth.shape[-2:]
            in_tiles = plan.encode is not None or plan.diffuse is not None
            padded = padded_to(smooth, LATENT_PIXELS if in_tiles else PIXELS)
            condition = self._encode(2 * padded - 1, plan, phases["encode"])
            latent = self._diffuse(
                condition, padded, context, settings, noise, plan, phases["diffuse"]
            )
            latent = latent[..., : condition.shape[-2], : condition.shape[-1]]
            restored = (self._decode(latent / LATENT_SCALE, plan, phases["decode"]) + 1) / 2
            restored = restored[..., :height, :width]
            return resized(color_transfer.transfer(restored, smooth, settings.color_fix), size)

    def _remove_degradation(
        self,
        image: Pictures,
        size: tuple[int, int],
        module: RestorationModule,
        plan: Plan,
        progress: Progress,
    ) -> Float[Tensor, "b 3 hc wc"]:
        network = self.networks.restoration_module(module)
        input_size = image.shape[-2:] if isinstance(network, RRDBNet) else size
        tile = plan.remove_degradation
        calls = tile_count(input_size[0], input_size[1], tile)
        with (
            self._on_device("remove_degradation", plan, module),
            reporting(dict.fromkeys(network.steps, 1), progress, calls),
        ):
            min_side = self.config.min_side
            return remove_degradation(network, image, size, min_side, tile, self._device)

    def _encode_text(self, settings: DiffBIRSettings, plan: Plan, progress: Progress) -> Context:
        prompts = (settings.prompt, settings.negative_prompt)
        if prompts not in self._contexts:
            with self._on_device("encode_text", plan):
                ids = torch.tensor([tokenize(text) for text in prompts], device=self._device)
                with autocast(self._device, self._dtype):
                    context = self.networks.text_encoder(ids).float()
            # The last one: the next picture's is mostly the same.
            self._contexts = {prompts: context}
        progress.update(1, 1)
        return self._contexts[prompts]

    def _encode(self, image: Pictures, plan: Plan, progress: Progress) -> Latent:
        autoencoder = self.networks.autoencoder
        with self._on_device("encode", plan):
            features = self._in_tiles(
                autoencoder.encoder,
                image,
                (plan.encode, tiled_autoencoder.ENCODER_PAD),
                plan,
                progress,
            )
            moments = autoencoder.quant_conv(features.to(self._device)).cpu()
        return mode(moments) * LATENT_SCALE

    def _decode(self, latent: Latent, plan: Plan, progress: Progress) -> Pictures:
        autoencoder = self.networks.autoencoder
        tile = None if plan.decode is None else plan.decode // LATENT_PIXELS
        with self._on_device("decode", plan):
            return self._in_tiles(
                autoencoder.decoder,
                autoencoder.post_quant_conv(latent.to(self._device)),
                (tile, tiled_autoencoder.DECODER_PAD),
                plan,
                progress,
            )

    def _in_tiles(
        self,
        network: Encoder | Decoder,
        x: Float[Tensor, "b c h w"],
        tile_and_pad: tuple[int | None, int],
        plan: Plan,
        progress: Progress,
    ) -> Float[Tensor, "b o hs ws"]:
        """Runs the autoencoder; what is not finite in half precision is done again in float32."""
        tile, pad = tile_and_pad
        # Laid out channel by channel: torch's group norm of pixels laid out one by one takes the
        # difference of two large sums, and is a thousand times less exact.
        x = x.cpu().contiguous()
        side = max(x.shape[-2:]) if tile is None else tile
        tiles = tiled_autoencoder.tiles(x.shape[-2], x.shape[-1], side, pad)
        run = (
            tiled_autoencoder.with_thumbnail_norms
            if plan.norms_from_thumbnail
            else tiled_autoencoder.with_shared_norms
        )
        if len(tiles) == 1:
            run = tiled_autoencoder.whole
        with autocast(self._device, self._dtype):
            result = run(network, x, tiles, self._device, progress).float()
        if self._dtype != torch.float32:
            overflowed = ~result.isfinite().flatten(1).all(dim=1)
            if overflowed.any():
                result[overflowed] = run(network, x[overflowed], tiles, self._device, progress)
        return result

    def _diffuse(
        self,
        condition: Latent,
        image: Pictures,
        context: Context,
        settings: DiffBIRSettings,
        noise: Noise,
        plan: Plan,
        progress: Progress,
    ) -> Padded:
        tile = None if plan.diffuse is None else plan.diffuse // LATENT_PIXELS
        if tile is not None and max(condition.shape[-2:]) <= tile:
            tile = None
        condition = _padded_for_unet(condition, tile)
        x_T = noise.draw(condition)
        if settings.start_point == "cond":
            x_T = self._q_sample(condition, x_T, self.config.timesteps - 1)
        if settings.noise_aug:
            condition = self._q_sample(condition, noise.draw(condition), settings.noise_aug)
        sampler = SAMPLERS[settings.sampler]
        networks = self.networks
        condition, x_T = condition.to(self._device), x_T.to(self._device)
        predict = ClassifierFreeGuidance(
            networks.unet, networks.control, condition, context, settings.control_strength, tile
        )
        denoiser = Denoiser(
            predict=predict,
            schedule=self.schedule,
            prediction=self.config.prediction,
            cfg_scale=settings.cfg_scale,
            rising_cfg=settings.rising_cfg,
        )
        guidance_fn = None
        if settings.fidelity:
            guidance_fn = restoration_guidance.guidance_fn(
                image,
                networks.autoencoder,
                LATENT_SCALE,
                tile,
                settings.fidelity,
                activations_on_host=plan.activations_on_host,
            )
        options = SamplerOptions(guidance_fn=guidance_fn)
        calls = sampler.evaluations(settings.steps) * predict.tiles
        with (
            self._on_device("diffuse", plan, *(("autoencoder",) if settings.fidelity else ())),
            autocast(self._device, self._dtype),
            reporting(dict.fromkeys(networks.stages, 1), progress, calls),
        ):
            latent = sampler.sample(denoiser, x_T, settings.steps, noise, options)
            return latent.cpu()

    def _q_sample(self, latent: Latent, noise: Latent, t: int) -> Latent:
        """Draws from q(x_t | x_0)."""
        alpha_bar = float(self.schedule.alpha_bar[t])
        return math.sqrt(alpha_bar) * latent + math.sqrt(1 - alpha_bar) * noise

    def _warn_of_duration(
        self, settings: DiffBIRSettings, work: Workload, plan: Plan, request: ModelRequest
    ) -> None:
        """Warns before it begins of what takes long; on a CPU alone, where that is known."""
        if self._device.type != "cpu":
            return
        parameters = sum(p.numel() for p in self.networks.unet.parameters())
        expected_s = time_estimate.estimated_s(
            settings, work, plan, parameters, time_estimate.relative_cpu_time()
        )
        faces = request.task == "face"
        if warning := time_estimate.duration_warning(expected_s, request.remaining, faces=faces):
            request.warn_before(warning)

    def _on_device(self, phase: Phase, plan: Plan, *others: str) -> AbstractContextManager[object]:
        needed = (*PHASES[phase], *others)
        networks = dict(self.networks.named_children())
        modules = [networks[name] for name in needed]
        rest = [network for name, network in networks.items() if name not in needed]
        return on_device(modules, rest, self._device, all_resident=plan.all_resident)


def _parts(progress: Progress, seconds: Mapping[Phase, float]) -> dict[Phase, Progress]:
    # Phases of very different kinds: each by its share of the time.
    total, elapsed = sum(seconds.values()), 0.0
    parts: dict[Phase, Progress] = {}
    for phase, duration in seconds.items():
        parts[phase] = progress.part(duration, after=elapsed, of=total)
        elapsed += duration
    return parts


def _refuse_too_large(work: Workload, size: tuple[int, int], request: ModelRequest) -> None:
    needed, free = memory_plan.host_bytes(work), request.host_free_bytes
    if free is not None and needed > free:
        raise OutOfMemory(
            f"A picture of {size[1]} x {size[0]} pixels needs {needed / 1e9:.1f} GB of memory, "
            f"and {free / 1e9:.1f} GB are free",
            hint="Close other programs, or restore the picture in parts",
        )


def _padded_for_unet(latent: Latent, tile: int | None) -> Padded:
    # Tiles have sides that the U-Net can halve; a side that is not cut need not have one.
    multiples = (LATENT_PIXELS if tile is None or side < tile else 1 for side in latent.shape[-2:])
    return padded_to(latent, *multiples)

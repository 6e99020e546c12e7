"""DiffBIR: a picture is cleaned, then a diffusion model makes up what was lost.

Paper: Lin et al., DiffBIR: Towards Blind Image Restoration with Generative Diffusion Prior, ECCV
2024, arXiv:2308.15070. Published code: github.com/XPixelGroup/DiffBIR at 3f8b530, Apache-2.0; the
weights of Stable Diffusion 2.1, on which it stands, are under CreativeML Open RAIL++-M. Sizes and
defaults stand in `catalog/diffbir.py`, where they can be read without torch.

Where we differ: noise comes from a seeded CPU generator (upstream draws on the device); pictures
stay floats (upstream goes through 8 bits before and after); both branches of guidance are one call
of the network; restoration guidance, which the published release has for its `spaced` sampler alone
and not in tiles, works in tiles as well, by the loss of each tile; the autoencoder may take the
moments of its norms from a smaller copy where all its tiles have no room; a long narrow picture is
cut along its length, where upstream leaves it whole; and v1 runs as the published code of v2 does.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pixelmend.errors import OutOfMemory, UnreadableCheckpoint
from pixelmend_engine.catalog.diffbir import Cleaner, DiffBIRConfig
from pixelmend_engine.catalog.diffbir_settings import Wish
from pixelmend_engine.diffusion.denoiser import Denoiser
from pixelmend_engine.diffusion.noise import Noise, SeededNoise
from pixelmend_engine.diffusion.registry import SAMPLERS
from pixelmend_engine.diffusion.sampler import Knobs
from pixelmend_engine.diffusion.schedule import Schedule
from pixelmend_engine.models.diffbir import (
    degradation_removal,
    memory_plan,
    restoration_guidance,
    time_estimate,
)
from pixelmend_engine.models.diffbir import files as diffbir_files
from pixelmend_engine.models.diffbir.classifier_free_guidance import Branches
from pixelmend_engine.models.diffbir.degradation_removal import CleanerNetwork, padded_to, resized
from pixelmend_engine.models.diffbir.memory_plan import PHASES, Phase, Plan, Work
from pixelmend_engine.models.diffbir.offloading import visiting
from pixelmend_engine.models.diffbir.pace import pace
from pixelmend_engine.models.diffbir.progress import Phases
from pixelmend_engine.models.pipeline import Report, Request, Restorer, unreported
from pixelmend_engine.nn import color_transfer
from pixelmend_engine.nn.precision import computing
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

PARTS = ("unet", "control", "autoencoder", "text_encoder")  # of every system; and a cleaner
LATENT_SCALE = 0.18215  # latents are multiplied by this before they are diffused; published
PIXELS = 64  # what the sides of a whole picture are padded to
LATENT_PIXELS = 8  # and of one in tiles

Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [0, 1]
Latent = Float[Tensor, "b 4 hl wl"]
Padded = Float[Tensor, "b 4 hp wp"]
Context = Float[Tensor, "2 n d"]  # of what is wanted, and of what is not


# --- Networks -------------------------------------------------------------------------------------


class DiffBIR(nn.Module):
    """The networks of one system; of the cleaners those whose weights were given."""

    def __init__(self, config: DiffBIRConfig, cleaners: frozenset[Cleaner]) -> None:
        super().__init__()
        self.config = config
        self.unet = UNet(config.unet)
        self.control = ControlNet(config.unet)
        self.autoencoder = Autoencoder(config.autoencoder)
        self.text_encoder = TextEncoder(config.text)
        for name in sorted(cleaners):
            self.add_module(name, _cleaner(name, config))

    def cleaner(self, name: Cleaner) -> CleanerNetwork:
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


def _cleaner(name: Cleaner, config: DiffBIRConfig) -> nn.Module:
    match name:
        case "swinir" | "swinir_face":
            return SwinIR(config.swinir)
        case "bsrnet":
            return RRDBNet(config.bsrnet)
        case "scunet":
            return SCUNet(config.scunet)


# --- Checkpoints ----------------------------------------------------------------------------------


def load(
    config: DiffBIRConfig, files: Mapping[str, StateDict], device: torch.device, dtype: torch.dtype
) -> "DiffBIRPipeline":
    """Fills the networks with a checkpoint, strictly: every name and shape must match.

    `dtype` is what the diffusion networks compute in; the others may go through it, but keep their
    weights in float32. One network after the other is read, so that none is twice in memory.

    Raises:
        UnreadableCheckpoint: It is no DiffBIR checkpoint, or one of another system.
    """
    states = diffbir_files.sorted_by_network(config, files)
    # Each task has its own; those of other tasks may be absent.
    known = frozenset[Cleaner](cleaner for _, cleaner in config.cleaners)
    cleaners = frozenset[Cleaner](cleaner for cleaner in known if cleaner in states) or known
    wanted = (*PARTS, *sorted(cleaners))
    if absent := sorted(set(wanted) - states.keys()):
        raise UnreadableCheckpoint(
            f"The weights are not those of this model: the networks are not all there, missing: "
            f"{', '.join(absent)}",
            hint="Point --weights at a folder with all files of the model that you named",
        )
    with torch.device("meta"):
        networks = DiffBIR(config, cleaners)
    for name in wanted:
        part = nn.Module()
        part.add_module(name, networks.get_submodule(name))
        fill_strictly(part, {name: states.pop(name)})
        if name in ("unet", "control"):
            _cast(networks.get_submodule(name), dtype)
    return DiffBIRPipeline(networks, device, dtype)


def _cast(network: nn.Module, dtype: torch.dtype) -> None:
    # As published: embeddings and the last layers stay in float32, and so do the blocks' norms.
    for name, module in network.named_modules():  # pyright: ignore[reportUnknownVariableType]
        kept = str(name).partition(".")[0] in ("", "time_embed", "out")  # pyright: ignore[reportUnknownArgumentType]
        if not kept and isinstance(module, nn.Module) and not isinstance(module, PreciseGroupNorm):
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.to(dtype)


# --- Pipeline -------------------------------------------------------------------------------------


class DiffBIRPipeline:
    """A loaded system. Its parts lie on the device, or go there one after the other."""

    prepare_steps = 0  # the whole picture is one tile: it cuts it by itself
    tile_steps = 1000  # a thousandth of the time each, about

    def __init__(self, networks: DiffBIR, device: torch.device, dtype: torch.dtype) -> None:
        networks.eval().requires_grad_(requires_grad=False)
        self.networks = networks
        self.config = networks.config
        schedule = Schedule.linear_sqrt(
            self.config.beta_start, self.config.beta_end, self.config.timesteps
        )
        self.schedule = schedule.with_zero_terminal_snr() if self.config.zero_snr else schedule
        self._device = device
        self._dtype = dtype
        self._contexts: dict[tuple[str, str], Context] = {}

    def at_once(self, height: int, width: int, request: Request) -> int:
        """Returns how many pictures of a size go through together, in the memory granted."""
        if self._device.type == "cpu":
            return 1  # several take as long as one by one, and more memory (docs/performance.md)
        wish = Wish.of(self.config, request.options)
        name = self.config.cleaner(request.task)
        size = (int(height * request.scale), int(width * request.scale))
        work = self.work(name, (1, 3, height, width), size, wish)
        free = self._free_bytes(request)
        return memory_plan.at_once(work, free, request.parking_bytes, request.tile)

    def prepare(self, image: Pictures, request: Request, report: Report) -> Restorer:  # noqa: ARG002 - it takes no time
        """Settles what is wanted; the restorer does all the rest, with the whole pictures.

        Raises:
            UnreadableCheckpoint: The weights are without the part that the task needs.
            OutOfMemory: There is no room for the pictures, however they are cut.
        """
        wish = Wish.of(self.config, request.options)
        name = self.config.cleaner(request.task)
        if name not in dict(self.networks.named_children()):
            raise UnreadableCheckpoint(
                f"The weights have nothing that cleans pictures for `{request.task}`: `{name}`",
                hint="Point --weights at a folder with all files of the model that you named",
            )
        if wish.fidelity:
            request.say(f"fidelity takes the sampler {wish.sampler} with {wish.steps} steps")
        if wish.start_point == "cond" and self.config.zero_snr:
            request.say("start_point cond changes nothing here: this model starts from noise alone")
        size = (int(image.shape[-2] * request.scale), int(image.shape[-1] * request.scale))
        work = self.work(name, image.shape, size, wish)
        made = self.plan(work, request)
        _refuse_too_large(work, size, request)
        self._say_time(wish, work, made, request)

        def restore(tile: Pictures, report: Report) -> Float[Tensor, "b 3 hs ws"]:
            return self.run(tile, size, name, wish, SeededNoise(*request.seeds), made, report)

        return restore

    def plan(self, work: Work, request: Request) -> Plan:
        """Plans how pictures are cut, from the memory that the request grants."""
        free = self._free_bytes(request)
        return memory_plan.plan(work, free, request.parking_bytes, request.tile)

    def work(
        self, cleaner: Cleaner, shape: Sequence[int], size: tuple[int, int], wish: Wish
    ) -> Work:
        """Says what is to be done with pictures of that shape."""
        count, _, height, width = shape
        larger = degradation_removal.raised_size(size[0], size[1], self.config.min_side)
        return Work(
            cleaner=cleaner,
            cleaner_pixels=(height, width) if cleaner == "bsrnet" else larger,
            pixels=larger,
            pictures=count,
            weights={
                name: sum(tensor.nbytes for tensor in part.state_dict().values())
                for name, part in self.networks.named_children()
            },
            steers=wish.fidelity > 0,
            half=self._dtype != torch.float32,
            shared=self._device.type == "cpu",
        )

    def _free_bytes(self, request: Request) -> int | None:
        """Returns what is granted, with what the weights take that already lie there."""
        if request.free_bytes is None:
            return None
        weights = self.networks.state_dict().values()
        here = sum(tensor.nbytes for tensor in weights if tensor.device == self._device)
        return request.free_bytes + here

    def run(
        self,
        image: Pictures,
        size: tuple[int, int],
        cleaner: Cleaner,
        wish: Wish,
        noise: Noise,
        made: Plan,
        report: Report,
    ) -> Float[Tensor, "b 3 hs ws"]:
        """Restores pictures to a size; `noise` is drawn from in the published order.

        Each picture is restored as if it were alone, up to rounding.
        """
        image = image.cpu()
        work = self.work(cleaner, image.shape, size, wish)
        phases = Phases(report, self.tile_steps, time_estimate.shares(wish, work, made))
        with torch.no_grad():
            context = self._describe(wish, made, phases)
            cleaned = self._clean(image, size, cleaner, made, phases)
            height, width = cleaned.shape[-2:]
            in_tiles = made.encode is not None or made.diffuse is not None
            padded = padded_to(cleaned, LATENT_PIXELS if in_tiles else PIXELS)
            condition = self._encode(2 * padded - 1, made, phases)
            latent = self._diffuse(condition, padded, context, wish, noise, made, phases)
            latent = latent[..., : condition.shape[-2], : condition.shape[-1]]
            restored = (self._decode(latent / LATENT_SCALE, made, phases) + 1) / 2
            restored = color_transfer.fixed(restored[..., :height, :width], cleaned, wish.color_fix)
            return resized(restored, size)

    def _clean(
        self, image: Pictures, size: tuple[int, int], name: Cleaner, made: Plan, phases: Phases
    ) -> Float[Tensor, "b 3 hc wc"]:
        network = self.networks.cleaner(name)
        given = image.shape[-2:] if isinstance(network, RRDBNet) else size
        calls = degradation_removal.count(given[0], given[1], made.clean)
        with self._on_device("clean", made, name), phases.hooked("clean", network.steps, calls):
            return degradation_removal.clean(
                network, image, size, self.config.min_side, made.clean, self._device
            )

    def _describe(self, wish: Wish, made: Plan, phases: Phases) -> Context:
        texts = (wish.prompt, wish.negative_prompt)
        if texts not in self._contexts:
            with self._on_device("describe", made):
                ids = torch.tensor([tokenize(text) for text in texts], device=self._device)
                with computing(self._device, self._dtype):
                    context = self.networks.text_encoder(ids).float()
            self._contexts = {texts: context}  # the last one: the next picture's is mostly the same
        phases.report("describe", 1, 1)
        return self._contexts[texts]

    def _encode(self, image: Pictures, made: Plan, phases: Phases) -> Latent:
        autoencoder = self.networks.autoencoder
        with self._on_device("encode", made):
            features = self._in_tiles(
                autoencoder.encoder,
                image,
                (made.encode, tiled_autoencoder.ENCODER_PAD),
                made,
                lambda done, total: phases.report("encode", done, total),
            )
            moments = autoencoder.quant_conv(features.to(self._device)).cpu()
        return mode(moments) * LATENT_SCALE

    def _decode(self, latent: Latent, made: Plan, phases: Phases) -> Pictures:
        autoencoder = self.networks.autoencoder
        tile = None if made.decode is None else made.decode // LATENT_PIXELS
        with self._on_device("decode", made):
            return self._in_tiles(
                autoencoder.decoder,
                autoencoder.post_quant_conv(latent.to(self._device)),
                (tile, tiled_autoencoder.DECODER_PAD),
                made,
                lambda done, total: phases.report("decode", done, total),
            )

    def _in_tiles(
        self,
        network: Encoder | Decoder,
        x: Float[Tensor, "b c h w"],
        cut: tuple[int | None, int],
        made: Plan,
        report: Report,
    ) -> Float[Tensor, "b o hs ws"]:
        """Runs the autoencoder; what is not finite in half precision is done again in float32."""
        tile, pad = cut
        # Laid out channel by channel: torch's group norm of pixels laid out one by one takes the
        # difference of two large sums, and is a thousand times less exact.
        x = x.cpu().contiguous()
        tile = max(x.shape[-2:]) if tile is None else tile
        boxes = tiled_autoencoder.boxes(x.shape[-2], x.shape[-1], tile, pad)
        run = tiled_autoencoder.after_a_copy if made.copies else tiled_autoencoder.together
        if len(boxes) == 1:
            run = tiled_autoencoder.whole
        with computing(self._device, self._dtype):
            result = run(network, x, boxes, self._device, report).float()
        if self._dtype != torch.float32:
            spoiled = ~result.isfinite().flatten(1).all(dim=1)
            if spoiled.any():
                result[spoiled] = run(network, x[spoiled], boxes, self._device, report)
        return result

    def _diffuse(
        self,
        condition: Latent,
        image: Pictures,
        context: Context,
        wish: Wish,
        noise: Noise,
        made: Plan,
        phases: Phases,
    ) -> Padded:
        tile = None if made.diffuse is None else made.diffuse // LATENT_PIXELS
        if tile is not None and max(condition.shape[-2:]) <= tile:
            tile = None
        condition = _made_even(condition, tile)
        x_T = noise.draw(condition)
        if wish.start_point == "cond":
            x_T = self._noised(condition, x_T, self.config.timesteps - 1)
        if wish.noise_aug:
            condition = self._noised(condition, noise.draw(condition), wish.noise_aug)
        sampler = SAMPLERS[wish.sampler]
        networks = self.networks
        condition, x_T = condition.to(self._device), x_T.to(self._device)
        branches = Branches(
            networks.unet, networks.control, condition, context, wish.control_strength, tile
        )
        denoiser = Denoiser(
            branches=branches,
            schedule=self.schedule,
            prediction=self.config.prediction,
            guidance=wish.cfg_scale,
            rising=wish.rising_cfg,
        )
        steer = None
        if wish.fidelity:
            steer = restoration_guidance.towards(
                image, networks.autoencoder, LATENT_SCALE, tile, wish.fidelity, lends=made.lends
            )
        knobs = Knobs(steer=steer)
        calls = sampler.evaluations(wish.steps) * branches.tiles
        moved = self._on_device("diffuse", made, *(("autoencoder",) if wish.fidelity else ()))
        with (
            moved,
            computing(self._device, self._dtype),
            phases.hooked("diffuse", networks.stages, calls),
        ):
            return sampler.walk(denoiser, x_T, wish.steps, noise, knobs, unreported).cpu()

    def _noised(self, latent: Latent, noise: Latent, t: int) -> Latent:
        """Draws from q(x_t | x_0)."""
        alpha_bar = float(self.schedule.alpha_bar[t])
        return math.sqrt(alpha_bar) * latent + math.sqrt(1 - alpha_bar) * noise

    def _say_time(self, wish: Wish, work: Work, made: Plan, request: Request) -> None:
        """Tells before it begins what will take long; on a CPU alone, where that is known."""
        if self._device.type != "cpu":
            return
        parameters = sum(p.numel() for p in self.networks.unet.parameters())
        expected_s = time_estimate.seconds(wish, work, made, parameters, pace())
        faces = request.ahead if request.task == "face" else 1
        if words := time_estimate.forecast(request.ahead * expected_s, faces):
            request.foretell(words)

    def _on_device(self, phase: Phase, made: Plan, *others: str) -> AbstractContextManager[object]:
        wanted = (*PHASES[phase], *others)
        children = dict(self.networks.named_children())
        parts = [children[name] for name in wanted]
        rest = [child for name, child in children.items() if name not in wanted]
        return visiting(parts, rest, self._device, stay=made.keeps)


def _refuse_too_large(work: Work, size: tuple[int, int], request: Request) -> None:
    needed, free = memory_plan.host_bytes(work), request.parking_bytes
    if free is not None and needed > free:
        raise OutOfMemory(
            f"A picture of {size[1]} x {size[0]} pixels needs {needed / 1e9:.1f} GB of memory, "
            f"and {free / 1e9:.1f} GB are free",
            hint="Close other programs, or restore the picture in parts",
        )


def _made_even(latent: Latent, tile: int | None) -> Padded:
    # Tiles are as the networks want them; a side that is not cut need not be.
    down, across = (
        LATENT_PIXELS if tile is None or side < tile else 1 for side in latent.shape[-2:]
    )
    return padded_to(latent, down, across)

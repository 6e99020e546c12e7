"""HI-Diff: deblurring by a transformer that a diffused prior guides at every level.

Paper: Chen et al., Hierarchical Integration Diffusion Model for Realistic Image Deblurring,
NeurIPS 2023, arXiv:2305.12966. Published code: github.com/zhengchen1999/HI-Diff at b3bfd16,
Apache-2.0; the weights carry no license of their own. Configs and addresses stand in
`catalog/hidiff.py`, where they can be read without torch.

Where we differ: x_T comes from a seeded CPU generator (upstream draws on the device), pictures may
be tiled (the prior still sees the whole one), and half precision is used in `net_g` alone, because
epsilon-prediction takes a small difference of numbers near 174.
"""

from collections.abc import Mapping
from functools import partial

import torch
from einops import rearrange
from einops.layers.torch import Rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.hidiff import MAX_ENCODER_PIXELS, HIDiffConfig
from pixelmend_engine.diffusion.posterior_mean import posterior_mean_chain, x0_from_epsilon
from pixelmend_engine.diffusion.schedule import Schedule
from pixelmend_engine.models.prior_guided import PriorGuidedPipeline, block_shares
from pixelmend_engine.nn.banded_pooling import Bands
from pixelmend_engine.nn.mlp import MLPDenoiser
from pixelmend_engine.nn.mlp_mixer import MLPMixer
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.nn.restormer import (
    ChannelNorm,
    Downsample,
    PatchEmbed,
    TokenNorm,
    Upsample,
    convolved_chunks,
    depthwise,
    gate,
    pointwise,
    transposed_attention,
)
from pixelmend_engine.nn.spectrum_encoder import SpectrumEncoder
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_strictly

NETWORKS = ("net_g", "net_le", "net_le_dm", "net_d")
TOKEN_HIDDEN_SHARE = 0.5  # `patch_expansion` in every published option file
ENCODER_SHRINK = 4  # the latent encoder works at a quarter of the height and width
MLP_TIME_SCALE = 10 * 5  # the option files leave `timesteps` at its default, 5 (not 16)

Pictures = Float[Tensor, "b 3 h w"]  # sRGB, [0, 1]
Features = Float[Tensor, "b c h w"]
Prior = Float[Tensor, "b n d"]  # n tokens, finest level first: 16, 4, 1
PriorVector = Float[Tensor, "b d"]


# --- Networks -------------------------------------------------------------------------------------


class Attention(nn.Module):
    """Transposed attention; with `prior_dim`, on features that the coarsest prior modulates."""

    def __init__(self, channels: int, heads: int, prior_dim: int | None) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.qkv = pointwise(channels, 3 * channels)
        self.qkv_dwconv = depthwise(3 * channels)
        self.project_out = pointwise(channels, channels)
        _add_modulation(self, channels, prior_dim)

    def forward(self, x: Features, prior: PriorVector | None) -> Features:
        if prior is not None:
            x = _modulate(self, x, prior)
        q, k, v = convolved_chunks(x, self.qkv, self.qkv_dwconv, 3)
        return self.project_out(transposed_attention(q, k, v, self.temperature))


class FeedForward(nn.Module):
    """Gated feed-forward network; with `prior_dim`, modulated like the attention."""

    def __init__(self, channels: int, expansion: float, prior_dim: int | None) -> None:
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = pointwise(channels, 2 * hidden)
        self.dwconv = depthwise(2 * hidden)
        self.project_out = pointwise(hidden, channels)
        _add_modulation(self, channels, prior_dim)

    def forward(self, x: Features, prior: PriorVector | None) -> Features:
        if prior is not None:
            x = _modulate(self, x, prior)
        return self.project_out(gate(*convolved_chunks(x, self.project_in, self.dwconv, 2)))


def _add_modulation(module: nn.Module, channels: int, prior_dim: int | None) -> None:
    # The checkpoints keep these beside the convolutions, under names that suggest norms.
    if prior_dim is not None:
        module.ln1 = nn.Linear(prior_dim, channels)
        module.ln2 = nn.Linear(prior_dim, channels)


def _modulate(module: nn.Module, x: Features, prior: PriorVector) -> Features:
    scale, shift = (module.get_submodule(name)(prior) for name in ("ln1", "ln2"))
    return x * rearrange(scale, "b c -> b c 1 1") + rearrange(shift, "b c -> b c 1 1")


class TransformerBlock(nn.Module):
    """Attention, then feed-forward, each behind a norm and with a residual."""

    def __init__(
        self, channels: int, heads: int, expansion: float, prior_dim: int | None = None
    ) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels)
        self.attn = Attention(channels, heads, prior_dim)
        self.norm2 = ChannelNorm(channels)
        self.ffn = FeedForward(channels, expansion, prior_dim)

    def forward(self, x: Features, prior: PriorVector | None = None) -> Features:
        x = x + self.attn(self.norm1(x), prior)
        return x + self.ffn(self.norm2(x), prior)


class HierarchicalIntegration(nn.Module):
    """HIM: each place of the picture attends to the tokens of the prior."""

    def __init__(self, channels: int, heads: int, prior_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = TokenNorm(channels)
        self.norm2 = TokenNorm(prior_dim)
        self.q = nn.Linear(channels, channels, bias=False)
        self.kv = nn.Linear(prior_dim, 2 * channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Features, prior: Prior) -> Features:
        places = rearrange(x, "b c h w -> b (h w) c")
        q = rearrange(self.q(self.norm1(places)), "b p (heads c) -> b heads p c", heads=self.heads)
        k, v = rearrange(
            self.kv(self.norm2(prior)),
            "b n (part heads c) -> part b heads n c",
            part=2,
            heads=self.heads,
        )
        attended = _attended(q, k, v)
        places = places + self.proj(rearrange(attended, "b heads p c -> b p (heads c)"))
        return rearrange(places, "b (h w) c -> b c h w", h=x.shape[-2])


def _attended(
    q: Float[Tensor, "b heads p c"],
    k: Float[Tensor, "b heads n c"],
    v: Float[Tensor, "b heads n c"],
) -> Float[Tensor, "b heads p c"]:
    if q.requires_grad and q.dtype == torch.bfloat16 and q.device.type == "cpu":
        # Its gradients take torch 2.13 three times as long in bfloat16; what it puts out does not.
        with autocast(q.device, torch.float32):
            return functional.scaled_dot_product_attention(q.float(), k.float(), v.float())
    return functional.scaled_dot_product_attention(q, k, v)


class Level(nn.Module):
    """One level of the U: the prior comes in once, by HIM, before the blocks."""

    def __init__(self, channels: int, heads: int, blocks: int, config: HIDiffConfig) -> None:
        super().__init__()
        self.him = HierarchicalIntegration(channels, heads, config.prior_dim)
        self.blocks = nn.ModuleList(
            TransformerBlock(channels, heads, config.ffn_expansion) for _ in range(blocks)
        )

    def forward(self, x: Features, prior: Prior) -> Features:
        x = self.him(x, prior)
        for block in self.blocks:
            x = block(x)
        return x


class BottomLevel(nn.Module):
    """The coarsest level: the prior, one vector by now, modulates every block."""

    def __init__(self, channels: int, heads: int, blocks: int, config: HIDiffConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            TransformerBlock(channels, heads, config.ffn_expansion, config.prior_dim)
            for _ in range(blocks)
        )

    def forward(self, x: Features, prior: PriorVector) -> Features:
        for block in self.blocks:
            x = block(x, prior)
        return x


class Transformer(nn.Module):
    """`net_g`: a U-shaped transformer that takes the prior in at every level."""

    def __init__(self, config: HIDiffConfig) -> None:
        super().__init__()
        dims = [config.dim * 2**level for level in range(4)]
        heads, blocks = config.heads, config.blocks
        self.down_1 = _coarser(config.prior_tokens, config.prior_tokens // 4, config.prior_dim)
        self.down_2 = _coarser(config.prior_tokens // 4, 1, config.prior_dim)
        self.patch_embed = PatchEmbed(3, dims[0])
        self.encoder_level1 = Level(dims[0], heads[0], blocks[0], config)
        self.down1_2 = Downsample(dims[0])
        self.encoder_level2 = Level(dims[1], heads[1], blocks[1], config)
        self.down2_3 = Downsample(dims[1])
        self.encoder_level3 = Level(dims[2], heads[2], blocks[2], config)
        self.down3_4 = Downsample(dims[2])
        self.latent = BottomLevel(dims[3], heads[3], blocks[3], config)
        self.up4_3 = Upsample(dims[3])
        self.reduce_chan_level3 = pointwise(dims[3], dims[2])
        self.decoder_level3 = Level(dims[2], heads[2], blocks[2], config)
        self.up3_2 = Upsample(dims[2])
        self.reduce_chan_level2 = pointwise(dims[2], dims[1])
        self.decoder_level2 = Level(dims[1], heads[1], blocks[1], config)
        self.up2_1 = Upsample(dims[1])
        # The finest decoder keeps both halves of what it is given: twice the channels.
        self.decoder_level1 = Level(dims[1], heads[0], blocks[0], config)
        self.refinement = Level(dims[1], heads[0], config.refinement_blocks, config)
        self.output = nn.Conv2d(dims[1], 3, 3, padding=1, bias=False)

    @property
    def shares(self) -> dict[nn.Module, int]:
        """How much of the work each block does."""
        return block_shares(self, TransformerBlock, [self.decoder_level1, self.refinement])

    def forward(self, image: Pictures, prior: Prior) -> Pictures:
        """Restores pictures: sRGB, [0, 1]; height and width multiples of 8."""
        prior_2 = self.down_1(prior)
        prior_3 = self.down_2(prior_2)

        level1 = self.encoder_level1(self.patch_embed(image), prior)
        level2 = self.encoder_level2(self.down1_2(level1), prior_2)
        level3 = self.encoder_level3(self.down2_3(level2), prior_2)
        x = self.latent(self.down3_4(level3), rearrange(prior_3, "b 1 d -> b d"))

        x = self.reduce_chan_level3(torch.cat([self.up4_3(x), level3], dim=1))
        x = self.decoder_level3(x, prior_2)
        x = self.reduce_chan_level2(torch.cat([self.up3_2(x), level2], dim=1))
        x = self.decoder_level2(x, prior_2)
        x = self.decoder_level1(torch.cat([self.up2_1(x), level1], dim=1), prior)
        return self.output(self.refinement(x, prior)) + image


def _coarser(tokens: int, fewer: int, dim: int) -> nn.Sequential:
    return nn.Sequential(
        Rearrange("b n d -> b d n"),
        nn.Linear(tokens, fewer),
        Rearrange("b d n -> b n d"),
        nn.Linear(dim, dim),
    )


class LatentEncoder(nn.Module):
    """`net_le` and `net_le_dm`: pictures in, the tokens of a prior out.

    Stage 1 (`net_le`) sees the sharp picture stacked on the blurred one; stage 2 (`net_le_dm`) sees
    the blurred one, and what it puts out conditions the denoiser.
    """

    def __init__(self, config: HIDiffConfig, *, pictures: int) -> None:
        super().__init__()
        width = config.embed_dim
        self.unshuffle = nn.PixelUnshuffle(ENCODER_SHRINK)
        self.conv1 = nn.Sequential(
            _conv(3 * pictures * ENCODER_SHRINK**2, width), _activation(config)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv(width, width), _activation(config), _conv(width, width))
            for _ in range(config.encoder_blocks)
        )
        match config.encoder:
            case "gelu" | "spectrum":  # the latter has a class of its own
                self.conv2, mixed = _conv(width, width), width
            case "lrelu":
                mixed = config.prior_dim
                self.conv2 = nn.Sequential(
                    _conv(width, 2 * width),
                    _activation(config),
                    _conv(2 * width, 2 * width),
                    _activation(config),
                    _conv(2 * width, mixed),
                    _activation(config),
                )
        self.group = config.group
        reach = sum(isinstance(module, nn.Conv2d) for module in self.modules())  # each is 3x3
        self.bands = Bands(shrink=ENCODER_SHRINK, reach=reach, max_pixels=MAX_ENCODER_PIXELS)
        self.mlp = _mixer(config, mixed, 4 * mixed)
        self.end = nn.Sequential(nn.Linear(mixed, config.prior_dim), _activation(config))

    @property
    def steps(self) -> list[nn.Module]:
        """The blocks, one after the other."""
        return list(self.blocks)

    def band_count(self, height: int, width: int) -> int:
        """Returns in how many bands of rows it encodes a picture."""
        return self.bands.count(height, width)

    def forward(self, pictures: Features) -> Prior:
        """Encodes pictures, stacked by channel: sRGB, [0, 1]; sides multiples of 4."""
        cells = self.bands.pooled(self._features, pictures, self.group)
        return self.end(self.mlp(rearrange(cells, "b c h w -> b (h w) c")))

    def _features(self, pictures: Features) -> Float[Tensor, "b f hs ws"]:
        x = self.conv1(self.unshuffle(pictures))
        for block in self.blocks:
            x = x + block(x)
        return self.conv2(x)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _activation(config: HIDiffConfig) -> nn.Module:
    return nn.GELU() if config.encoder == "gelu" else nn.LeakyReLU(0.1)


def _mixer(config: HIDiffConfig, width: int, hidden: int) -> MLPMixer:
    tokens = config.prior_tokens
    return MLPMixer(tokens, width, int(TOKEN_HIDDEN_SHARE * tokens), hidden)


class MixerDenoiser(nn.Module):
    """`net_d` of the GoPro system: an MLP-mixer that predicts epsilon."""

    def __init__(self, config: HIDiffConfig) -> None:
        super().__init__()
        width, dim = config.denoiser_width, config.prior_dim
        self.time_mlp = nn.Parameter(torch.full((1,), 1e-3))
        self.first_layer = nn.Sequential(nn.Linear(3 * dim, width), nn.LeakyReLU(0.2))
        self.blocks = nn.ModuleList(
            nn.Sequential(_mixer(config, width, 2 * width), nn.GELU())
            for _ in range(config.denoiser_blocks - 2)  # the two layers around them count as well
        )
        self.final_layer = nn.Sequential(nn.Linear(width, dim), nn.GELU())

    def forward(self, x_t: Prior, condition: Prior, t: int) -> Prior:
        """Predicts for step `t`, counted from 0; the network counts from 1."""
        tau = ((t + 1) * self.time_mlp).expand_as(x_t)
        x = self.first_layer(torch.cat([x_t, tau, condition], dim=-1))
        for block in self.blocks:
            x = block(x)
        return self.final_layer(x)


class HIDiff(nn.Module):
    """The networks of one system; `net_le`, the teacher, only where its weights were given."""

    def __init__(self, config: HIDiffConfig, *, teacher: bool) -> None:
        super().__init__()
        self.config = config
        self.net_g = Transformer(config)
        self.net_le = _encoder(config, pictures=2) if teacher else None
        self.net_le_dm = _encoder(config, pictures=1)
        self.net_d = _denoiser(config)
        self.schedule = _schedule(config)

    def teacher_prior(self, lq: Pictures, hq: Pictures) -> Prior:
        """Encodes the prior that stage 1 uses and stage 2 learns to diffuse."""
        if self.net_le is None:
            msg = "This system was loaded without its stage-1 encoder"
            raise RuntimeError(msg)
        return self.net_le(torch.cat([hq, lq], dim=1))

    def predict_x0(self, condition: Prior, x_t: Prior, t: int) -> Prior:
        """Estimates the clean prior from a noisy one at step `t`."""
        predicted = self.net_d(x_t, condition, t)
        match self.config.prediction:
            case "epsilon":
                return x0_from_epsilon(self.schedule, x_t, predicted, t).clamp(-1, 1)
            case "x0":
                return predicted

    @property
    def transformer(self) -> Transformer:
        """The part that restores, once it has the prior."""
        return self.net_g

    @property
    def encoder(self) -> LatentEncoder | SpectrumEncoder:
        """The part that encodes the whole picture, for the prior."""
        return self.net_le_dm

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """Tokens, and the numbers of each."""
        return self.config.prior_tokens, self.config.prior_dim

    def diffuse_prior(self, lq: Pictures, x_T: Prior) -> Prior:
        """Runs the whole reverse chain from `x_T`, conditioned on the blurred pictures."""
        condition = self.net_le_dm(lq)
        return posterior_mean_chain(partial(self.predict_x0, condition), x_T, self.schedule)


def _encoder(config: HIDiffConfig, *, pictures: int) -> LatentEncoder | SpectrumEncoder:
    if config.encoder != "spectrum":
        return LatentEncoder(config, pictures=pictures)
    return SpectrumEncoder(
        pictures=pictures,
        width=config.embed_dim,
        blocks=config.encoder_blocks,
        group=config.group,
        max_pixels=MAX_ENCODER_PIXELS,
    )


def _denoiser(config: HIDiffConfig) -> MixerDenoiser | MLPDenoiser:
    match config.denoiser:
        case "mixer":
            return MixerDenoiser(config)
        case "mlp":
            dim, width = config.prior_dim, config.denoiser_width
            return MLPDenoiser(dim, width, config.denoiser_blocks, MLP_TIME_SCALE)


def _schedule(config: HIDiffConfig) -> Schedule:
    spread = {"linear": Schedule.linear, "linear-sqrt": Schedule.linear_sqrt}[config.betas]
    return spread(config.beta_start, config.beta_end, config.steps)


# --- Checkpoints ----------------------------------------------------------------------------------


def convert(files: Mapping[str, StateDict]) -> dict[str, StateDict]:
    """Sorts the tensors of a checkpoint's files by network.

    A published file holds one network and is recognized by its keys, whatever its name; our own
    files hold all of them, behind the prefixes `net_g.`, `net_le.`, `net_le_dm.` and `net_d.`.

    Raises:
        UnreadableCheckpoint: A file holds none of the networks, or one that another file holds.
    """
    networks: dict[str, StateDict] = {}
    for file, state in files.items():
        for name, tensors in _split(state).items():
            if name is None or name in networks:
                what = "none of HI-Diff's networks" if name is None else f"a second {name}"
                raise UnreadableCheckpoint(
                    f"One of the weight files holds {what}: `{file}`",
                    hint="Leave only the files of one HI-Diff model in the folder",
                )
            networks[name] = tensors
    return networks


def _split(state: StateDict) -> dict[str | None, StateDict]:
    parts: dict[str | None, StateDict] = {}
    for key, tensor in state.items():
        prefix, _, rest = key.partition(".")
        if prefix not in NETWORKS:
            return {_recognize(state): state}
        parts.setdefault(prefix, {})[rest] = tensor
    return parts


def _recognize(state: StateDict) -> str | None:
    if "patch_embed.proj.weight" in state:
        return "net_g"
    if "time_mlp" in state or "resmlp.0.weight" in state:
        return "net_d"
    if "conv1.0.weight" in state:
        pictures = state["conv1.0.weight"].shape[1] // (3 * ENCODER_SHRINK**2)
        return "net_le" if pictures == 2 else "net_le_dm"
    return None


# --- Pipeline -------------------------------------------------------------------------------------


def load(
    config: HIDiffConfig, files: Mapping[str, StateDict], device: torch.device, dtype: torch.dtype
) -> PriorGuidedPipeline:
    """Fills the networks with a checkpoint, strictly: every name and shape must match.

    Raises:
        UnreadableCheckpoint: It is no HI-Diff checkpoint, or one of another size.
    """
    states = convert(files)
    with torch.device("meta"):
        networks = HIDiff(config, teacher="net_le" in states)
    fill_strictly(networks, states)
    return PriorGuidedPipeline(networks.to(device), dtype)

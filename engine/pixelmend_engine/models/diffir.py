"""DiffIR: restoration by a transformer that a diffused prior modulates in every block.

Paper: Xia et al., DiffIR: Efficient Diffusion Model for Image Restoration, ICCV 2023,
arXiv:2303.09472. Published code: github.com/Zj-BinXia/DiffIR at 293f86c, Apache-2.0; the weights
carry no license of their own. Configs stand in `catalog/diffir.py`, where they can be read without
torch.

Where we differ: x_T comes from a seeded CPU generator (upstream draws on the device), pictures may
be tiled (the prior still sees the whole one), and half precision is used in `G` alone.
"""

from collections.abc import Mapping

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.diffir import MAX_ENCODER_PIXELS, DiffIRConfig
from pixelmend_engine.diffusion.posterior_mean import posterior_mean_chain
from pixelmend_engine.diffusion.schedule import Schedule
from pixelmend_engine.models.prior_guided import PriorGuidedPipeline, block_shares
from pixelmend_engine.nn.banded_pooling import Bands
from pixelmend_engine.nn.mlp import MLPDenoiser
from pixelmend_engine.nn.restormer import (
    ChannelNorm,
    Downsample,
    PatchEmbed,
    UncenteredNorm,
    Upsample,
    convolved_chunks,
    depthwise,
    gate,
    pointwise,
    transposed_attention,
)
from pixelmend_engine.nn.standardize import Standardize
from pixelmend_engine.weights.checkpoints.reading import StateDict, fill_strictly

NETWORKS = ("G", "condition", "denoise")
DUPLICATES = "diffusion."  # the published files hold the schedule, and two networks once more
TIME_SCALE_PER_STEP = 10  # the denoiser sees the step over ten times their number
TAIL_SCALE = 4  # of the networks that enlarge, whatever their factor

Pictures = Float[Tensor, "b i h w"]  # sRGB, [0, 1]; for holes a fourth channel, 1 where they are
Restored = Float[Tensor, "b 3 hs ws"]
Features = Float[Tensor, "b c h w"]
Prior = Float[Tensor, "b d"]


# --- Networks -------------------------------------------------------------------------------------


class Modulation(nn.Sequential):
    """Scales and shifts each channel as the prior says; no bias, and no 1 that is added."""

    def __init__(self, channels: int, prior_dim: int) -> None:
        super().__init__(nn.Linear(prior_dim, 2 * channels, bias=False))

    def modulate(self, x: Features, prior: Prior) -> Features:
        scale, shift = rearrange(self(prior), "b (part c) -> part b c 1 1", part=2)
        return x * scale + shift


class Attention(nn.Module):
    """DMTA: transposed attention on features that the prior modulates."""

    def __init__(self, channels: int, heads: int, prior_dim: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.kernel = Modulation(channels, prior_dim)
        self.qkv = pointwise(channels, 3 * channels)
        self.qkv_dwconv = depthwise(3 * channels)
        self.project_out = pointwise(channels, channels)

    def forward(self, x: Features, prior: Prior) -> Features:
        q, k, v = convolved_chunks(self.kernel.modulate(x, prior), self.qkv, self.qkv_dwconv, 3)
        return self.project_out(transposed_attention(q, k, v, self.temperature))


class FeedForward(nn.Module):
    """DGFN: a gated feed-forward network on features that the prior modulates."""

    def __init__(self, channels: int, expansion: float, prior_dim: int) -> None:
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = pointwise(channels, 2 * hidden)
        self.dwconv = depthwise(2 * hidden)
        self.kernel = Modulation(channels, prior_dim)
        self.project_out = pointwise(hidden, channels)

    def forward(self, x: Features, prior: Prior) -> Features:
        x = self.kernel.modulate(x, prior)
        return self.project_out(gate(*convolved_chunks(x, self.project_in, self.dwconv, 2)))


class TransformerBlock(nn.Module):
    """Attention, then feed-forward, each behind a norm and with a residual."""

    def __init__(self, channels: int, heads: int, config: DiffIRConfig) -> None:
        super().__init__()
        norm = {"centered": ChannelNorm, "uncentered": UncenteredNorm}[config.norm]
        self.norm1 = norm(channels)
        self.attn = Attention(channels, heads, config.prior_dim)
        self.norm2 = norm(channels)
        self.ffn = FeedForward(channels, config.ffn_expansion, config.prior_dim)

    def forward(self, x: Features, prior: Prior) -> Features:
        x = x + self.attn(self.norm1(x), prior)
        return x + self.ffn(self.norm2(x), prior)


class Level(nn.ModuleList):
    """Blocks of one size, all with the same prior."""

    def __init__(self, channels: int, heads: int, blocks: int, config: DiffIRConfig) -> None:
        super().__init__(TransformerBlock(channels, heads, config) for _ in range(blocks))

    def forward(self, x: Features, prior: Prior) -> Features:
        for block in self:
            x = block(x, prior)
        return x


class Transformer(nn.Module):
    """`G`, the DIRformer: U-shaped, with one of three tails."""

    def __init__(self, config: DiffIRConfig) -> None:
        super().__init__()
        self.config = config
        dims = [config.dim * 2**level for level in range(4)]
        heads, blocks = config.heads, config.blocks
        self.unshuffle = nn.PixelUnshuffle(config.network_shrink)
        self.patch_embed = PatchEmbed(config.inputs * config.network_shrink**2, dims[0])
        self.encoder_level1 = Level(dims[0], heads[0], blocks[0], config)
        self.down1_2 = Downsample(dims[0])
        self.encoder_level2 = Level(dims[1], heads[1], blocks[1], config)
        self.down2_3 = Downsample(dims[1])
        self.encoder_level3 = Level(dims[2], heads[2], blocks[2], config)
        self.down3_4 = Downsample(dims[2])
        self.latent = Level(dims[3], heads[3], blocks[3], config)
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
        match config.tail:
            case "residual" | "plain":
                self.output = nn.Conv2d(dims[1], 3, 3, padding=1, bias=False)
            case "upscale":
                self.tail = nn.Sequential(
                    nn.Sequential(*_doubling(dims[1]), *_doubling(dims[1])),
                    nn.Conv2d(dims[1], 3, 3, padding=1),
                )

    @property
    def shares(self) -> dict[nn.Module, int]:
        """How much of the work each block does."""
        return block_shares(self, TransformerBlock, [self.decoder_level1, self.refinement])

    def forward(self, image: Pictures, prior: Prior) -> Restored:
        """Restores pictures; height and width multiples of 8 times `network_shrink`."""
        level1 = self.encoder_level1(self.patch_embed(self.unshuffle(image)), prior)
        level2 = self.encoder_level2(self.down1_2(level1), prior)
        level3 = self.encoder_level3(self.down2_3(level2), prior)
        x = self.latent(self.down3_4(level3), prior)

        x = self.reduce_chan_level3(torch.cat([self.up4_3(x), level3], dim=1))
        x = self.decoder_level3(x, prior)
        x = self.reduce_chan_level2(torch.cat([self.up3_2(x), level2], dim=1))
        x = self.decoder_level2(x, prior)
        x = self.decoder_level1(torch.cat([self.up2_1(x), level1], dim=1), prior)
        x = self.refinement(x, prior)
        match self.config.tail:
            case "plain":
                return self.output(x)
            case "residual":
                return self.output(x) + image
            case "upscale":
                scale = float(self.config.scale)
                return self.tail(x) + functional.interpolate(image, scale_factor=scale)


def _doubling(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(channels, 4 * channels, 3, padding=1), nn.PixelShuffle(2)


class PriorEncoder(nn.Module):
    """CPEN: pictures in, a prior out.

    Stage 1 (`E`) sees the sharp picture stacked behind the poor one; stage 2 (`condition`) sees the
    poor one, and what it puts out conditions the denoiser.

    Ours is standardized over the pictures of a batch, before, between and behind its parts. The
    published one sees in random weights next to nothing of a picture (0 % of its entries differ
    between two after 500 steps of a small system), and then stays the same for all.
    """

    def __init__(self, config: DiffIRConfig, *, sharp: bool) -> None:
        super().__init__()
        width = config.features
        inputs = config.inputs * config.encoder_shrink**2
        self.unshuffle = nn.PixelUnshuffle(config.encoder_shrink)
        self.unshuffle_sharp = nn.PixelUnshuffle(TAIL_SCALE)
        inputs += 3 * TAIL_SCALE**2 if sharp else 0
        self.E = nn.Sequential(
            _conv(inputs, width),
            _activation(),
            *(_ResidualBlock(width) for _ in range(config.encoder_blocks)),
            _conv(width, 2 * width),
            _activation(),
            _conv(2 * width, 2 * width),
            _activation(),
            _conv(2 * width, 4 * width),
            _activation(),
        )
        standardized = config.encoder == "standardized"
        self.input_norm = Standardize(inputs) if standardized else nn.Identity()
        self.pooled_norm = Standardize(4 * width) if standardized else nn.Identity()
        self.mlp = nn.Sequential(
            nn.Linear(4 * width, 4 * width),
            _activation(),
            nn.Linear(4 * width, 4 * width),
            *([Standardize(4 * width)] if standardized else []),
            _activation(),
        )
        reach = sum(isinstance(module, nn.Conv2d) for module in self.modules())  # each is 3x3
        self.bands = Bands(shrink=1, reach=reach, max_pixels=MAX_ENCODER_PIXELS)

    @property
    def steps(self) -> list[nn.Module]:
        """The blocks, one after the other."""
        return [module for module in self.E if isinstance(module, _ResidualBlock)]

    def band_count(self, height: int, width: int) -> int:
        """Returns in how many bands of rows it encodes a picture."""
        shrink = self.unshuffle.downscale_factor
        return self.bands.count(height // shrink, width // shrink)

    def forward(self, lq: Pictures, hq: Float[Tensor, "b 3 hs ws"] | None = None) -> Prior:
        """Encodes pictures; sides of `lq` are multiples of `encoder_shrink`."""
        x = self.unshuffle(lq)
        if hq is not None:
            x = torch.cat([x, self.unshuffle_sharp(hq)], dim=1)
        pooled = self.bands.pooled(self.E, self.input_norm(x), 1)
        return self.mlp(rearrange(self.pooled_norm(pooled), "b d 1 1 -> b d"))


class _ResidualBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(channels, channels), _activation(), _conv(channels, channels)
        )

    def forward(self, x: Features) -> Features:
        return x + self.body(x)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.1)


class DiffIR(nn.Module):
    """The networks of one system, as stage 2 trains them."""

    def __init__(self, config: DiffIRConfig) -> None:
        super().__init__()
        self.config = config
        self.G = Transformer(config)
        self.condition = PriorEncoder(config, sharp=False)
        dim, scale = config.prior_dim, TIME_SCALE_PER_STEP * config.steps
        self.denoise = MLPDenoiser(dim, dim, config.denoiser_layers, scale)
        self.schedule = Schedule.linear_sqrt(config.beta_start, config.beta_end, config.steps)

    @property
    def transformer(self) -> Transformer:
        """The part that restores, once it has the prior."""
        return self.G

    @property
    def encoder(self) -> PriorEncoder:
        """The part that encodes the whole picture, for the prior."""
        return self.condition

    @property
    def prior_shape(self) -> tuple[int, ...]:
        """The numbers of a prior."""
        return (self.config.prior_dim,)

    def diffuse_prior(self, lq: Pictures, x_T: Prior) -> Prior:
        """Runs the whole reverse chain from `x_T`, conditioned on the poor pictures."""
        condition = rearrange(self.condition(lq), "b d -> b 1 d")

        def predict_x0(x_t: Float[Tensor, "b 1 d"], t: int) -> Float[Tensor, "b 1 d"]:
            return self.denoise(x_t, condition, t)

        x_T = rearrange(x_T, "b d -> b 1 d")
        return rearrange(posterior_mean_chain(predict_x0, x_T, self.schedule), "b 1 d -> b d")


class StageOne(nn.Module):
    """The networks that stage 1 trains: the prior is encoded from the answer, not diffused."""

    def __init__(self, config: DiffIRConfig) -> None:
        super().__init__()
        self.G = Transformer(config)
        self.E = PriorEncoder(config, sharp=True)

    def forward(
        self, lq: Pictures, hq: Float[Tensor, "b 3 hs ws"]
    ) -> tuple[Float[Tensor, "b 3 hs ws"], Prior]:
        """Restores pictures whose sharp originals are known; also returns the prior."""
        prior = self.E(lq, hq)
        return self.G(lq, prior), prior


# --- Checkpoints ----------------------------------------------------------------------------------


def convert(files: Mapping[str, StateDict]) -> dict[str, StateDict]:
    """Sorts the tensors of a checkpoint, which is one file, by network.

    The published files repeat two networks, and hold the schedule, behind `diffusion.`: that is
    left out.

    Raises:
        UnreadableCheckpoint: There are several files, or it is one of stage 1.
    """
    if len(files) != 1:
        raise UnreadableCheckpoint(
            f"A DiffIR model is one file, and there are {len(files)}",
            hint="Name the file itself with --weights",
        )
    networks: dict[str, StateDict] = {}
    for file, state in files.items():
        for key, tensor in state.items():
            if key.startswith(DUPLICATES):
                continue
            network, _, name = key.partition(".")
            if network == "E":
                raise UnreadableCheckpoint(
                    f"These are weights of the first stage of training: `{file}`",
                    hint="Take the model's file with `DiffIRS2` in its name",
                )
            networks.setdefault(network, {})[name] = tensor
    return networks


# --- Pipeline -------------------------------------------------------------------------------------


def load(
    config: DiffIRConfig, files: Mapping[str, StateDict], device: torch.device, dtype: torch.dtype
) -> PriorGuidedPipeline:
    """Fills the networks with a checkpoint, strictly: every name and shape must match.

    Raises:
        UnreadableCheckpoint: It is no DiffIR checkpoint, or one of another system.
    """
    states = convert(files)
    with torch.device("meta"):
        networks = DiffIR(config)
    fill_strictly(networks, states)
    return PriorGuidedPipeline(networks.to(device), dtype)

"""DiffBIR's published systems: sizes, defaults, models. Read without torch.

Sources: arXiv:2308.15070 and github.com/XPixelGroup/DiffBIR at 3f8b530 (command lines, README).
"""

from dataclasses import dataclass, field
from typing import Literal

from pixelmend_engine.catalog.sizes import (
    AutoencoderSizes,
    RRDBSizes,
    SCUNetSizes,
    SwinIRSizes,
    TextEncoderSizes,
    UNetSizes,
)
from pixelmend_engine.catalog.spec import MemoryCost, ModelSpec, Task

RestorationModule = Literal["swinir", "swinir_face", "bsrnet", "scunet"]

MAX_SCALE = 8.0
FIDELITY_SAMPLER, FIDELITY_STEPS = "spaced", 50  # what restoration guidance is published for
MIN_STEPS = {"spaced": 2}  # its timesteps reach from the first to the last; of others, 1
SAMPLERS = (
    "spaced",
    "ddim",
    "dpm++_m2",
    "edm_euler",
    "edm_euler_a",
    "edm_heun",
    "edm_dpm_2",
    "edm_dpm_2_a",
    "edm_lms",
    "edm_dpm++_2s_a",
    "edm_dpm++_sde",
    "edm_dpm++_2m",
    "edm_dpm++_2m_sde",
    "edm_dpm++_3m_sde",
)

POSITIVE = (
    "Cinematic, High Contrast, highly detailed, taken using a Canon EOS R camera, hyper detailed "
    "photo - realistic maximum detail, 32k, Color Grading, ultra HD, extreme meticulous detailing, "
    "skin pore detailing, hyper sharpness, perfect without deformations."
)
NEGATIVE = (
    "painting, oil painting, illustration, drawing, art, sketch, oil painting, cartoon, CG Style, "
    "3D render, unreal engine, blurring, dirty, messy, worst quality, low quality, frames, "
    "watermark, signature, jpeg artifacts, deformed, lowres, over-smooth."
)
NEGATIVE_V2 = "low quality, blurry, low-resolution, noisy, unsharp, weird textures"


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What one version is run with, where the user says nothing."""

    sampler: str
    steps: int
    cfg_scale: float
    prompt: str
    negative_prompt: str


@dataclass(frozen=True, kw_only=True)
class DiffBIRConfig:
    """One published system. Sizes are those of all of them; tests make them smaller."""

    prediction: Literal["epsilon", "v"]
    zero_snr: bool  # whether the last timestep is noise alone
    # Which network removes degradations, for each task.
    restoration_modules: tuple[tuple[Task, RestorationModule], ...]
    defaults: Defaults
    unet: UNetSizes = field(default_factory=UNetSizes)
    autoencoder: AutoencoderSizes = field(default_factory=AutoencoderSizes)
    text: TextEncoderSizes = field(default_factory=TextEncoderSizes)
    swinir: SwinIRSizes = field(default_factory=SwinIRSizes)
    bsrnet: RRDBSizes = field(default_factory=RRDBSizes)
    scunet: SCUNetSizes = field(default_factory=SCUNetSizes)
    beta_start: float = 0.00085
    beta_end: float = 0.012
    timesteps: int = 1000
    min_side: int = 512  # pixels: what the short side of the picture is enlarged to

    def restoration_module(self, task: Task) -> RestorationModule:
        """Returns which network removes degradations for a task."""
        return dict(self.restoration_modules)[task]


V2_1 = DiffBIRConfig(
    prediction="v",
    zero_snr=True,
    restoration_modules=(
        ("restore", "swinir"),
        ("denoise", "swinir"),
        ("upscale", "swinir"),
        ("face", "swinir_face"),
    ),
    defaults=Defaults(
        sampler="edm_dpm++_3m_sde",
        steps=10,
        cfg_scale=8.0,
        prompt=POSITIVE,
        negative_prompt=NEGATIVE,
    ),
)
V2 = DiffBIRConfig(
    prediction="epsilon",
    zero_snr=False,
    restoration_modules=(
        ("restore", "bsrnet"),
        ("denoise", "scunet"),
        ("upscale", "bsrnet"),
        ("face", "swinir_face"),
    ),
    defaults=Defaults(
        sampler="spaced", steps=50, cfg_scale=4.0, prompt="", negative_prompt=NEGATIVE_V2
    ),
)
V1_DEFAULTS = Defaults(sampler="spaced", steps=50, cfg_scale=1.0, prompt="", negative_prompt="")
V1_GENERAL = DiffBIRConfig(
    prediction="epsilon",
    zero_snr=False,
    restoration_modules=(("restore", "swinir"), ("upscale", "swinir")),
    defaults=V1_DEFAULTS,
)
V1_FACE = DiffBIRConfig(
    prediction="epsilon",
    zero_snr=False,
    restoration_modules=(("face", "swinir_face"),),
    defaults=V1_DEFAULTS,
)

OPTIONS = (  # see `options.SPECIAL`
    "prompt",
    "negative_prompt",
    "steps",
    "sampler",
    "cfg_scale",
    "rising_cfg",
    "fidelity",
    "start_point",
    "noise_aug",
    "control_strength",
    "color_fix",
)


def _model(model_id: str, title: str, config: DiffBIRConfig) -> ModelSpec:
    return ModelSpec(
        id=model_id,
        title=title,
        family="DiffBIR",
        tasks=tuple(task for task, _ in config.restoration_modules),
        config=config,
        scales=(1.0, MAX_SCALE),
        options=OPTIONS,
        source_type="compositeWithTrainedAlgorithmicMedia",
        multiple=1,  # it pads by itself
        tiling="internal",
        # It plans part by part (models/diffbir/memory_plan.py); most takes the decoder.
        cost=MemoryCost(prepare_bytes_per_pixel=0, prepare_pixels=1, tile_bytes_per_pixel=5000),
        license="Apache-2.0; CreativeML Open RAIL++-M for Stable Diffusion 2.1, on which it stands",
        source="https://github.com/XPixelGroup/DiffBIR",
    )


MODELS = (
    _model("diffbir-v2.1", "DiffBIR v2.1", V2_1),
    _model("diffbir-v2", "DiffBIR v2", V2),
    _model("diffbir-v1-general", "DiffBIR v1", V1_GENERAL),
    _model("diffbir-v1-face", "DiffBIR v1 Face", V1_FACE),
)

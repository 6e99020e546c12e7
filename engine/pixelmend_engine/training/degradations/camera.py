"""What happens to a picture between the scene and the file: blur, clipping, noise, compression.

Light is blurred before the sensor clips and counts it, so all of that happens in linear light.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.training.degradations import dust, jpeg, linear_light, motion_kernels
from pixelmend_engine.training.degradations.blur import Light, blur, corner_positions

GRAIN_REACH = 8  # pixels, of what is one grain
HIGHLIGHT = 0.9  # encoded; what is brighter may have been clipped, and far brighter in the scene

Range = tuple[float, float]
Cropped = Float[Tensor, "b 3 hc wc"]


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """How strongly, and how often, pictures are made worse. Ranges are drawn from evenly."""

    untouched_share: float = 0.1  # of the pictures stay sharp, so that a model learns to leave them
    shake_share: float = 0.8
    shake: Range = (1.0, 20.0)  # pixels, length of the way
    roll: Range = (0.0, 0.03)  # radians to either side
    moving_share: float = 0.2  # have an object that moves by itself
    defocus_share: float = 0.25
    defocus: Range = (0.5, 3.0)  # pixels, radius
    soft_share: float = 0.25
    soft: Range = (0.3, 1.5)  # pixels, sigma
    highlight_share: float = 0.3
    highlight: Range = (1.5, 8.0)  # times white
    shot: Range = (0.0, 0.001)  # variance of the light for each unit of light
    read: Range = (0.0, 0.0015)  # standard deviation of the light
    grain: Range = (0.0, 3 / 255)  # standard deviation of the encoded values
    jpeg_share: float = 0.5
    jpeg: Range = (60.0, 98.0)  # quality
    subsampled_share: float = 0.5  # of the compressed ones
    recompressed_share: float = 0.0  # are compressed again, on another grid of blocks
    grain_size: Range = (0.0, 0.0)  # pixels, sigma: grain of film is larger than a pixel
    specks: Range = (0.0, 0.0)  # of dust, on each 10,000 pixels
    gray_share: float = 0.0  # have no color, nor has what they should have been
    soft_original_share: float = 0.0  # were soft before, and should stay so
    soft_original: Range = (0.5, 2.0)  # pixels, sigma
    display_light_share: float = 0.0  # are averages of frames, whose values are added as they are

    @property
    def reach(self) -> int:
        """How many pixels around a crop take part in it."""
        return motion_kernels.reach_of(
            shake=self.shake[1], defocus=self.defocus[1], sigma=self.soft[1]
        )


MILD = CameraSettings()
"""Snapshots: what the compact model is made for."""

SHAKEN = CameraSettings(
    untouched_share=0.15,
    shake_share=0.95,
    shake=(2.0, 17.0),
    roll=(0.0, 0.02),
    moving_share=0.1,
    defocus_share=0.1,
    soft_share=0.1,
    soft=(0.3, 1.0),
    highlight_share=0.25,
    shot=(0.0, 0.0005),
    read=(0.0, 0.001),
    grain=(0.5 / 255, 2.5 / 255),
    jpeg_share=0.25,
    jpeg=(80.0, 98.0),
)
"""Snapshots that were shaken, and little else: what a small model can learn in little time."""

STRONG = CameraSettings(
    untouched_share=0.05,
    shake=(3.0, 45.0),
    roll=(0.0, 0.08),
    moving_share=0.4,
    defocus=(0.5, 5.0),
    shot=(0.0, 0.01),
    read=(0.0, 0.006),
)
"""Shakes and movement as long as those in GoPro's and RealBlur's pictures."""


def degrade(
    sharp: Light, settings: CameraSettings, generator: torch.Generator
) -> tuple[Cropped, Cropped]:
    """Makes pictures worse; returns them, 8 bit deep, and what they should have been.

    `sharp` is sRGB in [0, 1] and has `settings.reach` pixels more on each side than what comes
    back. `generator`, one of the CPU, draws everything but the noise of each pixel, for which it
    seeds one of the device: millions of numbers a step would keep a GPU waiting.
    """
    rng = _BatchRandom(len(sharp), sharp.device, generator)
    reach = settings.reach
    if settings.soft_original_share:
        sigma = rng.uniform(settings.soft_original, settings.soft_original_share)
        sharp = blur(sharp, motion_kernels.gaussian_kernels(sigma, reach)).clamp(0, 1)
    light = linear_light.decode(sharp)
    averaged = None
    if settings.display_light_share:
        averaged = _each(rng.bernoulli(settings.display_light_share))
        light = torch.where(averaged, sharp, light)
    scene = _brighten_highlights(light, sharp, settings, rng)
    exposed = _blur(scene, settings, rng)[..., reach:-reach, reach:-reach].clamp(0, 1)
    hq = sharp[..., reach:-reach, reach:-reach]

    noise_generator = torch.Generator(sharp.device)
    noise_generator.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    noise = torch.randn(2, *exposed.shape, generator=noise_generator, device=sharp.device)
    shot, read = rng.uniform(settings.shot), rng.uniform(settings.read)
    deviation = (_each(shot) * exposed + _each(read) ** 2).sqrt()
    exposed = exposed + deviation * noise[0]
    lq = linear_light.encode(exposed)
    if averaged is not None:
        lq = torch.where(averaged, exposed, lq)
    grain = noise[1]
    if settings.grain_size[1]:
        grain = _coarse(grain, rng.uniform(settings.grain_size))
    lq = lq + _each(rng.uniform(settings.grain)) * grain
    if settings.specks[1]:
        lq = dust.strew(lq, rng.uniform(settings.specks), generator)
    lq = lq.clamp(0, 1)

    compressed = jpeg.compress(
        lq, rng.uniform(settings.jpeg), rng.bernoulli(settings.subsampled_share)
    )
    lq = torch.where(_each(rng.bernoulli(settings.jpeg_share)), compressed, lq)
    if settings.recompressed_share:
        lq = torch.where(
            _each(rng.bernoulli(settings.recompressed_share)),
            _recompressed(lq, settings, rng),
            lq,
        )
    if settings.gray_share:
        gray = _each(rng.bernoulli(settings.gray_share))
        lq, hq = (torch.where(gray, _luma(image), image) for image in (lq, hq))
    return (lq * 255).round() / 255, hq


def _coarse(noise: Cropped, sigma: Float[Tensor, " b"]) -> Cropped:
    """Makes grain of noise, as strong as before: sigma in pixels."""
    radius = noise.shape[-1] // 2 - 1
    coarse = blur(noise, motion_kernels.gaussian_kernels(sigma, min(radius, GRAIN_REACH)))
    return coarse / coarse.std(dim=(1, 2, 3), keepdim=True).clamp_min(1e-6)


def _recompressed(lq: Cropped, settings: CameraSettings, rng: "_BatchRandom") -> Cropped:
    """Compresses pictures as they are after a crop, whose blocks begin elsewhere."""
    down, right = (int(shift) for shift in torch.randint(0, 8, (2,), generator=rng.generator))
    shifted = functional.pad(lq, (right, 0, down, 0), mode="reflect")
    again = jpeg.compress(
        shifted, rng.uniform(settings.jpeg), rng.bernoulli(settings.subsampled_share)
    )
    return again[..., down:, right:]


def _luma(images: Cropped) -> Cropped:
    weights = torch.tensor(jpeg.TO_YCC[0], device=images.device)[:, None, None]
    return (images * weights).sum(dim=1, keepdim=True).expand_as(images)


def _brighten_highlights(
    scene: Light, sharp: Light, settings: CameraSettings, rng: "_BatchRandom"
) -> Light:
    gain = _each(rng.uniform(settings.highlight, settings.highlight_share, otherwise=1.0))
    brightness = ((sharp.amin(dim=1, keepdim=True) - HIGHLIGHT) / (1 - HIGHLIGHT)).clamp(0, 1)
    return scene * (1 + (gain - 1) * brightness**2)


def _blur(scene: Light, settings: CameraSettings, rng: "_BatchRandom") -> Light:
    height, width = scene.shape[-2:]
    reach = settings.reach
    degraded = ~rng.bernoulli(settings.untouched_share)
    path = motion_kernels.shake_paths(
        rng.uniform(settings.shake, settings.shake_share) * degraded, rng.generator
    )
    roll = motion_kernels.roll_angles(
        rng.uniform(settings.roll, settings.shake_share) * degraded, rng.generator
    )
    camera = motion_kernels.path_kernels(
        motion_kernels.rolled_paths(path, roll, corner_positions(height, width, scene.device)),
        reach,
    )
    defocus = rng.uniform(settings.defocus, settings.defocus_share) * degraded
    soft = rng.uniform(settings.soft, settings.soft_share) * degraded
    lens = (
        motion_kernels.disk_kernels(defocus, reach),
        motion_kernels.gaussian_kernels(soft, reach),
    )
    background = blur(scene, camera, *lens)

    moving = rng.bernoulli(settings.moving_share) & degraded
    object_path = motion_kernels.shake_paths(rng.uniform(settings.shake), rng.generator)
    if not moving.any():
        return background
    outline = _objects(height, width, rng)
    # The object covers what is behind it only while it is there: its outline is blurred with it.
    kernel = motion_kernels.path_kernels(object_path[:, None], reach)
    layers = blur(torch.cat([scene * outline, outline.expand_as(scene)]), kernel.repeat(2, 1, 1, 1))
    object_light, share = layers.chunk(2)
    object_light = blur(object_light, *lens)
    share = blur(share, *lens)
    return torch.where(_each(moving), object_light + (1 - share) * background, background)


def _objects(height: int, width: int, rng: "_BatchRandom") -> Float[Tensor, "b 1 h w"]:
    """Draws soft ellipses, one in each picture."""
    down = torch.linspace(-1, 1, height, device=rng.device)[:, None]
    right = torch.linspace(-1, 1, width, device=rng.device)
    angle = _each(rng.uniform((0.0, torch.pi)))
    y = down - _each(rng.uniform((-0.5, 0.5)))
    x = right - _each(rng.uniform((-0.5, 0.5)))
    long, short = _each(rng.uniform((0.3, 0.8))), _each(rng.uniform((0.15, 0.5)))
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    return torch.sigmoid(20 * (1 - (along / long) ** 2 - (across / short) ** 2))


class _BatchRandom:
    """One number for each picture of a batch; drawn on the CPU, wherever the pictures are."""

    def __init__(self, count: int, device: torch.device, generator: torch.Generator) -> None:
        self.count = count
        self.device = device
        self.generator = generator

    def uniform(
        self, limits: Range, share: float = 1.0, otherwise: float = 0.0
    ) -> Float[Tensor, " b"]:
        low, high = limits
        values = low + (high - low) * torch.rand(self.count, generator=self.generator)
        applied = torch.rand(self.count, generator=self.generator) < share
        return torch.where(applied, values, otherwise).to(self.device)

    def bernoulli(self, share: float) -> Tensor:
        return (torch.rand(self.count, generator=self.generator) < share).to(self.device)


def _each(values: Tensor) -> Tensor:
    return values[:, None, None, None]

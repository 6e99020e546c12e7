"""DiffBIR's sampling parameters: the user's options, and the version's defaults for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.diffbir import (
    FIDELITY_SAMPLER,
    FIDELITY_STEPS,
    MIN_STEPS,
    DiffBIRConfig,
)


@dataclass(frozen=True, kw_only=True)
class DiffBIRSettings:
    """What one picture is restored with; `options.py` says what each means."""

    prompt: str
    negative_prompt: str
    sampler: str
    steps: int
    cfg_scale: float
    rising_cfg: bool = False
    fidelity: float = 0.0
    start_point: str = "noise"
    noise_aug: int = 0
    control_strength: float = 1.0
    color_fix: str = "wavelet"

    @classmethod
    def from_options(cls, config: DiffBIRConfig, options: Mapping[str, Any]) -> "DiffBIRSettings":
        """Takes the user's options, and the version's defaults for what is `auto` or not there.

        Raises:
            BadRequest: The sampler can't take so few steps.
        """
        zero_is_auto = ("steps", "cfg_scale")
        explicit = {
            name: options[name]
            for name in cls.__dataclass_fields__
            if name in options
            and options[name] != "auto"
            and (options[name] or name not in zero_is_auto)
        }
        values = vars(config.defaults) | explicit
        if explicit.get("fidelity"):  # published for one sampler alone
            values |= {"sampler": FIDELITY_SAMPLER, "steps": explicit.get("steps", FIDELITY_STEPS)}
        settings = cls(**values)
        if settings.steps < (min_steps := MIN_STEPS.get(settings.sampler, 1)):
            raise BadRequest(
                f"The sampler `{settings.sampler}` needs at least {min_steps} steps",
                hint="Ask for more steps, or another sampler",
            )
        return settings

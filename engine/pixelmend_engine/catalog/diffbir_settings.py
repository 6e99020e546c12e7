"""What one picture is restored with: what the user said, and what the version does of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.diffbir import (
    FEWEST_STEPS,
    FIDELITY_SAMPLER,
    FIDELITY_STEPS,
    DiffBIRConfig,
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What one picture is restored with; see the options in `options.py`."""

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
    def of(cls, config: DiffBIRConfig, options: Mapping[str, Any]) -> "Wish":
        """Takes what the user said, and the version's defaults for what is `auto` or not there.

        Raises:
            BadRequest: The sampler can't take so few steps.
        """
        given = {name: options[name] for name in cls.__dataclass_fields__ if name in options}
        own = ("steps", "cfg_scale")  # where 0 stands for what the version does
        said = {
            name: value
            for name, value in given.items()
            if value != "auto" and (value or name not in own)
        }
        chosen = vars(config.defaults) | said
        if said.get("fidelity"):  # published for one sampler alone
            chosen |= {"sampler": FIDELITY_SAMPLER, "steps": said.get("steps", FIDELITY_STEPS)}
        wish = cls(**chosen)
        if wish.steps < (fewest := FEWEST_STEPS.get(wish.sampler, 1)):
            raise BadRequest(
                f"The sampler `{wish.sampler}` needs at least {fewest} steps",
                hint="Ask for more steps, or another sampler",
            )
        return wish

"""The training loop: batches in, checkpoints out; one process for each GPU, or one on the CPU.

Half precision is ours and not Accelerate's, because it is for the transformer alone: what is said
of the prior in `models/hidiff.py` holds while it is learned, too.
"""

import dataclasses
import hashlib
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast  # pyright: ignore[reportUnknownVariableType] - no types
from torch import Tensor, nn

from pixelmend.errors import BadRequest, TrainingDiverged
from pixelmend_engine import checkpoints, devices
from pixelmend_engine.contact_sheet import sheet
from pixelmend_engine.models.hidiff import HIDiff, TransformerBlock, convert
from pixelmend_engine.training.averaging import Average
from pixelmend_engine.training.data import Data
from pixelmend_engine.training.folders import Source
from pixelmend_engine.training.journal import Journal
from pixelmend_engine.training.losses import TRAINED, Objective, StageNumber
from pixelmend_engine.training.rates import rate
from pixelmend_engine.training.recipes import Recipe
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.validation import Validation

logger = logging.getLogger(__name__)

PICTURE_SHARE = 0.4  # of the free memory, for decoded pictures; the rest is for training itself
SHEET_SIDE = 256  # pixels, of the pictures in TensorBoard


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the weights at the end of one stage depend on."""

    recipe: Recipe
    stage: StageNumber
    sources: tuple[Source, ...]
    seed: int = 0
    teacher: tuple[Path, ...] = ()  # files of stage 1; for stage 2 alone
    validation_side: int = 256  # pixels


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Where and how a run goes on; none of it decides which batches are seen."""

    device: Literal["auto", "cpu"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compiled: bool = False
    minutes: float = math.inf  # then the run stops, to be resumed
    save_every: int = 1000  # steps; a validation comes with it
    report_every: int = 20  # steps


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is."""

    step: int
    steps: int
    rate: float
    images_per_s: float
    losses: dict[str, float]
    scores: dict[str, float] = field(default_factory=dict[str, float])  # dB, when there was a look


Report = Callable[[Progress], None]


def train(plan: Plan, pace: Pace, folder: RunFolder, report: Report, *, resume: bool) -> bool:
    """Trains one stage; returns whether it reached its end, and not only the end of its time.

    Raises:
        BadRequest: The state was left by another recipe, seed or set of pictures.
        TrainingDiverged: A loss is no number anymore; what was saved before stays.
        PixelmendError: See `RunFolder` and `Data`.
    """
    accelerator = Accelerator(
        cpu=pace.device == "cpu" or not torch.cuda.is_available(), mixed_precision="no"
    )
    if accelerator.is_main_process:
        folder.make(resume=resume)
    accelerator.wait_for_everyone()
    run = _Run(plan, pace, folder, accelerator)
    if resume:
        run.resume()
    return run.go(report)


class _Run:
    """One stage in this process: the networks and everything that changes with them."""

    def __init__(self, plan: Plan, pace: Pace, folder: RunFolder, accelerator: Accelerator) -> None:
        self.plan, self.pace, self.folder, self.accelerator = plan, pace, folder, accelerator
        self.stage = plan.recipe.stages[plan.stage - 1]
        device, cpu = accelerator.device, torch.device("cpu")
        self.data = Data(
            plan.sources,
            plan.recipe.degradation,
            seed=plan.seed,
            device=device,
            room_bytes=int(devices.free_bytes(device) * PICTURE_SHARE),
            spare_bytes=0 if device == cpu else int(devices.free_bytes(cpu) * PICTURE_SHARE),
        )
        self.validation = Validation(
            self.data.validation, plan.recipe.degradation, side=plan.validation_side, device=device
        )
        dtype = _dtype(pace, device)
        self.networks = _networks(plan)
        # As when pictures are restored: depth-wise convolutions and norms read whole pixels.
        self.networks.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - stubs
        self.objective = Objective(
            self.networks, plan.stage, dtype, self.stage.frequency_weight
        ).to(device)
        if pace.compiled:
            for module in self.networks.modules():
                if isinstance(module, TransformerBlock):
                    module.compile()
        self.trained = {name: p for name, p in self.networks.named_parameters() if p.requires_grad}
        self.average = Average(self.trained, self.stage.average)
        self.optimizer = torch.optim.AdamW(
            self.trained.values(), lr=0.0, betas=(0.9, 0.999), weight_decay=self.stage.weight_decay
        )
        self.shared: nn.Module = accelerator.prepare_model(self.objective)
        self.done = 0  # steps
        self.seconds = 0.0  # of training, in all slices

    def resume(self) -> None:
        """Takes up the state that an earlier slice left."""
        state = self.folder.load_state()
        if state["plan"] != self._fingerprint():
            raise BadRequest(
                f"The run in `{self.folder.path}` has another recipe, seed, number of processes "
                "or set of pictures",
                hint="Give what it was begun with, or begin another with --out-dir",
            )
        self.networks.load_state_dict(state["networks"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.restore(state["average"])
        self.done, self.seconds = state["step"], state["seconds"]

    def go(self, report: Report) -> bool:
        """Trains until the stage or the time is over."""
        journal: Journal | None = None
        if self.accelerator.is_main_process:
            journal = Journal(self.folder.logs, done=self.done)
        try:
            return self._go(report, journal)
        finally:
            if journal is not None:
                journal.close()

    def _go(self, report: Report, journal: Journal | None) -> bool:
        started, before = time.monotonic(), self.seconds
        images, since = 0, started
        while self.done < self.stage.steps:
            count, losses = self._step(self.done + 1)
            self.done += 1
            images += count * self.accelerator.num_processes
            now = time.monotonic()
            self.seconds = before + now - started
            last = self.done == self.stage.steps
            stop = self._agreed(now - started >= self.pace.minutes * 60)
            save = last or stop or self.done % self.pace.save_every == 0
            if save or self.done % self.pace.report_every == 0:
                values = {name: loss.item() for name, loss in losses.items()}
                self._check(values)
                scores = self._save(journal) if save else {}
                progress = Progress(
                    step=self.done,
                    steps=self.stage.steps,
                    rate=rate(self.stage.cycles, self.done),
                    images_per_s=images / (now - since),
                    losses=values,
                    scores=scores,
                )
                if journal is not None:
                    journal.numbers(self.done, _numbers(progress))
                    report(progress)
                images, since = 0, time.monotonic()
            if stop:
                return last
        return True

    def _step(self, step: int) -> tuple[int, dict[str, Tensor]]:
        phase, process = self.stage.phase(step), self.accelerator.process_index
        batch = self.data.batch(
            step, process, count=phase.batch, patch=phase.patch, window=self.plan.recipe.window
        )
        config = self.plan.recipe.config
        # Another number than that of any batch, so that noise and crops have nothing in common.
        generator = torch.Generator().manual_seed(_seed(self.plan.seed, step, process))
        noise = torch.randn(phase.batch, config.prior_tokens, config.prior_dim, generator=generator)
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.stage.cycles, step)
        losses: dict[str, Tensor] = self.shared(
            batch.lq, batch.hq, noise.to(self.accelerator.device)
        )
        self.accelerator.backward(torch.stack([*losses.values()]).sum())
        self.accelerator.clip_grad_norm_(self.trained.values(), self.stage.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update(step)
        return phase.batch, {name: loss.detach() for name, loss in losses.items()}

    def _agreed(self, stop: bool) -> bool:
        # Clocks differ a little: all processes do what the first one's says.
        if self.accelerator.num_processes == 1:
            return stop
        said = torch.tensor([int(stop)], device=self.accelerator.device)
        return bool(cast("Tensor", broadcast(said)).item())

    def _check(self, losses: dict[str, float]) -> None:
        broken = next((name for name, value in losses.items() if not math.isfinite(value)), None)
        if broken is not None:
            raise TrainingDiverged(
                f"After step {self.done} the loss of the {broken} is no number anymore",
                hint="Go on with --resume from what was saved, with --precision fp32",
            )

    def _save(self, journal: Journal | None) -> dict[str, float]:
        scores: dict[str, float] = {}
        if journal is not None:
            self.folder.save_state(
                {
                    "plan": self._fingerprint(),
                    "step": self.done,
                    "seconds": self.seconds,
                    "networks": self.networks.state_dict(),
                    "average": self.average.state(),
                    "optimizer": self.optimizer.state_dict(),
                }
            )
            trained = self._by_network()
            with self.average.applied():
                averaged = None if self.stage.average is None else self._by_network()
                self.folder.save_weights(trained, averaged)
                score = self.validation.score(self.objective)
            scores = {"validation": score.psnr, "input": score.input_psnr}
            journal.picture(self.done, sheet(score.rows, SHEET_SIDE))
            logger.info("step %d saved after %.0f s", self.done, self.seconds)
        self.accelerator.wait_for_everyone()
        return scores

    def _by_network(self) -> dict[str, dict[str, Tensor]]:
        return {
            name: {
                key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
                for key, tensor in self.networks.get_submodule(name).state_dict().items()
            }
            for name in TRAINED[self.plan.stage]
        }

    def _fingerprint(self) -> str:
        plan = dataclasses.replace(self.plan, sources=(), teacher=())  # folders may be moved
        weights = [source.weight for source in self.plan.sources]
        facts = (plan, weights, self.data.names, self.accelerator.num_processes)
        return hashlib.sha256(repr(facts).encode()).hexdigest()


def _seed(*numbers: int) -> int:
    digest = hashlib.sha256(repr(numbers).encode()).digest()
    return int.from_bytes(digest[:8], "little") % 2**63


def _numbers(progress: Progress) -> dict[str, float]:
    losses = {f"loss/{name}": value for name, value in progress.losses.items()}
    scores = {f"psnr/{name}": value for name, value in progress.scores.items()}
    return {
        **losses,
        **scores,
        "rate": progress.rate,
        "images per second": progress.images_per_s,
    }


def _dtype(pace: Pace, device: torch.device) -> torch.dtype:
    if pace.precision == "auto":
        chosen = devices.choose_dtype("auto", device)
        # float16 would need its gradients scaled; what has no bfloat16 trains in float32.
        return torch.float32 if chosen == torch.float16 else chosen
    return devices.DTYPES[pace.precision]


def _networks(plan: Plan) -> HIDiff:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_seed(plan.seed, plan.stage))
        networks = HIDiff(plan.recipe.config, teacher=True)
    if plan.stage == 2:
        states = convert({path.name: checkpoints.read(path) for path in plan.teacher})
        wanted = nn.ModuleDict({name: networks.get_submodule(name) for name in TRAINED[1]})
        given = {name: state for name, state in states.items() if name in TRAINED[1]}
        checkpoints.fill_strictly(wanted, given)
    return networks

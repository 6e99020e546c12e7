"""The training loop: batches in, checkpoints out; one process for each GPU, or one on the CPU.

Half precision is ours and not Accelerate's, because it is for the transformer alone: what is said
of the prior in `models/hidiff.py` holds while it is learned, too.
"""

import dataclasses
import hashlib
import logging
import math
import time
from typing import Any, cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast  # pyright: ignore[reportUnknownVariableType] - no types
from torch import Tensor, nn

from pixelmend.errors import BadRequest, TrainingDiverged
from pixelmend_engine.inference import devices
from pixelmend_engine.training import initial_weights, published_layouts
from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.compilation import compile_blocks
from pixelmend_engine.training.data.crops import Data
from pixelmend_engine.training.evaluation.contact_sheet import sheet
from pixelmend_engine.training.objectives.diffir import DiffIRObjective
from pixelmend_engine.training.objectives.discriminator_step import Opponent
from pixelmend_engine.training.objectives.outcome import Outcome
from pixelmend_engine.training.plan import Pace, Plan, Progress, Report
from pixelmend_engine.training.recipes.learning_rates import rate
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.tensorboard_log import Journal
from pixelmend_engine.training.validation import Validation
from pixelmend_engine.training.weight_average import Average

logger = logging.getLogger(__name__)

PICTURE_SHARE = 0.4  # of the free memory, for decoded pictures; the rest is for training itself
SHEET_SIDE = 256  # pixels, of the pictures in TensorBoard


def train(plan: Plan, pace: Pace, folder: RunFolder, report: Report, *, resume: bool) -> bool:
    """Trains one stage; returns whether it reached its end, and not only the end of its time.

    Raises:
        BadRequest: The state was left by another recipe, seed or set of pictures.
        TrainingDiverged: A loss is no number anymore; what was saved before stays.
        PixelmendError: See `RunFolder`, `Data` and `starting`.
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
        self.stage = plan.stage
        device, cpu = accelerator.device, torch.device("cpu")
        self.data = Data(
            plan.sources,
            plan.recipe,
            plan.worsening,
            seed=plan.seed,
            device=device,
            room_bytes=int(devices.free_bytes(device) * PICTURE_SHARE),
            spare_bytes=0 if device == cpu else int(devices.free_bytes(cpu) * PICTURE_SHARE),
        )
        self.validation = Validation(
            self.data.validation, plan.worsening, side=plan.validation_side, device=device
        )
        self.objective = initial_weights.objective(plan, _dtype(pace, device)).to(device)
        # As when pictures are restored: depth-wise convolutions and norms read whole pixels.
        self.objective.networks.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - stubs
        if pace.compiled:
            compile_blocks(self.objective, self.objective.block)
        self.average = Average(self._parameters(self.objective.learned), self.stage.average)
        self.opponent: Opponent | None = None
        if self.objective.adversary is not None and self.stage.rivalry is not None:
            game, rivalry = self.objective.adversary, self.stage.rivalry
            self.opponent = Opponent(game, rivalry, accelerator)
        self.done = 0  # steps
        self.seconds = 0.0  # of training, in all slices
        self._begin(alone=self._alone(1))

    def _begin(self, *, alone: bool) -> None:
        """Makes the optimizer of what is trained from here on; an earlier one is not gone on with.

        As published: the prior and the whole have an optimizer each.
        """
        self.objective.teach(alone=alone)
        self.alone = alone
        parameters = self._parameters(self.objective.parts)
        self.trained = [p for p in parameters.values() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            self.trained,
            lr=0.0,
            betas=self.stage.betas,
            weight_decay=self.stage.weight_decay,
            fused=True,  # a kernel for all parameters together
        )
        self.shared: nn.Module = self.accelerator.prepare_model(self.objective)

    def _alone(self, step: int) -> bool:
        return step < self.stage.joint_from

    def _parameters(self, names: Any) -> dict[str, nn.Parameter]:
        parts = self.objective.parts
        return {
            f"{name}.{key}": parameter
            for name in names
            for key, parameter in parts[name].named_parameters()
        }

    def resume(self) -> None:
        """Takes up the state that an earlier slice left."""
        state = self.folder.load_state()
        if state["plan"] != self._fingerprint():
            raise BadRequest(
                f"The run in `{self.folder.path}` has another recipe, seed, number of processes "
                "or set of pictures",
                hint="Give what it was begun with, or begin another with --out-dir",
            )
        for name, part in self.objective.parts.items():
            part.load_state_dict(state["networks"][name])
        self.done, self.seconds = state["step"], state["seconds"]
        self._begin(alone=self._alone(self.done))
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.restore(state["average"])
        if self.opponent is not None:
            self.opponent.restore(state["opponent"])

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
                    rate=rate(self.stage.rates, self.done),
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
        if self.alone and not self._alone(step):
            self._begin(alone=False)
        phase, process = self.stage.phase(step), self.accelerator.process_index
        batch = self.data.batch(step, process, phase)
        # Another number than that of any batch, so that noise and crops have nothing in common.
        generator = torch.Generator().manual_seed(
            initial_weights.seed(self.plan.seed, step, process)
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.stage.rates, step)
        outcome: Outcome = self.shared(batch.lq, batch.hq, self._noise(len(batch), generator))
        self.accelerator.backward(torch.stack([*outcome.losses.values()]).sum())
        if self.stage.clip is not None:
            self.accelerator.clip_grad_norm_(self.trained, self.stage.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update(step)
        losses = {name: loss.detach() for name, loss in (outcome.losses | outcome.noted).items()}
        if self.opponent is not None:
            assert outcome.restored is not None
            losses |= self._oppose(self.opponent, step, batch, outcome.restored, generator)
        return len(batch), losses

    def _oppose(
        self,
        opponent: Opponent,
        step: int,
        batch: Batch,
        restored: Tensor,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        if opponent.game.rerun:
            # As published for inpainting: the discriminator sees what the model makes now.
            assert isinstance(self.objective, DiffIRObjective)
            noise = self._noise(len(batch), generator)
            with torch.no_grad():
                restored = self.objective.answered(batch.lq, batch.hq, noise)
        return opponent.step(step, batch, restored)

    def _noise(self, count: int, generator: torch.Generator) -> Tensor:
        noise = torch.randn(count, *self.objective.prior_shape, generator=generator)
        return noise.to(self.accelerator.device)

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
            parts = self.objective.parts.items()
            self.folder.save_state(
                {
                    "plan": self._fingerprint(),
                    "step": self.done,
                    "seconds": self.seconds,
                    "networks": {name: part.state_dict() for name, part in parts},
                    "average": self.average.state(),
                    "optimizer": self.optimizer.state_dict(),
                    "opponent": None if self.opponent is None else self.opponent.state(),
                }
            )
            trained = self._by_network()
            with self.average.applied():
                averaged = None if self.stage.average is None else self._by_network()
                files = published_layouts.published(self.objective, trained, averaged, self.done)
                self.folder.save_weights(files, averaged or trained)
                score = self.validation.score(self.objective)
            scores = {"validation": score.psnr, "input": score.input_psnr}
            scores |= {} if score.ssim is None else {"ssim": score.ssim}
            journal.picture(self.done, sheet(score.rows, SHEET_SIDE))
            logger.info("step %d saved after %.0f s", self.done, self.seconds)
        self.accelerator.wait_for_everyone()
        return scores

    def _by_network(self) -> dict[str, dict[str, Tensor]]:
        return {
            name: {
                key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
                for key, tensor in self.objective.parts[name].state_dict().items()
            }
            for name in self.objective.learned
        }

    def _fingerprint(self) -> str:
        # Folders and files may be moved.
        plan = dataclasses.replace(
            self.plan, sources=(), teacher=(), start=(), discriminator=None, perception=None
        )
        given = (self.plan.discriminator is not None, self.plan.perception is not None)
        if self.plan.number == 2 and self.plan.start:  # else there is a teacher
            given = (*given, bool(self.plan.teacher))
        weights = [source.weight for source in self.plan.sources]
        facts = (plan, given, weights, self.data.names, self.accelerator.num_processes)
        return hashlib.sha256(repr(facts).encode()).hexdigest()


def _numbers(progress: Progress) -> dict[str, float]:
    losses = {f"loss/{name}": value for name, value in progress.losses.items()}
    scores = {f"score/{name}": value for name, value in progress.scores.items()}
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

"""The training loop: batches in, checkpoints out; one process for each GPU, or one on the CPU.

Half precision is ours and not Accelerate's, because it is for the transformer alone: what is said
of the prior in `models/hidiff.py` holds while it is learned, too.
"""

import dataclasses
import logging
import math
import time
from contextlib import nullcontext
from typing import Any, Literal, cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast  # pyright: ignore[reportUnknownVariableType] - no types
from torch import Tensor, nn

from pixelmend.errors import BadRequest, TrainingDiverged
from pixelmend_engine.inference import devices
from pixelmend_engine.training import initial_weights, published_format
from pixelmend_engine.training.batch import Batch
from pixelmend_engine.training.compilation import compile_blocks
from pixelmend_engine.training.data.crops import TrainingData, reader
from pixelmend_engine.training.data.latent_pool import (
    LatentBatch,
    LatentPool,
    pool_size,
    read_captions,
)
from pixelmend_engine.training.ema import WeightEma
from pixelmend_engine.training.evaluation.contact_sheet import sheet
from pixelmend_engine.training.evaluation.prior_health import PriorHealth
from pixelmend_engine.training.fingerprint import fingerprint, stored_text
from pixelmend_engine.training.frozen_networks import FrozenNetworks
from pixelmend_engine.training.objectives.control import ControlObjective, check_prediction
from pixelmend_engine.training.objectives.diffir import DiffIRObjective
from pixelmend_engine.training.objectives.discriminator_trainer import DiscriminatorTrainer
from pixelmend_engine.training.objectives.step_losses import StepLosses
from pixelmend_engine.training.recipes.learning_rates import learning_rate
from pixelmend_engine.training.run_folder import RunFolder
from pixelmend_engine.training.stage_spec import (
    ProgressCallback,
    RunSettings,
    StageSpec,
    TrainingProgress,
)
from pixelmend_engine.training.tensorboard_log import TensorBoardLog
from pixelmend_engine.training.validation import Validation

logger = logging.getLogger(__name__)

PICTURE_SHARE = 0.4  # of the free memory, for decoded pictures; the rest is for training itself
SHEET_SIDE = 256  # pixels, of the pictures in TensorBoard


def train(
    spec: StageSpec,
    settings: RunSettings,
    folder: RunFolder,
    report: ProgressCallback,
    *,
    resume: bool,
) -> bool:
    """Trains one stage; returns whether it reached its end, and not only the end of its time.

    Raises:
        BadRequest: The state was left by another recipe, seed or set of pictures.
        TrainingDiverged: A loss is no number anymore; what was saved before stays.
        PriorCollapsed: The prior is the same for all pictures, or worth nothing.
        PixelmendError: See `RunFolder`, `TrainingData` and `initial_weights`.
    """
    accelerator = Accelerator(
        cpu=settings.device == "cpu" or not torch.cuda.is_available(), mixed_precision="no"
    )
    if accelerator.is_main_process:
        folder.make(resume=resume)
    accelerator.wait_for_everyone()
    run = _Run(spec, settings, folder, accelerator)
    if resume:
        run.resume()
    return run.run(report)


class _Run:
    """One stage in this process: the networks and everything that changes with them."""

    def __init__(
        self, spec: StageSpec, settings: RunSettings, folder: RunFolder, accelerator: Accelerator
    ) -> None:
        self.spec, self.stage, self.settings = spec, spec.stage, settings
        self.folder, self.accelerator = folder, accelerator
        device, cpu = accelerator.device, torch.device("cpu")
        self.data = TrainingData(
            spec.folders,
            spec.recipe,
            spec.degradation,
            seed=spec.seed,
            device=device,
            room_bytes=int(devices.free_bytes(device) * PICTURE_SHARE),
            spare_bytes=0 if device == cpu else int(devices.free_bytes(cpu) * PICTURE_SHARE),
        )
        self.validation = Validation(
            self.data.validation,
            spec.degradation,
            side=spec.validation_side,
            device=device,
            read=reader(spec.recipe),
        )
        self.objective = initial_weights.build_objective(
            spec, training_dtype(settings.precision, device), device
        ).to(device)
        # As when pictures are restored: depth-wise convolutions and norms read whole pixels.
        self.objective.networks.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - stubs
        self.batches: TrainingData | LatentPool = self.data
        if isinstance(self.objective, ControlObjective):
            check_prediction(self.objective)
            self.batches = self._fill_pool(self.objective.frozen)
        if settings.compiled:
            compile_blocks(self.objective, self.objective.block)
        self.ema = WeightEma(self._parameters(self.objective.trained_parts), self.stage.ema_decay)
        self.discriminator: DiscriminatorTrainer | None = None
        if self.objective.gan_loss is not None and self.stage.adversarial is not None:
            self.discriminator = DiscriminatorTrainer(
                self.objective.gan_loss, self.stage.adversarial, accelerator
            )
        self.done = 0  # steps
        self.seconds = 0.0  # of training, in all slices
        self._make_optimizer(prior_only=self._is_prior_only(1))

    def _fill_pool(self, frozen: FrozenNetworks) -> LatentPool:
        spec, accelerator = self.spec, self.accelerator
        pool = LatentPool(
            self.folder.path / "pool",
            self.data,
            frozen,
            size=spec.pool or pool_size(len(self.data.names)),
            side=self.stage.phases[-1].patch,
            seed=spec.seed,
            facts=stored_text((spec.recipe.whole, spec.degradation)),
            device=accelerator.device,
            captions=read_captions(self.data) if spec.captions else None,
        )
        if accelerator.is_main_process:
            pool.prepare()
        accelerator.wait_for_everyone()
        pool.fill(accelerator.process_index, accelerator.num_processes)
        accelerator.wait_for_everyone()
        return pool

    def _make_optimizer(self, *, prior_only: bool) -> None:
        """Makes the optimizer of what is trained from here on; an earlier one is not gone on with.

        As published: the prior and the whole have an optimizer each.
        """
        self.objective.set_trainable(prior_only=prior_only)
        self.prior_only = prior_only
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

    def _is_prior_only(self, step: int) -> bool:
        return step < self.stage.joint_training_from

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
        self._make_optimizer(prior_only=self._is_prior_only(self.done))
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["average"])
        if self.discriminator is not None:
            self.discriminator.load_state_dict(state["opponent"])

    def run(self, report: ProgressCallback) -> bool:
        """Trains until the stage or the time is over."""
        log: TensorBoardLog | None = None
        if self.accelerator.is_main_process:
            log = TensorBoardLog(self.folder.logs, done=self.done)
        try:
            return self._run_steps(report, log)
        finally:
            if log is not None:
                log.close()

    def _run_steps(self, report: ProgressCallback, log: TensorBoardLog | None) -> bool:
        started, before = time.monotonic(), self.seconds
        images, since = 0, started
        while self.done < self.stage.steps:
            count, losses = self._step(self.done + 1)
            self.done += 1
            images += count * self.accelerator.num_processes
            now = time.monotonic()
            self.seconds = before + now - started
            last = self.done == self.stage.steps
            stop = self._agree(now - started >= self.settings.minutes * 60)
            save = last or stop or self.done % self.settings.save_every == 0
            if save or self.done % self.settings.report_every == 0:
                values = {name: loss.item() for name, loss in losses.items()}
                self._check(values)
                scores, health = self._save(log) if save else ({}, None)
                progress = TrainingProgress(
                    step=self.done,
                    steps=self.stage.steps,
                    rate=learning_rate(self.stage.rates, self.done),
                    images_per_s=images / (now - since),
                    losses=values,
                    scores=scores,
                    health=health,
                )
                if log is not None:
                    log.add_scalars(self.done, _scalars(progress))
                    report(progress)
                if health is not None and self.spec.recipe.guards_prior and not self.prior_only:
                    health.check(self.done, last=last)
                images, since = 0, time.monotonic()
            if stop:
                return last
        return True

    def _step(self, step: int) -> tuple[int, dict[str, Tensor]]:
        if self.prior_only and not self._is_prior_only(step):
            self._make_optimizer(prior_only=False)
        phase, process = self.stage.phase(step), self.accelerator.process_index
        batch = self.batches.batch(step, process, phase)
        # Another number than that of any batch, so that noise and crops have nothing in common.
        generator = torch.Generator().manual_seed(
            initial_weights.derive_seed(self.spec.seed, step, process)
        )
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.stage.rates, step)
        step_losses = self._backward(batch, self.objective.draw(batch, generator))
        if self.stage.clip is not None:
            self.accelerator.clip_grad_norm_(self.trained, self.stage.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.ema.update(step)
        values = (step_losses.losses | step_losses.metrics).items()
        losses = {name: value.detach() for name, value in values}
        if self.discriminator is not None:
            assert step_losses.restored is not None
            assert isinstance(batch, Batch)
            losses |= self._train_discriminator(
                self.discriminator, step, batch, step_losses.restored, generator
            )
        return len(batch), losses

    def _backward(self, batch: Batch | LatentBatch, draws: Tensor) -> StepLosses:
        """Adds a step's gradients up, over so many pictures at once as the settings say."""
        draws = draws.to(self.accelerator.device)
        count = len(batch)
        together = self.settings.at_once or count
        parts = [torch.arange(k, min(k + together, count)) for k in range(0, count, together)]
        losses: dict[str, Tensor] = {}
        metrics: dict[str, Tensor] = {}
        restored: Tensor | None = None
        for number, part in enumerate(parts, start=1):
            share = 1.0 if self.objective.sums else len(part) / count
            few = batch if len(parts) == 1 else batch.select(part)
            synchronized = number == len(parts)
            with nullcontext() if synchronized else self.accelerator.no_sync(self.shared):
                outcome: StepLosses = self.shared(*few.inputs, draws[part])
                whole = torch.stack([*outcome.losses.values()]).sum()
                self.accelerator.backward(whole * share)
            restored = outcome.restored
            for name, loss in outcome.losses.items():
                losses[name] = losses.get(name, 0) + loss.detach() * share
            for name, value in outcome.metrics.items():
                metrics[name] = metrics.get(name, 0) + value.detach() * len(part) / count
        return StepLosses(losses, metrics, restored if len(parts) == 1 else None)

    def _train_discriminator(
        self,
        trainer: DiscriminatorTrainer,
        step: int,
        batch: Batch,
        restored: Tensor,
        generator: torch.Generator,
    ) -> dict[str, Tensor]:
        if trainer.gan_loss.reruns_generator:
            # As published for inpainting: the discriminator sees what the model makes now.
            assert isinstance(self.objective, DiffIRObjective)
            noise = self.objective.draw(batch, generator).to(self.accelerator.device)
            with torch.no_grad():
                restored = self.objective.predict_from_target(batch.lq, batch.hq, noise)
        return trainer.step(step, batch, restored)

    def _agree(self, stop: bool) -> bool:
        # Clocks differ a little: all processes do what the first one's says.
        if self.accelerator.num_processes == 1:
            return stop
        decision = torch.tensor([int(stop)], device=self.accelerator.device)
        return bool(cast("Tensor", broadcast(decision)).item())

    def _check(self, losses: dict[str, float]) -> None:
        diverged = next((name for name, value in losses.items() if not math.isfinite(value)), None)
        if diverged is not None:
            raise TrainingDiverged(
                f"After step {self.done} a loss is no number anymore: `{diverged}`",
                hint="Go on with --resume from what was saved, with --precision fp32",
            )

    def _save(self, log: TensorBoardLog | None) -> tuple[dict[str, float], PriorHealth | None]:
        scores: dict[str, float] = {}
        health: PriorHealth | None = None
        if log is not None:
            parts = self.objective.parts.items()
            discriminator = self.discriminator
            self.folder.save_state(  # under the names that stored runs have
                {
                    "plan": self._fingerprint(),
                    "step": self.done,
                    "seconds": self.seconds,
                    "networks": {name: part.state_dict() for name, part in parts},
                    "average": self.ema.state_dict(),
                    "optimizer": self.optimizer.state_dict(),
                    "opponent": None if discriminator is None else discriminator.state_dict(),
                }
            )
            trained = self._by_network()
            with self.ema.applied():
                ema = None if self.stage.ema_decay is None else self._by_network()
                files = published_format.to_published(self.objective, trained, ema, self.done)
                self.folder.save_weights(files, ema or trained)
                self.objective.eval()
                score = self.validation.score(self.objective)
                health = self.validation.health(self.objective)
                self.objective.train()
            scores = {"validation": score.psnr, "input": score.input_psnr}
            scores |= {} if score.ssim is None else {"ssim": score.ssim}
            log.add_image(self.done, sheet(score.rows, SHEET_SIDE))
            logger.info("step %d saved after %.0f s", self.done, self.seconds)
        self.accelerator.wait_for_everyone()
        return scores, health

    def _by_network(self) -> dict[str, dict[str, Tensor]]:
        return {
            name: {
                key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
                for key, tensor in self.objective.parts[name].state_dict().items()
            }
            for name in self.objective.trained_parts
        }

    def _fingerprint(self) -> str:
        return fingerprint(self.spec, self.data.names, self.accelerator.num_processes)


def _scalars(progress: TrainingProgress) -> dict[str, float]:
    losses = {f"loss/{name}": value for name, value in progress.losses.items()}
    scores = {f"score/{name}": value for name, value in progress.scores.items()}
    health = {} if progress.health is None else dataclasses.asdict(progress.health)
    return {
        **losses,
        **scores,
        **{f"prior/{name}": value for name, value in health.items()},
        "rate": progress.rate,
        "images per second": progress.images_per_s,
    }


def training_dtype(precision: Literal["auto", "fp32", "bf16"], device: torch.device) -> torch.dtype:
    """Returns what networks compute in on a device."""
    if precision == "auto":
        dtype = devices.choose_dtype("auto", device)
        # float16 would need its gradients scaled; what has no bfloat16 trains in float32.
        return torch.float32 if dtype == torch.float16 else dtype
    return devices.DTYPES[precision]

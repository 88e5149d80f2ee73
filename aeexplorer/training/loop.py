"""The one training loop, a generator: whoever wants to stop simply does not ask for the next report.

It trains every family: on each batch it runs the model's objectives in order, each with an optimiser of its own.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.corruption import CORRUPTIONS, extremes
from aeexplorer.data.spec import Dataset, Split
from aeexplorer.models.base import Autoencoder, Batch, Objective, Stage
from aeexplorer.tensors import Samples
from aeexplorer.training.config import TrainingConfig, check_batch, used_samples, without_classes
from aeexplorer.training.optimizer import AdamW
from aeexplorer.training.tracing import evaluation_batch

REPORT_SECONDS = 0.1
"""Longest time between two reports, but for a single step that takes longer."""


class TrainingError(RuntimeError):
    """Raised when a training cannot continue. The message is one sentence for people."""


@dataclass(frozen=True)
class Checkpoint:
    """The whole state of a training, enough to continue bit for bit: tensors by name, and scalars that are JSON."""

    tensors: dict[str, Tensor]
    scalars: dict[str, Any]


class Resumable(Protocol):
    """Anything that can give a checkpoint of its state."""

    def checkpoint(self) -> Checkpoint: ...


@dataclass(frozen=True)
class Progress:
    """A report of the loop, ten times a second and at the end of each epoch.

    Attributes:
        epoch, epochs: epochs begun, from 1, and the largest number of epochs.
        step, steps: steps done, and steps in all unless it stops early.
        seconds: time in the loop so far by a monotonic clock, time before a resume included.
        train: mean of each term over the epoch so far, weights applied, per sample.
        validation: mean of each term on the validation split; None within an epoch.
        best_epoch: epoch with the lowest sum of the validation terms so far.
        finished: None while it goes on, else why it ended: "epochs" or "patience".
        settled: the model holds the best weights of what has just ended: the training, or one stage of a plan.
        stage, stages: which of how many stages is trained, from 0; stage_name: what it is called.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    seconds: float
    train: dict[str, float]
    validation: dict[str, float] | None
    best_epoch: int
    finished: Literal["epochs", "patience"] | None
    _loop: Resumable = field(repr=False)
    settled: bool = False
    stage: int = 0
    stages: int = 1
    stage_name: str = ""

    @property
    def seconds_left(self) -> float:
        """Expected seconds until the last epoch at the pace so far."""
        return 0.0 if self.finished else self.seconds * (self.steps - self.step) / max(self.step, 1)

    def checkpoint(self) -> Checkpoint:
        """The state at this report. Its tensors are the live ones: save them before asking for the next report."""
        return self._loop.checkpoint()


class _Surroundings:
    """The generator, thread count and handling of denormal numbers of a training, in force only inside `with`: between
    two reports the caller's own settings and random numbers are as they were."""

    def __init__(self, seed: int, threads: int, device: torch.device) -> None:
        self.threads = threads
        self.generator = torch.Generator(device).manual_seed(seed)

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        threads = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        # Averages of gradients that have ceased decay into denormal numbers, with which arithmetic is many times
        # slower: without this a training loses a fifth of its speed. The flag belongs to the thread, like the thread
        # count.
        torch.set_flush_denormal(True)
        try:
            with noise.drawing_from(self.generator):
                yield
        finally:
            torch.set_flush_denormal(False)
            torch.set_num_threads(threads)


class _Step:
    """One objective with its optimiser: a call is one optimiser step."""

    def __init__(self, objective: Objective, config: TrainingConfig) -> None:
        self.objective = objective
        self.optimizer = AdamW(
            objective.parameters,
            lr=config.learning_rate,
            betas=objective.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def __call__(self, batch: Batch, rate: float) -> dict[str, Tensor]:
        terms = self.objective.terms(batch)
        # `inputs` leaves the other player's parameters without gradients, so that no step has to clear them
        functools.reduce(torch.add, terms.values()).backward(inputs=self.objective.parameters)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return terms


class _Term(NamedTuple):
    """The value () of a term at a step, of a batch of n samples; still on the device."""

    step: int
    name: str
    n: int
    value: Tensor


class _Loop:
    """The state of a training; `checkpoint` writes it down and `restore` takes it back."""

    def __init__(self, model: Autoencoder, data: Dataset, config: TrainingConfig, stage: Stage | None = None) -> None:
        self.config = config
        self.stage = stage or model.stages()[0]
        self.device = pick_device(config.device)
        self.model = model.to(self.device)
        train = used_samples(data.train, config)
        check_batch(config, len(train), data.spec)
        self.binarises = train.grey is not None
        x = train.x if train.grey is None else train.grey
        self.samples = Samples(x, train.y, data.spec, self.device)
        labelled = torch.nonzero(self.samples.y >= 0).flatten()
        self.labelled = labelled if self.stage.labelled and len(labelled) < len(self.samples) else labelled[:0]
        self.validation = without_classes(data.validation, config)
        self.surroundings = _Surroundings(config.seed, config.threads, self.device)
        self.steps = [_Step(o, config) for o in self.stage.objectives]
        self.per_epoch = math.ceil(len(self.samples) / config.batch_size)
        self.total_steps = self.per_epoch * config.epochs
        self.step, self.seconds = 0, 0.0
        self.sums: dict[str, float] = {}
        self.unread: list[_Term] = []
        self.best_loss, self.best_epoch, self.best = math.inf, 0, self._weights()
        self.finished: Literal["epochs", "patience"] | None = None

    def _weights(self) -> dict[str, Tensor]:
        return {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def rate(self) -> float:
        if self.config.schedule == "constant":
            return self.config.learning_rate
        return self.config.learning_rate * 0.5 * (1 + math.cos(math.pi * self.step / self.total_steps))

    def checkpoint(self) -> Checkpoint:
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        tensors[f"random.{self.device.type}"] = self.surroundings.generator.get_state()
        for i, step in enumerate(self.steps):
            for j, state in step.optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{i}.{j}.{k}": v for k, v in state.items()}
        scalars = {
            "step": self.step,
            "seconds": self.seconds,
            "best_epoch": self.best_epoch,
            "best_loss": repr(self.best_loss),
            "sums": dict(self.sums),
            "finished": self.finished,
        }
        return Checkpoint(tensors, scalars)

    def restore(self, checkpoint: Checkpoint) -> None:
        groups: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "random": {}, "optimizer": {}}
        try:
            for name, tensor in checkpoint.tensors.items():
                group, key = name.split(".", 1)
                groups[group][key] = tensor
            self.model.load_state_dict(groups["model"])
            for i, step in enumerate(self.steps):
                state: dict[int, dict[str, Tensor]] = {}
                for name, tensor in groups["optimizer"].items():
                    owner, parameter, key = name.split(".")
                    if int(owner) == i:
                        state.setdefault(int(parameter), {})[key] = tensor
                step.optimizer.load_state_dict({**step.optimizer.state_dict(), "state": state})
            self.best = {k: groups["best"][k].to(self.device) for k in self.model.state_dict()}
            self.surroundings.generator.set_state(groups["random"][self.device.type].cpu())
            self.sums = {str(k): float(v) for k, v in checkpoint.scalars["sums"].items()}
            self.step, self.seconds = checkpoint.scalars["step"], checkpoint.scalars["seconds"]
            self.best_epoch, self.best_loss = checkpoint.scalars["best_epoch"], float(checkpoint.scalars["best_loss"])
            self.finished = checkpoint.scalars["finished"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise TrainingError(f"the checkpoint does not fit this model: {str(error).splitlines()[0]}") from error

    def order(self, epoch: int) -> Tensor:
        """The order of the samples in an epoch, (n,) int64.

        A function of seed and epoch alone: a resumed epoch needs no stored order. The prime keeps the epochs of
        neighbouring seeds apart.
        """
        generator = torch.Generator().manual_seed(self.config.seed * 100_003 + epoch)
        return torch.randperm(len(self.samples), generator=generator).to(self.device)

    def drawn(self, x: Tensor) -> Tensor:
        """Samples as they are trained on: of grey ones another black and white version each time."""
        return noise.bernoulli(x) if self.binarises else x

    def one_step(self, order: Tensor) -> None:
        """Run all objectives on the next batch of an epoch in this order, and keep their terms for `read_terms`."""
        at = self.step % self.per_epoch * self.config.batch_size
        x, y = self.samples.batch(order[at : at + self.config.batch_size])
        n, batch = len(x), make_batch(self.model, self.drawn(x), y)._replace(done=self.step / self.total_steps)
        if len(self.labelled):
            x, y = self.samples.batch(
                self.labelled[noise.integers(len(self.labelled), (self.stage.labelled,), self.device)]
            )
            batch = batch._replace(labelled=(self.drawn(x), y))
        rate = self.rate()
        self.step += 1
        for step in self.steps:
            self.unread += [_Term(self.step, name, n, t.detach()) for name, t in step(batch, rate).items()]
        if self.device.type == "cpu":  # nothing is waited for, and terms that are kept scatter the memory of next steps
            self.read_terms()

    def read_terms(self) -> None:
        """Add up the terms of the steps since the last report: a GPU is waited for once, and not at each step."""
        if not self.unread:
            return
        values = torch.stack([term.value for term in self.unread]).tolist()
        for term, value in zip(self.unread, values, strict=True):
            self.check_finite(term.name, value, f"at step {term.step}")
            self.sums[term.name] = self.sums.get(term.name, 0.0) + value * term.n
        self.unread = []

    def check_finite(self, name: str, value: float, where: str) -> None:
        """Refuse a term that is NaN or infinite: no further step could repair the weights."""
        if not math.isfinite(value):
            raise TrainingError(
                f"{name} became {value} {where}; try a learning rate below {self.config.learning_rate:g}"
            )

    def report(self, validation: dict[str, float] | None) -> Progress:
        """The progress after the last step."""
        seen = (self.step - 1) % self.per_epoch + 1
        count = min(seen * self.config.batch_size, len(self.samples))
        return Progress(
            epoch=(self.step - 1) // self.per_epoch + 1,
            epochs=self.config.epochs,
            step=self.step,
            steps=self.total_steps,
            seconds=self.seconds,
            train={k: v / count for k, v in self.sums.items()},
            validation=validation,
            best_epoch=self.best_epoch,
            finished=self.finished,
            _loop=self,
            settled=self.finished is not None,
        )

    def end_epoch(self) -> dict[str, float]:
        """Validate, remember the best weights, and decide whether this was the last epoch."""
        validation = mean_terms(self.model, self.validation, self.config.seed, self.stage.watched)
        for name, value in validation.items():
            self.check_finite(name, value, f"on the validation samples after step {self.step}")
        watched = sum(validation.values())
        epoch = self.step // self.per_epoch
        if watched < self.best_loss or self.model.keeps_last:
            self.best_loss, self.best_epoch, self.best = watched, epoch, self._weights()
        if epoch == self.config.epochs:
            self.finished = "epochs"
        elif self.config.patience and epoch - self.best_epoch >= self.config.patience:
            self.finished = "patience"
        return validation


def train(
    model: Autoencoder,
    data: Dataset,
    config: TrainingConfig,
    checkpoint: Checkpoint | None = None,
    stage: Stage | None = None,
) -> Iterator[Progress]:
    """Train a model in place, with a report every tenth of a second and at the end of each epoch.

    At the last report the model is in eval mode with the best weights loaded. The same model, data, configuration and
    number of threads give bitwise equal weights on one machine, also after resuming from a checkpoint of any report.

    Args:
        checkpoint: the state to continue from; None starts at the beginning. The checkpoint of a finished training
            gives no further report.
        stage: the stage to train; None is the model's first.

    Raises:
        ConfigError: when the batch is larger than the data.
        TrainingError: when a term is not finite, naming the term and the step, or when a checkpoint does not fit.
    """
    loop = _Loop(model, data, config, stage)
    if checkpoint is not None:
        loop.restore(checkpoint)
    model.train(not loop.finished)
    clock = time.monotonic()
    while not loop.finished:
        validation: dict[str, float] | None = None
        begun = time.monotonic()
        with loop.surroundings.active():
            if loop.step % loop.per_epoch == 0:
                loop.sums = {}
            order = loop.order(loop.step // loop.per_epoch)
            model.train()
            while True:
                loop.one_step(order)
                if loop.step % loop.per_epoch == 0 or time.monotonic() - begun > REPORT_SECONDS:
                    break
            loop.read_terms()
            if loop.step % loop.per_epoch == 0:
                validation = loop.end_epoch()
        now = time.monotonic()
        loop.seconds, clock = loop.seconds + now - clock, now
        if loop.finished:
            model.load_state_dict(loop.best)
            model.eval()
        yield loop.report(validation)
        clock = time.monotonic()


def make_batch(model: Autoencoder, x: Tensor, y: Tensor) -> Batch:
    """Corrupt x as the model's configuration says, with noise from this thread's generator."""
    if model.config.corruption == "none":
        return Batch(x, x, y)
    row = CORRUPTIONS[model.config.corruption]
    return Batch(x, row.apply(x, model.config.level, row.draw(x.shape, None, x.device), extremes(model.data)), y)


@torch.no_grad()
def mean_terms(
    model: Autoencoder, split: Split, seed: int = 0, terms: Callable[[Batch], dict[str, Tensor]] | None = None
) -> dict[str, float]:
    """The mean over a split of `terms`, by default the model's, in eval mode; the noise depends on the seed alone."""
    device = next(model.parameters()).device
    samples = Samples(split.x, split.y, model.data, device)
    model.eval()
    sums: dict[str, float] = {}
    with noise.seeded(seed, device):
        for index in torch.arange(len(samples), device=device).split(evaluation_batch(model)):
            for name, term in (terms or model.terms)(make_batch(model, *samples.batch(index))).items():
                sums[name] = sums.get(name, 0.0) + term.item() * len(index)
    return {name: value / len(samples) for name, value in sums.items()}


def pick_device(name: str) -> torch.device:
    """The torch device for a name; "auto" is a CUDA GPU when there is one, else the CPU.

    Raises:
        ConfigError: for "cuda" on a machine without one.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device must be cpu or auto on a machine without a CUDA GPU, got cuda")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")

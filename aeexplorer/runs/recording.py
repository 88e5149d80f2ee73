"""Recording: train into a run folder, writing events, checkpoints and the film between the steps of the loop."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator
from typing import Any, Literal

import numpy as np
import torch

from aeexplorer.config import ConfigError, reason
from aeexplorer.data.spec import Dataset, Split
from aeexplorer.models.base import Autoencoder
from aeexplorer.runs.dial import halved, save_snapshot
from aeexplorer.runs.dial_curves import measure
from aeexplorer.runs.film import Film, film_samples
from aeexplorer.runs.folders import process_identity
from aeexplorer.runs.run import STORED_CODES, Codes, Run
from aeexplorer.training.evaluation import compare_with_pca, encoded, evaluate
from aeexplorer.training.loop import Progress, TrainingError
from aeexplorer.training.plan import train_plan

CHECKPOINT_SECONDS = 1.0
"""Least time between durable checkpoints, which wait for the disk; every epoch ends with a checkpoint of some kind."""


class Paused(Exception):
    """Thrown into a recording to save the state and end in `state`; the training continues from there later."""

    def __init__(self, state: Literal["queued", "interrupted"], reason: str) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


def record(run: Run, data: Dataset) -> Generator[Progress]:
    """Train a run, from its last checkpoint where it has one.

    Closing the generator cancels the run with its state saved. Throwing `Paused` into it ends it in a state from which
    it continues later.

    Raises:
        TrainingError, OSError: or whatever else stopped it, after the run's status says "failed" and why.
    """
    recording = _Recording(run, data)
    try:
        for progress in recording.steps():
            recording.write(progress)
            yield progress
        recording.finish("done")
    except (GeneratorExit, KeyboardInterrupt, Paused) as stop:
        recording.stop(stop)
        if not isinstance(stop, Paused):
            raise
    except Exception as error:
        with contextlib.suppress(OSError):  # a full disk has no room for the status either
            run.set_status(state="failed", reason=_reason(error))
        raise
    finally:
        run.reserve_space(False)


class _Recording:
    """A training that is being written to its folder."""

    def __init__(self, run: Run, data: Dataset) -> None:
        self.run, self.data = run, data
        self.model, self.checkpoint = run.new_model(), run.load_checkpoint()
        self.film = Film(run)
        self.progress: Progress | None = None
        self.saved = time.monotonic()
        run.reserve_space()
        run.set_status(state="running", reason="", **process_identity())

    def steps(self) -> Iterator[Progress]:
        """The reports of the plan."""
        if not self.run.frames():
            self.run.save_frame("samples", film_samples(self.data))
        step = self.checkpoint.scalars["step"] if self.checkpoint else 0
        self.run.append({"type": "start", "resumed_at": step, "time": time.time()})
        return train_plan(self.model, self.data, self.run.plan, self.checkpoint)

    def write(self, progress: Progress) -> None:
        """Append the event of a report; at the end of an epoch also its frame, a settled stage and a checkpoint."""
        self.progress = progress
        if progress.validation is None:
            self.run.append({"type": "progress", **figures(progress)})
            return
        units = self.film.add(self.model, progress)
        self.run.append({"type": "epoch", **figures(progress), "active_units": units}, durable=True)
        if progress.settled:
            settle(self.run, self.model, self.data, progress)
        if not progress.finished:
            self._save_checkpoint(progress, durable=time.monotonic() - self.saved > CHECKPOINT_SECONDS)

    def _save_checkpoint(self, progress: Progress, durable: bool) -> None:
        self.run.save_checkpoint(progress.checkpoint(), durable)
        self.saved = time.monotonic() if durable else self.saved

    def stop(self, reason: BaseException) -> None:
        """End before the last epoch: paused, cancelled, or done after all where the last report was the last one."""
        progress, run = self.progress, self.run
        if not isinstance(reason, Paused):  # which goes on, and its film with it
            self.film.close()
        if progress and progress.finished:
            self.finish("done")
        elif isinstance(reason, Paused):
            if progress:
                waited = time.monotonic() - self.saved > CHECKPOINT_SECONDS
                self._save_checkpoint(progress, durable=reason.state == "interrupted" or waited)
            run.set_status(state=reason.state, reason=reason.reason)
        elif progress is None:
            run.set_status(state="cancelled")
        else:
            if isinstance(reason, GeneratorExit):  # Ctrl-C may come within a step, from where nothing can continue
                self._save_checkpoint(progress, durable=True)
            state = progress.checkpoint().tensors
            kept = "best." if progress.best_epoch else "model."
            self.model.load_state_dict({k.removeprefix(kept): v for k, v in state.items() if k.startswith(kept)})
            self.finish("cancelled")

    def finish(self, state: Literal["done", "cancelled"]) -> None:
        """Save weights, codes and test figures; the status comes last, so that "done" means complete."""
        run, model, progress = self.run, self.model, self.progress
        assert progress is not None
        if run.spec.dial is None:
            run.save_model(model)
            run.save_codes(codes_of_test(model, self.data.test))
        elif state == "done":
            model = run.load_model()
        test = {}
        if state == "done":
            test = evaluate(model, self.data.test, run.spec.training.seed)
            test |= compare_with_pca(model, self.data.train, self.data.test)
        run.set_status(
            state=state,
            epochs=progress.epoch if progress.validation else progress.epoch - 1,
            best_epoch=progress.best_epoch,
            seconds=round(progress.seconds, 3),
            result=test,
        )
        run.append({"type": "end", "state": state, "finished": progress.finished, "test": test}, durable=True)
        if state == "done":
            run.forget_checkpoints()


def _reason(error: Exception) -> str:
    """The sentence for a failure: with the error's type unless the message was written for people."""
    plain = isinstance(error, OSError | TrainingError | ConfigError)
    return reason(error) if plain else f"{type(error).__name__}: {error}"


def train_run(run: Run, data: Dataset, bar: bool = True) -> Run:
    """Train to the end, with a progress bar on a terminal; Ctrl-C or a request to stop cancels and keeps the best
    weights so far."""
    from tqdm import tqdm

    run.request_cancel(False)  # one of an earlier training
    recording = record(run, data)
    with tqdm(total=None, unit="step", disable=None if bar else True, desc=run.title, leave=False) as progress_bar:
        try:
            for progress in recording:
                progress_bar.total = progress.steps
                progress_bar.n = progress.step
                progress_bar.set_postfix({k: f"{v:.4g}" for k, v in progress.train.items()})
                if run.cancel_requested:
                    recording.close()
        except KeyboardInterrupt:
            recording.close()
            raise
    return run


def figures(progress: Progress) -> dict[str, Any]:
    """The fields of a report's event."""
    return {
        "epoch": progress.epoch,
        "epochs": progress.epochs,
        "step": progress.step,
        "steps": progress.steps,
        "seconds": round(progress.seconds, 3),
        "seconds_left": round(progress.seconds_left, 1),
        "train": progress.train,
        "validation": progress.validation,
        "best_epoch": progress.best_epoch,
        "stage": progress.stage,
        "stages": progress.stages,
        "stage_name": progress.stage_name,
    }


def settle(run: Run, model: Autoencoder, data: Dataset, progress: Progress) -> None:
    """Save the result of a stage of a dial: a snapshot, the curve up to it, and the codes of the dial's default value.

    Other stages only hand their weights to the next one.
    """
    spec, index = run.spec.dial, progress.stage
    if spec is None:
        return
    weights = halved(model)
    dial = run.load_dial(index).extended(weights)
    save_snapshot(run.path, index, weights, measure(dial, data.test, run.spec.training.seed))
    run.save_codes(codes_of_test(dial.model_at(dial.default), data.test))
    run.append({"type": "stop", "stop": index, "stops": len(spec.stops), spec.knob: spec.stops[index]}, durable=True)


@torch.inference_mode()
def codes_of_test(model: Autoencoder, test: Split, limit: int = STORED_CODES) -> Codes:
    """Codes of the first `limit` test samples, encoded with their classes where the family uses them."""
    chosen = np.arange(min(limit, len(test)))
    codes = [model.code(batch.h) for batch in encoded(model, test.take(chosen))]
    indices = [code.indices.cpu().numpy() for code in codes if code.indices is not None]
    z = np.concatenate([code.z.cpu().numpy() for code in codes])
    return Codes(z, test.y[chosen], chosen, np.concatenate(indices) if indices else None)

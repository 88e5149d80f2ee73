"""Training into a run folder: events, checkpoints and the film, written between the steps of the loop."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from typing import Any, Literal

import numpy as np
import torch

from aeexplorer.config import ConfigError, reason
from aeexplorer.data.spec import Dataset, Split
from aeexplorer.models.base import Autoencoder
from aeexplorer.runs.dial import halved, save_snapshot
from aeexplorer.runs.dial_curves import measure
from aeexplorer.runs.film import film_samples, save_film
from aeexplorer.runs.folders import process_identity
from aeexplorer.runs.run import STORED_CODES, Codes, Run
from aeexplorer.training.evaluation import encoded, evaluate
from aeexplorer.training.loop import Progress, TrainingError
from aeexplorer.training.plan import train_plan

CHECKPOINT_SECONDS = 1.0  # between checkpoints for which the disk is waited; there is one at the end of every epoch


class Paused(Exception):
    """Thrown into a recording: save the state and end in `state`; the training goes on from there another time."""

    def __init__(self, state: Literal["queued", "interrupted"], reason: str) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


def record(run: Run, data: Dataset) -> Generator[Progress]:
    """Train a run, or go on with it from its last checkpoint; closing the generator cancels it with its state saved,
    and throwing `Paused` into it ends it in a state from which it will go on.

    Raises:
        TrainingError, OSError: or whatever else stopped it, after the run's status says "failed" and why.
    """
    model, checkpoint = run.new_model(), run.load_checkpoint()
    run.keep_room()
    run.set_status(state="running", reason="", **process_identity())
    progress: Progress | None = None
    saved = time.monotonic()
    try:
        if not run.frames():
            run.save_frame("samples", film_samples(data))
        step = checkpoint.scalars["step"] if checkpoint else 0
        run.append({"type": "start", "resumed_at": step, "time": time.time()})
        for progress in train_plan(model, data, run.plan, checkpoint):
            if progress.validation is None:
                run.append({"type": "progress", **figures(progress)})
            else:
                units = save_film(run, model, progress)
                run.append({"type": "epoch", **figures(progress), "active_units": units}, durable=True)
                if progress.settled:
                    settle(run, model, data, progress)
                if not progress.finished:
                    durable = time.monotonic() - saved > CHECKPOINT_SECONDS
                    run.save_checkpoint(progress.checkpoint(), durable)
                    saved = time.monotonic() if durable else saved
            yield progress
        assert progress is not None
        finish(run, model, data, progress, "done")
        run.forget_checkpoints()
    except (GeneratorExit, KeyboardInterrupt, Paused) as stop:
        if isinstance(stop, Paused) and not (progress and progress.finished):
            if progress is not None:
                durable = stop.state == "interrupted" or time.monotonic() - saved > CHECKPOINT_SECONDS
                run.save_checkpoint(progress.checkpoint(), durable)
            run.set_status(state=stop.state, reason=stop.reason)
        elif progress is None:
            run.set_status(state="cancelled")
        elif progress.finished:
            finish(run, model, data, progress, "done")
            run.forget_checkpoints()
        else:
            if isinstance(stop, GeneratorExit):  # Ctrl-C may come within a step, where nothing can go on from
                run.save_checkpoint(progress.checkpoint())
            state = progress.checkpoint().tensors
            kept = "best." if progress.best_epoch else "model."
            model.load_state_dict({k.removeprefix(kept): v for k, v in state.items() if k.startswith(kept)})
            finish(run, model, data, progress, "cancelled")
        if not isinstance(stop, Paused):
            raise
    except Exception as error:
        with contextlib.suppress(OSError):  # a full disk has no room for the status either
            run.set_status(state="failed", reason=_reason(error))
        raise
    finally:
        run.keep_room(False)


def _reason(error: Exception) -> str:
    plain = isinstance(error, OSError | TrainingError | ConfigError)
    return reason(error) if plain else f"{type(error).__name__}: {error}"


def train_run(run: Run, data: Dataset, bar: bool = True) -> Run:
    """Train to the end, with a progress bar on a terminal; Ctrl-C cancels and keeps what was learned."""
    from tqdm import tqdm

    recording = record(run, data)
    with tqdm(total=None, unit="step", disable=None if bar else True, desc=run.title, leave=False) as progress_bar:
        try:
            for progress in recording:
                progress_bar.total = progress.steps
                progress_bar.n = progress.step
                progress_bar.set_postfix({k: f"{v:.4g}" for k, v in progress.train.items()})
        except KeyboardInterrupt:
            recording.close()
            raise
    return run


def figures(progress: Progress) -> dict[str, Any]:
    """What an event says of a report."""
    return {
        "epoch": progress.epoch, "epochs": progress.epochs, "step": progress.step, "steps": progress.steps,
        "seconds": round(progress.seconds, 3), "seconds_left": round(progress.seconds_left, 1),
        "train": progress.train, "validation": progress.validation, "best_epoch": progress.best_epoch,
        "stage": progress.stage, "stages": progress.stages, "stage_name": progress.stage_name,
    }  # fmt: skip


def finish(run: Run, model: Autoencoder, data: Dataset, progress: Progress, state: str) -> None:
    """Save what was learned, its codes and its test figures; the status last, so that "done" is complete."""
    if run.spec.dial is None:
        run.save_model(model)
        run.save_codes(codes_of_test(model, data.test))
    elif state == "done":
        model = run.load_model()
    test = evaluate(model, data.test, run.spec.training.seed) if state == "done" else {}
    run.set_status(
        state=state, epochs=progress.epoch if progress.validation else progress.epoch - 1,
        best_epoch=progress.best_epoch, seconds=round(progress.seconds, 3), result=test,
    )  # fmt: skip
    run.append({"type": "end", "state": state, "finished": progress.finished, "test": test}, durable=True)


def settle(run: Run, model: Autoencoder, data: Dataset, progress: Progress) -> None:
    """Save what a stage learned: of a dial a snapshot with the curve up to it, and the codes of where the dial now
    stands. A stage of another plan leaves its weights to the next one."""
    spec, index = run.spec.dial, progress.stage
    if spec is None:
        return
    weights = halved(model)
    dial = run.load_dial(index).grown(weights)
    save_snapshot(run.path, index, weights, measure(dial, data.test, run.spec.training.seed))
    run.save_codes(codes_of_test(dial.model_at(dial.default), data.test))
    run.append({"type": "stop", "stop": index, "stops": len(spec.stops), spec.knob: spec.stops[index]}, durable=True)


@torch.inference_mode()
def codes_of_test(model: Autoencoder, test: Split, limit: int = STORED_CODES) -> Codes:
    """Codes of the first `limit` test samples, encoded with their classes where the family takes them."""
    chosen = np.arange(min(limit, len(test)))
    codes = [model.code(batch.h) for batch in encoded(model, test.take(chosen))]
    indices = [code.indices.cpu().numpy() for code in codes if code.indices is not None]
    z = np.concatenate([code.z.cpu().numpy() for code in codes])
    return Codes(z, test.y[chosen], chosen, np.concatenate(indices) if indices else None)

"""Training into a run folder: events, checkpoints and the film, written between the steps of the loop."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Generator
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data.spec import Dataset, Split
from aeexplorer.families import family
from aeexplorer.metrics import active_units
from aeexplorer.models.base import LATENT_LIMIT, Autoencoder, ModelConfig
from aeexplorer.runs.dial import DialSpec, check_dial, halved, measure, save_snapshot, train_chain
from aeexplorer.runs.folders import process_identity
from aeexplorer.runs.limits import check_cost
from aeexplorer.runs.run import STORED_CODES, Codes, Run
from aeexplorer.tensors import to_array, to_float, to_tensor
from aeexplorer.training.estimation import estimate
from aeexplorer.training.evaluation import encoded, evaluate
from aeexplorer.training.loop import Progress, TrainingConfig, TrainingError, check_batch, train

FILM_CODES = 500
FILM_SAMPLES = 10
FILM_DIMENSIONS = 64
FILM_FRAMES = 100
CHECKPOINT_SECONDS = 1.0  # between checkpoints for which the disk is waited; there is one at the end of every epoch


class Paused(Exception):
    """Thrown into a recording: save the state and end in `state`; the training goes on from there another time."""

    def __init__(self, state: Literal["queued", "interrupted"], reason: str) -> None:
        super().__init__(reason)
        self.state, self.reason = state, reason


def configure(family_name: str, **knobs: Any) -> tuple[ModelConfig, TrainingConfig]:
    """Knobs by name, sorted into the family's configuration and the loop's, on top of the family's defaults.

    Raises:
        ConfigError: for an unknown family or knob, or a value outside its bounds.
    """
    row = family(family_name)
    model_fields, training_fields = type(row.config).model_fields, TrainingConfig.model_fields
    for name in knobs:
        if name not in model_fields and name not in training_fields:
            raise ConfigError(unknown("knob", name, [*model_fields, *training_fields]))
    model = row.config.replace(**{k: v for k, v in knobs.items() if k in model_fields})
    return model, TrainingConfig(**{k: v for k, v in knobs.items() if k in training_fields})


def new_run(
    family_name: str, data: Dataset, title: str = "", path: Any = None, *, owner: str | None = None,
    dial: DialSpec | None = None, pace: float = 1.0, **knobs: Any,
) -> Run:  # fmt: skip
    """A run folder for these knobs, queued; everything that can be refused is refused before it is made.

    Args:
        dial: train at each of its stops, and keep a snapshot of each.
        pace: seconds that trainings took on this machine per estimated second.

    Raises:
        ConfigError: for a knob out of bounds or unknown, or a training that needs more than `limits` allow.
    """
    try:
        config, training = configure(family_name, **knobs)
    except ConfigError as error:
        raise ConfigError(f"{error}{_cost_beyond(family_name, data, **knobs)}") from None
    for name, split in data.splits.items():
        if not len(split):
            raise ConfigError(f"{name} split of {data.spec.name} must have at least 1 sample, got 0")
    n = min(training.samples or len(data.train), len(data.train))
    if "batch_size" not in knobs:  # nobody asked for the default
        training = training.replace(batch_size=min(training.batch_size, n))
    check_batch(training, n, data.spec)
    whole = check_dial(family(family_name), config, training, dial) if dial else training
    check_cost(estimate(family_name, config, whole, data.spec, n, len(data.validation)), pace)
    return Run.create(family_name, data.spec, config, training, title, path, owner, dial)


def _cost_beyond(family_name: str, data: Dataset, latent_dim: Any = 0, **knobs: Any) -> str:
    """What a code larger than a code may be would cost, to be said with its refusal."""
    if not isinstance(latent_dim, int | float) or not LATENT_LIMIT < latent_dim < math.inf:
        return ""
    with contextlib.suppress(ConfigError, RuntimeError, OverflowError):  # other knobs, sizes that no tensor can have
        config, training = configure(family_name, **knobs)
        config = config.model_copy(update={"latent_dim": int(latent_dim)})
        cost = estimate(family_name, config, training, data.spec, len(data.train), len(data.validation))
        try:
            check_cost(cost)
        except ConfigError as error:
            return f"; {error}"
    return ""


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
        steps = (
            train_chain(model, data, run.spec.training, run.spec.dial, checkpoint)
            if run.spec.dial
            else train(model, data, run.spec.training, checkpoint)
        )
        for progress in steps:
            if progress.validation is None:
                run.append({"type": "progress", **figures(progress)})
            else:
                units = save_film(run, model, progress)
                run.append({"type": "epoch", **figures(progress), "active_units": units}, durable=True)
                if run.spec.dial and progress.settled:
                    save_stop(run, model, data, run.spec.dial, progress.stop)
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
            if run.spec.dial is None:
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
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, TrainingError | ConfigError) else f"{type(error).__name__}: {error}"


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


def save_stop(run: Run, model: Autoencoder, data: Dataset, spec: DialSpec, index: int) -> None:
    """Save what a stop of a dial learned, with the curve up to it, and the codes of where the dial now stands."""
    weights = halved(model)
    dial = run.load_dial(index).grown(weights)
    save_snapshot(run.path, index, weights, measure(dial, data.test, run.spec.training.seed))
    run.save_codes(codes_of_test(dial.model_at(dial.default), data.test))
    run.append({"type": "stop", "stop": index, "stops": len(spec.stops), spec.knob: spec.stops[index]}, durable=True)


def codes_of_test(model: Autoencoder, test: Split, limit: int = STORED_CODES) -> Codes:
    """Codes of the first `limit` test samples."""
    chosen = np.arange(min(limit, len(test)))
    batches = [code for _, code in encoded(model, test.take(chosen))]
    indices = [c.indices.cpu().numpy() for c in batches if c.indices is not None]
    z = np.concatenate([c.z.cpu().numpy() for c in batches])
    return Codes(z, test.y[chosen], chosen, np.concatenate(indices) if indices else None)


def film_samples(data: Dataset) -> dict[str, np.ndarray]:
    """The samples that the film follows, from the validation split: one of each class first, then the next ones."""
    y = data.validation.y
    first = [int(np.argmax(y == c)) for c in range(len(data.spec.classes)) if (y == c).any()]
    rest = [i for i in range(len(y)) if i not in set(first)]
    shown = (first + rest)[:FILM_SAMPLES]
    followed = data.validation.take(np.arange(min(FILM_CODES, len(y))))
    return {"x": data.validation.x[shown], "y": y[shown], "followed": followed.x, "labels": followed.y}


@torch.inference_mode()
def save_film(run: Run, model: Autoencoder, progress: Progress) -> int:
    """Write the frame of this epoch where the film has one, and return the active units."""
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    codes = model.encode(to_float(to_tensor(run.film_samples["followed"], model.data)).to(device)).z
    units = active_units(codes.cpu().numpy()).sum()
    every = -(-progress.epochs // FILM_FRAMES)
    if progress.epoch == 1 or progress.epoch % every == 0 or progress.finished:
        x = to_float(to_tensor(run.film_samples["x"], model.data)).to(device)
        shown = to_array(model.decode(model.encode(x).z), model.data)
        arrays = {
            "reconstructions": (shown.clip(0, 1) * 255).round().astype(np.uint8) if model.data.kind == "image" else shown,
            "codes": _narrow(codes).cpu().numpy().astype(np.float16),
        }  # fmt: skip
        run.save_frame(f"{progress.epoch:05d}", arrays)
    model.train(was_training)
    return int(units)


def _narrow(codes: Tensor) -> Tensor:
    """Wide codes by a fixed random projection, which keeps distances (Johnson & Lindenstrauss 1984) and the film small."""
    width = codes.shape[1]
    if width <= FILM_DIMENSIONS:
        return codes
    directions = torch.randn(width, FILM_DIMENSIONS, generator=torch.Generator().manual_seed(0)) / FILM_DIMENSIONS**0.5
    return codes @ directions.to(codes.device)

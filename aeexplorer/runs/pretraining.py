"""The pretrained models: their recipes, their training, and their cards."""

from __future__ import annotations

import contextlib
import math
import shutil
import statistics
from collections.abc import Set
from pathlib import Path
from typing import Any

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data import DATASETS, load_dataset
from aeexplorer.data.spec import Dataset
from aeexplorer.program_files import FAILING, PRETRAINED
from aeexplorer.runs.dial import Mark, halved, mark, save_marks
from aeexplorer.runs.failures import FAILURES
from aeexplorer.runs.overfitting import GRID, make_grid
from aeexplorer.runs.recipe import Recipe
from aeexplorer.runs.recording import codes_of_test, train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.store import read_json, save_tensors, write_atomic, write_json
from aeexplorer.training.evaluation import compare_with_pca, evaluate
from aeexplorer.training.loop import TrainingError
from aeexplorer.training.plan import DialSpec

SIZE_LIMIT = 4_000_000
KEPT = {"spec.json", "status.json", "weights.safetensors", "codes.safetensors", "dial", "marks.json", "draws.json"}

FRAMES = 5
"""Frames of the film that a run keeps that fails on purpose, about."""

DRAWS = 10
"""Draws of the noise over which the figures of a card are averaged."""


def _recipes() -> dict[str, Recipe]:
    # Digits are small enough for many epochs. On the larger datasets the widths keep a model under 2 MB.
    loops = {
        "digits": {"hidden": (256, 128), "epochs": 300, "batch_size": 64, "patience": 40},
        "mnist": {"hidden": (240, 128), "epochs": 40},
        "fashion-mnist": {"hidden": (240, 128), "epochs": 40},
    }
    recipes = {
        f"{dataset}-{family}{suffix}": Recipe(
            dataset, family, {"latent_dim": dim, **loop, "seed": 0}, half=dataset == "fashion-mnist"
        )
        for dataset, loop in loops.items()
        for family, dim, suffix in (("ae", 16, ""), ("dae", 16, ""), ("vae", 16, ""), ("vae", 2, "-2d"))
    }
    more = (_families, _betas, _levels, _scores, _lossless, _restorers, _factors, _sequences)
    return recipes | {name: recipe for of in more for name, recipe in of().items()}


def _families() -> dict[str, Recipe]:
    """One model of each further family; small ones, whose weights are kept in half precision."""
    loop: dict[str, Any] = {"hidden": (120, 64), "epochs": 20}
    prior = {"prior": "transformer", "prior_units": 64, "prior_layers": 2}
    families: dict[str, dict[str, Any]] = {
        "sparse_ae": {"latent_dim": 64},
        "contractive_ae": {"latent_dim": 16},
        "cvae": {"latent_dim": 6, "beta": 2.0},
        "hvae": {"latent_dim": 16, "warmup": 0.25},
        "iwae": {"latent_dim": 16},
        "planar_vae": {"latent_dim": 16},
        "flow_vae": {"latent_dim": 16},
        "vamp_vae": {"latent_dim": 16, "pseudo_inputs": 100},
        "aae": {"latent_dim": 8},
        "wae": {"latent_dim": 8},
        "vqvae": {"latent_dim": 48, **prior},
        "fsq": {**prior},
        "m2": {"latent_dim": 8, "labels": 1_000},
    }
    digits: dict[str, dict[str, Any]] = {
        "linear_ae": {"latent_dim": 8, "epochs": 833, "batch_size": 256, "learning_rate": 0.05, "seed": 0},
        "overcomplete_ae": {"latent_dim": 128, "hidden": (256,), "epochs": 60, "seed": 0},
    }
    return {
        f"mnist-{family.replace('_', '-')}": Recipe("mnist", family, {**loop, **knobs, "seed": 0}, half=True)
        for family, knobs in families.items()
    } | {f"digits-{family.replace('_', '-')}": Recipe("digits", family, knobs) for family, knobs in digits.items()}


def _betas() -> dict[str, Recipe]:
    """Dials over β with a few separately trained models to compare with, and one multi-rate VAE for each dataset."""
    loops: dict[str, tuple[dict[str, Any], int]] = {
        "digits": ({"hidden": (128, 64), "epochs": 480, "batch_size": 64}, 120),
        "mnist": ({"hidden": (120, 64), "epochs": 24}, 6),
        "fashion-mnist": ({"hidden": (120, 64), "epochs": 24}, 6),
    }
    multirate = {
        f"{dataset}-multirate": Recipe(
            dataset, "multirate_vae", {"latent_dim": 16, **loop, "epochs": 3 * loop["epochs"] // 2, "seed": 0}
        )
        for dataset, (loop, _) in loops.items()
    }
    stops = {16: (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 17.0, 30.0), 2: (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)}
    return {
        f"{dataset}-beta{suffix}": Recipe(
            dataset,
            "vae",
            {"latent_dim": dim, **loop, "seed": 0},
            DialSpec(knob="beta", stops=stops[dim], epochs_per_stop=epochs),
            marks=(0.3, 1.0, 10.0),
        )
        for dataset, (loop, epochs) in loops.items()
        for dim, suffix in ((16, ""), (2, "-2d"))
    } | multirate


def _levels() -> dict[str, Recipe]:
    """Dials over the corruption level for three kinds of corruption."""
    loops = {
        "digits": ({"hidden": (128, 64), "epochs": 320, "batch_size": 64}, 80),
        "mnist": ({"hidden": (120, 64), "epochs": 20}, 5),
    }
    return {
        f"{dataset}-dae-{kind.replace('_', '-')}": Recipe(
            dataset,
            "dae",
            {"latent_dim": 16, **loop, "corruption": kind, "seed": 0},
            DialSpec(knob="level", stops=(0.0, 0.25, 0.5, 0.75), epochs_per_stop=epochs),
        )
        for dataset, (loop, epochs) in loops.items()
        for kind in ("gaussian", "salt_and_pepper", "masking")
    }


def _scores() -> dict[str, Recipe]:
    """For each dataset in the plane a dial over σ that learns the score, and a dial of a plain denoising autoencoder to
    compare with."""
    sigmas = (0.05, 0.07, 0.1, 0.14, 0.2, 0.28, 0.4, 0.56, 0.8)
    chains: dict[str, tuple[str, dict[str, Any], int]] = {
        "score": ("score_dae", {"latent_dim": 32, "hidden": (96,), "epochs": 300, "batch_size": 512}, 160),
        "dae": ("dae", {"latent_dim": 1, "hidden": (128, 64), "epochs": 50, "batch_size": 64}, 10),
    }
    return {
        f"{dataset}-{name}": Recipe(
            dataset,
            family,
            {**knobs, "seed": 0},
            DialSpec(knob="level", stops=sigmas, epochs_per_stop=epochs),
        )
        for dataset in ("two-moons", "swiss-roll", "pinwheel")
        for name, (family, knobs, epochs) in chains.items()
    }


def _factors() -> dict[str, Recipe]:
    """Models of the shapes for scores of disentanglement, which one seed says little about: five ways, three seeds."""
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "beta-1": ("vae", {"beta": 1.0}),
        "beta-4": ("beta_vae", {"beta": 4.0}),
        "beta-16": ("beta_vae", {"beta": 16.0}),
        "tcvae": ("beta_tcvae", {"tc_weight": 5.0}),
        "factor": ("factor_vae", {"tc_weight": 20.0, "critic_units": 64}),
    }
    common = {"latent_dim": 6, "hidden": (144, 96), "epochs": 50}
    return {
        f"shapes-{way}-seed-{seed}": Recipe("shapes", family, {**knobs, **common, "seed": seed}, half=True)
        for seed in range(3)
        for way, (family, knobs) in ways.items()
    }


def _restorers() -> dict[str, Recipe]:
    """Denoising autoencoders of exactly one degradation: noise on patches of photographs, and two lost resolutions."""
    digits = {"latent_dim": 64, "hidden": (256, 128), "epochs": 15, "corruption": "low_resolution", "seed": 0}
    photos = {"latent_dim": 96, "hidden": (384,), "loss": "mse", "epochs": 20, "level": 0.1, "seed": 0}
    return {
        "photos-denoiser": Recipe("photos", "dae", photos, half=True),
        "mnist-upscaler-2": Recipe("mnist", "dae", {**digits, "level": 0.5}, half=True),
        "mnist-upscaler-4": Recipe("mnist", "dae", {**digits, "level": 0.75}, half=True),
    }


def _lossless() -> dict[str, Recipe]:
    """A VAE of black and white digits, whose negative ELBO is the length of a file."""
    knobs = {"latent_dim": 24, "hidden": (256, 128), "epochs": 60, "seed": 0}
    return {"mnist-binary-vae": Recipe("mnist-binary", "vae", knobs, half=True)}


def _sequences() -> dict[str, Recipe]:
    """A VAE of names, whose KL is held so that its code does not collapse, and a transformer of normal heartbeats."""
    names = {"latent_dim": 16, "hidden": (160, 80), "capacity": 12.0, "epochs": 30, "learning_rate": 3e-3, "seed": 0}
    beats = {"net": "transformer", "patch": 20, "width": 32, "latent_dim": 8, "level": 0.1}
    loop = {"leave_out": (1, 2, 3, 4), "epochs": 40, "batch_size": 64, "seed": 0}
    return {
        "names-vae": Recipe("names", "vae", names, half=True),
        "heartbeats-transformer": Recipe("heartbeats", "dae", {**beats, **loop}, half=True),
    }


RECIPES = _recipes()


FAILING_RECIPES = {name: recipe for failure in FAILURES.values() for name, recipe in failure.recipes.items()}


def make(names: list[str], root: Path = PRETRAINED, failing: Path = FAILING) -> dict[str, Any]:
    """Train the named models into `root`, those that fail on purpose into `failing`, or all whose data are on this
    computer; returns their figures by name.

    Raises:
        ConfigError: for an unknown name, or a model larger than 4 MB.
    """
    known = RECIPES | FAILING_RECIPES
    for name in names:
        if name not in {*known, GRID}:
            raise ConfigError(unknown("pretrained model", name, known))
    made: dict[str, Any] = {}
    for name in names or [*(n for n, r in known.items() if DATASETS[r.dataset].available()), GRID]:
        if name == GRID:
            made[name] = {"curves": make_grid(root / f"{GRID}.safetensors")}
            continue
        recipe = known[name]
        if name in FAILING_RECIPES:
            made[name] = make_failing(name, failing)
            continue
        data = load_dataset(recipe.dataset)
        temporary = root / f".{name}"
        shutil.rmtree(temporary, ignore_errors=True)
        run = train_run(new_run(recipe.family, data, path=temporary, dial=recipe.dial, **recipe.knobs), data)
        if recipe.half:
            _halve(run, data)
        made[name] = run.status.result
        if recipe.marks:
            save_marks(run.path, [_mark(recipe, data, value, root / f".{name}-mark") for value in recipe.marks])
        save_draws(run, data)
        _settle(run, root / name, card(run, name, recipe))
    return made


def make_failing(name: str, root: Path = FAILING) -> dict[str, float]:
    """Train a run that fails on purpose, or its mended twin, and keep its events and a few frames of its film."""
    recipe, temporary = FAILING_RECIPES[name], root / f".{name}"
    data = load_dataset(recipe.dataset)
    shutil.rmtree(temporary, ignore_errors=True)
    run = new_run(recipe.family, data, path=temporary, **recipe.knobs)
    with contextlib.suppress(TrainingError):  # one of them ends so
        train_run(run, data, bar=False)
    frames = run.frames()
    for epoch in frames:
        if epoch not in frames[:: max(len(frames) // FRAMES, 1)] and epoch != frames[-1]:
            (run.path / "snapshots" / f"{epoch:05d}.safetensors").unlink()
    text = f"# {name}\n\nMake it again:\n\n    python -m aeexplorer pretrained {name}\n"
    _settle(run, root / name, text, KEPT | {"events.jsonl", "snapshots"})
    return Run(root / name).status.result


def measure(names: list[str], root: Path = PRETRAINED) -> dict[str, Any]:
    """Evaluate the named models again, or all whose data are on this computer, and renew figures and cards."""
    there = [
        name for name in names or RECIPES if (root / name).exists() and DATASETS[RECIPES[name].dataset].available()
    ]
    for name in there:
        run, data = Run(root / name), load_dataset(RECIPES[name].dataset)
        save_draws(run, data)
        write_atomic(run.path / "README.md", card(run, name, RECIPES[name]).encode())
    return {name: Run(root / name).status.result for name in there}


def _halve(run: Run, data: Dataset) -> None:
    """Keep the weights in float16, and codes and figures as they are with them."""
    save_tensors(run.weights_path, halved(run.load_model()))
    model = run.load_model()
    run.save_codes(codes_of_test(model, data.test))
    run.set_status(result=evaluate(model, data.test, run.spec.training.seed))


def save_draws(run: Run, data: Dataset) -> None:
    """Evaluate a model under ten draws of the noise; keep the mean and the standard deviation of each figure.

    Figures that the run was recorded without are added to its status.
    """
    model = run.load_model()
    draws = [evaluate(model, data.test, seed) for seed in range(DRAWS)]
    figures = {name: [draw[name] for draw in draws] for name in draws[0]}
    content = {name: {"mean": statistics.fmean(of), "sd": statistics.stdev(of)} for name, of in figures.items()}
    write_json(run.path / "draws.json", {"draws": DRAWS, "figures": content})
    new = {name: value for name, value in draws[0].items() if name not in run.status.result}
    new |= {k: v for k, v in compare_with_pca(model, data.train, data.test).items() if k not in run.status.result}
    run.set_status(result={**run.status.result, **new})


def _mark(recipe: Recipe, data: Dataset, value: float, temporary: Path) -> Mark:
    """Train a separate model at one value of the dial, its β warmed up over the first quarter, and keep its figures."""
    assert recipe.dial is not None
    shutil.rmtree(temporary, ignore_errors=True)
    knobs = {**recipe.knobs, "warmup": 0.25, recipe.dial.knob: value}
    run = train_run(new_run(recipe.family, data, path=temporary, **{**knobs, "seed": recipe.knobs["seed"] + 1}), data)
    found = mark(run.config, run.spec.training, len(data.train), run.status.result)
    shutil.rmtree(temporary)
    return found


def _settle(run: Run, target: Path, text: str, kept: Set[str] = KEPT) -> None:
    """Remove what exploring does not need, add the card, and give the folder its name."""
    for item in run.path.iterdir():
        if item.name not in kept:
            shutil.rmtree(item) if item.is_dir() else item.unlink()
    write_atomic(run.path / "README.md", text.encode())
    size = sum(p.stat().st_size for p in run.path.rglob("*") if p.is_file())
    if size > SIZE_LIMIT:
        raise ConfigError(f"{target.name} must be at most {SIZE_LIMIT} bytes, got {size}")
    spec = (run.path / "spec.json").read_text("utf-8").replace(f'"id": "{run.id}"', f'"id": "{target.name}"')
    write_atomic(run.path / "spec.json", spec.encode())
    # the number of the training process means nothing on another computer
    run.set_status(pid=0, process_started=0.0)
    shutil.rmtree(target, ignore_errors=True)
    run.path.rename(target)


def _measured(mean: float, sd: float) -> str:
    """A figure with its spread, both to the first two digits of the spread."""
    if not sd:
        return f"{mean:.4g}"
    digits = max(0, 1 - math.floor(math.log10(sd)))
    return f"{mean:.{digits}f} ± {sd:.{digits}f}"


def card(run: Run, name: str, recipe: Recipe) -> str:
    """The card of a model in Markdown: description, figures, and the command that makes it again."""
    status, spec = run.status, run.spec
    figures = read_json(run.path / "draws.json")["figures"]
    rows = "\n".join(f"| {key.replace('_', ' ')} | {_measured(**figures[key])} |" for key in figures)
    notes = "Reconstruction and KL are summed over features, mse is the squared error per feature."
    if any(figure["sd"] for figure in figures.values()):
        notes += f" Mean ± standard deviation over {DRAWS} draws of the noise."
    if "floor" in figures:
        notes += (
            f"\nOf the cross-entropy {figures['floor']['mean']:.1f} nats are the entropy of the grey levels, which no "
            "model "
            "can fall below; it is therefore no\nbound on -log p(x), which it would be for black and white pictures."
        )
    best = f"best on validation data after epoch {status.best_epoch}"
    if recipe.dial:
        stops = ", ".join(f"{stop:g}" for stop in recipe.dial.stops)
        best = (
            f"first at {recipe.dial.knob} {recipe.dial.stops[0]:g}, then at each next stop from the weights before.\n"
            f"Stops {stops}; the figures are those at {recipe.dial.default:g}"
        )
    return f"""# {name}

{run.family.title} on {spec.data.title}, code of size {run.config.latent_dim}. {run.family.summary}

Trained for {status.epochs} epochs ({status.seconds:.0f} s on one CPU core), {best}.
`codes.safetensors` holds codes and labels of {len(run.codes.z):,} test samples: maps and samples need no data.

| on the test split, per sample | |
|---|---|
{rows}

{notes}

Make it again:

    {recipe.command}

Paper: {run.family.paper}

Data: {spec.data.source} Licence: {spec.data.licence}
"""

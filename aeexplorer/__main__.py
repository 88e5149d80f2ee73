"""The command line: `aeexplorer app | families | data | train | evaluate | project | export | pretrained`, and the
applications in `commands.py`; `python -m aeexplorer` does the same.

Every knob of a family is a flag, read from its configuration. With `--json` the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aeexplorer.commands import add_commands
from aeexplorer.config import ConfigError
from aeexplorer.data_commands import ACTIONS, add_data_actions
from aeexplorer.flags import add_knobs, knobs_of, value_of
from aeexplorer.store import Damaged, home, write_atomic

if TYPE_CHECKING:
    from aeexplorer.runs.run import Run


def say(text: str = "") -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def table(rows: Iterable[tuple[Any, ...]], head: tuple[str, ...]) -> None:
    """Print rows in columns; the last column is not padded."""
    lines = [head, *(tuple(str(c) for c in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head) - 1)]
    for line in lines:
        say("  ".join([*(cell.ljust(w) for cell, w in zip(line[:-1], widths, strict=True)), line[-1]]))


def conclude(arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    """Print a result as lines for people, or as the JSON object that ends the output."""
    if arguments.json:
        say(json.dumps(result, ensure_ascii=False))
        return
    for key, value in result.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v:.4g}" for k, v in value.items())
        say(f"{key:12} {value:.4g}" if isinstance(value, float) else f"{key:12} {value}")


def conclude_with_figures(arguments: argparse.Namespace, run: Run, figures: dict[str, float]) -> None:
    """Print test figures; for people also whether those in nats are a likelihood."""
    from aeexplorer.losses import pick_loss
    from aeexplorer.training.evaluation import likelihood_sentence

    conclude(arguments, result_of(run, figures))
    if figures and not arguments.json and pick_loss(run.config.loss, run.spec.data).name == "bce":
        say(likelihood_sentence(figures.get("floor", 0.0)))


def show_families(arguments: argparse.Namespace) -> None:
    """List the table of families."""
    from aeexplorer.families import FAMILIES

    if not arguments.json:
        rows = [(f.name, f.title, ", ".join(sorted(f.traits)) or "-", f.summary) for f in FAMILIES.values()]
        table(rows, ("family", "title", "traits", "summary"))
        return
    families = {}
    for f in FAMILIES.values():
        abilities = {"traits": sorted(f.traits), "levels": list(f.model.levels_of(f.config)), "kinds": list(f.kinds)}
        families[f.name] = {"title": f.title, **abilities, "config": f.config.model_dump(mode="json")}
    conclude(arguments, families)


def show_data(arguments: argparse.Namespace) -> None:
    """List the table of datasets, or describe one and fetch it if it is missing."""
    from aeexplorer.data import sources

    if arguments.name is not None:
        describe_dataset(arguments)
        return
    head = ("dataset", "kind", "shape", "train", "validation", "test", "files")
    rows = []
    for s in sources().values():
        rows.append((s.name, s.spec.kind, list(s.spec.shape), *s.counts, s.available()))
    if arguments.json:
        conclude(arguments, {name: dict(zip((*head[1:6], "available"), row, strict=True)) for name, *row in rows})
        return
    here = {True: "here", False: "not on this computer"}
    table([(*r[:2], "x".join(map(str, r[2])), *r[3:6], here[r[6]]) for r in rows], head)


def describe_dataset(arguments: argparse.Namespace) -> None:
    """Describe one dataset, after fetching what is missing."""
    from aeexplorer.data import download, load_dataset, sources

    source = sources().get(arguments.name)
    if source and source.downloadable and not source.available():
        from tqdm import tqdm

        with tqdm(unit="B", unit_scale=True, disable=None, desc=arguments.name) as bar:

            def advance(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            download(arguments.name, advance)
    data = load_dataset(arguments.name)
    spec = data.spec
    words = {"dataset": spec.name, "title": spec.title, "summary": spec.summary, "kind": spec.kind}
    sizes = {name: len(split) for name, split in data.splits.items()}
    names = {"classes": list(spec.classes), "factors": [f.name for f in spec.factors]}
    origin = {"licence": spec.licence, "source": spec.source}
    conclude(arguments, {**words, "shape": list(spec.shape), **sizes, **names, **origin})


def result_of(run: Run, figures: dict[str, float], **extra: Any) -> dict[str, Any]:
    """The report of `train` and `evaluate`: a run and its test figures."""
    status = run.status
    return {
        "run": str(run.path),
        "dataset": run.spec.dataset,
        "family": run.spec.family,
        "seconds": status.seconds,
        "epochs": status.epochs,
        "best_epoch": status.best_epoch,
        "test": figures,
        **extra,
    }


def train(arguments: argparse.Namespace) -> None:
    from aeexplorer.data import load_dataset
    from aeexplorer.families import family
    from aeexplorer.jobs import pace
    from aeexplorer.runs.recording import train_run
    from aeexplorer.runs.request import new_run
    from aeexplorer.training.config import TrainingConfig
    from aeexplorer.training.plan import DialSpec

    knobs = knobs_of(arguments, type(family(arguments.family).config), TrainingConfig)
    dial = None
    if arguments.stops and not arguments.dial:
        raise ConfigError(f"stops need the knob that they are values of, --dial beta or level, got {arguments.stops!r}")
    if arguments.dial:
        stops = value_of(arguments.stops) if arguments.stops else ()
        dial = DialSpec(
            knob=arguments.dial,
            stops=stops if isinstance(stops, tuple) else (stops,),
            epochs_per_stop=arguments.epochs_per_stop,
        )
    data = load_dataset(arguments.dataset)
    run = new_run(
        arguments.family,
        data,
        arguments.title,
        arguments.out,
        pace=pace(),
        dial=dial,
        start_from=arguments.start_from,
        **knobs,
    )
    train_run(run, data)
    conclude_with_figures(arguments, run, run.status.result)


def evaluate(arguments: argparse.Namespace) -> None:
    from aeexplorer.explorer import open_run

    explorer = open_run(arguments.run)
    conclude_with_figures(arguments, explorer.run, explorer.evaluate(nll=arguments.nll))


def project(arguments: argparse.Namespace) -> None:
    import numpy as np

    from aeexplorer.explorer import open_run
    from aeexplorer.jobs.codes import codes_for_map
    from aeexplorer.projection import METHODS, SMALLEST_MAP, quality
    from aeexplorer.projection import project as project_codes

    if arguments.method not in METHODS:
        raise ConfigError(f"method must be one of {', '.join(METHODS)}, got {arguments.method!r}")
    explorer = open_run(arguments.run)
    z, labels, index = codes_for_map(explorer, arguments.n, arguments.split, arguments.level)
    begun = time.perf_counter()
    knobs = knobs_of(arguments, METHODS[arguments.method].config)
    from tqdm import tqdm

    with tqdm(total=100, unit="%", disable=None, desc=arguments.method, leave=False) as bar:

        def progress(fraction: float, points: Any) -> None:
            bar.update(int(100 * fraction) - bar.n)

        projection = project_codes(z, arguments.method, progress=progress, **knobs)
    seconds = time.perf_counter() - begun
    figures = {}
    if len(z) >= SMALLEST_MAP:
        known = labels if (labels >= 0).any() else None
        figures = quality(z, projection.points, known, graph=projection.graph)
    path = arguments.out or home() / "maps" / map_name(arguments, explorer.run.id, len(z), knobs)
    path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")  # as `np.savez` names it
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, points=projection.points, labels=labels, index=index)
    for notice in projection.notices:
        sys.stderr.write(notice + "\n")
    result = {"run": str(explorer.run.path), "method": arguments.method, "n": len(z), "seconds": round(seconds, 3)}
    conclude(arguments, {**result, **figures, "path": str(path)})


def map_name(arguments: argparse.Namespace, run: str, n: int, knobs: dict[str, Any]) -> str:
    """The name of a map's file, another one for each split, level and parameter."""
    asked = [f"{name}-{'-'.join(map(str, v)) if isinstance(v, tuple) else v}" for name, v in sorted(knobs.items())]
    split = [] if arguments.split == "test" else [arguments.split]
    level = [f"level-{arguments.level}"] if arguments.level else []
    return "-".join([run, arguments.method, str(n), *split, *level, *asked]).replace("/", "_") + ".npz"


def export(arguments: argparse.Namespace) -> None:
    from aeexplorer.runs.bundles import bundle
    from aeexplorer.runs.listing import find_run
    from aeexplorer.spreadsheets import plain_cell

    run = find_run(arguments.run)
    if arguments.what == "bundle":
        path, content = arguments.out or Path(f"{run.id}.zip"), bundle(run)
    else:
        codes, text = run.codes, io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["index", "label", *(f"z{k}" for k in range(codes.z.shape[1]))])
        classes = run.spec.data.classes
        for i, y, z in zip(codes.index, codes.labels, codes.z, strict=True):
            name = plain_cell(classes[y]) if 0 <= y < len(classes) else ""
            writer.writerow([i, name, *(f"{v:.7g}" for v in z)])
        path, content = arguments.out or Path(f"{run.id}-codes.csv"), text.getvalue().encode()
    write_atomic(path.absolute(), content)
    conclude(arguments, {"run": str(run.path), "path": str(path.absolute()), "bytes": len(content)})


def make_pretrained(arguments: argparse.Namespace) -> None:
    from aeexplorer.runs.pretraining import make, measure

    conclude(arguments, (measure if arguments.figures else make)(arguments.names))


def worker(arguments: argparse.Namespace) -> int:
    from aeexplorer.jobs.worker import run_worker

    return run_worker(arguments.folder, arguments.tethered, arguments.cold)


def app(arguments: argparse.Namespace) -> int:
    from aeexplorer.server.launch import open_app

    return open_app(arguments.port, arguments.address, arguments.options)


def supervise(arguments: argparse.Namespace) -> None:
    import threading

    from aeexplorer import jobs

    jobs.supervise()
    try:
        threading.Event().wait()
    finally:
        jobs.stop_supervising()


def doctor(arguments: argparse.Namespace) -> int:
    from aeexplorer.jobs.doctor import clean, examine
    from aeexplorer.jobs.orphans import end_orphans
    from aeexplorer.jobs.registry import Registry

    done: dict[str, Any] = {}
    if arguments.rebuild:
        done["rebuilt"] = Registry().rebuild()
    if arguments.clean:
        done["removed"] = [str(path) for path in clean()]
        done["ended"] = [f"{orphan.what} ({orphan.pid})" for orphan in end_orphans()]
    findings = examine()
    if arguments.json:
        conclude(arguments, {**done, "home": str(home()), "findings": [vars(finding) for finding in findings]})
    else:
        if "rebuilt" in done:
            say(f"registry rebuilt from the folders: {done['rebuilt']} jobs")
        for path in done.get("removed", ()):
            say(f"removed {path}")
        for orphan in done.get("ended", ()):
            say(f"ended {orphan}")
        if findings:
            table([(f.where, f.what, f.mend) for f in findings], ("where", "problem", "fix"))
        else:
            say(f"no problem found in {home()}")
    return 1 if findings else 0


def take_in(arguments: argparse.Namespace) -> None:
    """Unpack a bundle into the home."""
    from aeexplorer.runs.bundles import import_bundle

    run = import_bundle(arguments.bundle)
    conclude(arguments, {"run": str(run.path), "id": run.id, "title": run.title, "dataset": run.spec.dataset})


def change(arguments: argparse.Namespace) -> None:
    """Stop, rename or delete a run as its owner."""
    from aeexplorer import jobs
    from aeexplorer.runs.listing import find_run

    run = find_run(arguments.run)
    if arguments.command == "stop":
        jobs.cancel(run)
    elif arguments.command == "rename":
        run.rename(arguments.title)
    else:
        run.delete(although_parent=arguments.although_parent)
    conclude(arguments, {"run": str(run.path), arguments.command: "done"})


def build_parser(argv: list[str]) -> argparse.ArgumentParser:
    """The parser; the flags of `train` and `project` depend on the family or method named in argv."""
    parser = argparse.ArgumentParser(prog="aeexplorer", description="Train autoencoders and explore them.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, action: Any, text: str, run: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(action=action)
        sub.add_argument("--json", action="store_true", help="print one JSON object as the last line")
        if run:
            sub.add_argument("run", help=run)
        return sub

    sub = command("app", app, "Open the app in the browser")
    sub.add_argument("--port", type=int, help="port of the app (default: 8501, or the next free one)")
    sub.add_argument("--address", help="address of the app; 0.0.0.0 opens it to the network (default: 127.0.0.1)")
    sub.add_argument("options", nargs="*", metavar="OPTION", help="after a --, further options of `streamlit run`")

    command("families", show_families, "List the model families")
    sub = command("data", show_data, "List the datasets, describe one, or add your own with `data add`")
    if argv[:1] == ["data"] and set(argv[1:2]) <= set(ACTIONS) and argv[1:]:
        add_data_actions(sub, conclude)
    else:
        actions = f"a dataset; or {', '.join(ACTIONS)}, each with a --help of its own"
        sub.add_argument("name", nargs="?", help=actions)
    add_train_flags(command("train", train, "Train a family on a dataset"), argv)

    a_run = "a run folder, an id, or pretrained/NAME"
    sub = command("evaluate", evaluate, "Evaluate a run on its test split", a_run)
    nll = "importance samples for -log p(x), 1 to 100000 (default: none)"
    sub.add_argument("--nll", type=int, default=0, metavar="K", help=nll)
    add_project_flags(command("project", project, "Map the codes of a run", a_run), argv)
    add_commands(lambda name, report, *rest: command(name, lambda given: conclude(given, report(given)), *rest))
    sub = command("export", export, "Write a run as one zip archive, or its codes as a table", a_run)
    sub.add_argument("--what", choices=("bundle", "codes"), default="bundle")
    sub.add_argument("--out", type=Path, help="file to write")
    sub = command("pretrained", make_pretrained, "Train the pretrained models whose data are on this computer")
    sub.add_argument("names", nargs="*", help="names such as mnist-vae (default: all)")
    sub.add_argument("--figures", action="store_true", help="evaluate the stored models again, without training")

    a_run = "a run folder or an id"
    command("stop", change, "Stop the training of a run, or take it out of the queue", a_run)
    command("rename", change, "Rename a run", a_run).add_argument("title")
    sub = command("delete", change, "Delete a run", a_run)
    sub.add_argument(
        "--although-parent", action="store_true", help="delete the run even if other runs started from its weights"
    )
    sub = command("import", take_in, "Unpack a bundle into the home as a run of its own")
    sub.add_argument("bundle", type=Path, help="a file that `export` wrote")

    sub = command("doctor", doctor, "Report problems in the home; exit with 1 when there are any")
    sub.add_argument("--rebuild", action="store_true", help="rebuild the registry from the folders")
    sub.add_argument("--clean", action="store_true", help="remove leftovers of killed processes")
    command("supervise", supervise, "Run queued jobs without the pages, until stopped")
    sub = command("worker", worker, "Do the job in a folder; started by the app")
    sub.add_argument("folder", type=Path)
    sub.add_argument("--tethered", action="store_true", help="end when standard input is closed")
    sub.add_argument("--cold", action="store_true", help="import nothing before the job is known")
    return parser


def add_train_flags(sub: argparse.ArgumentParser, argv: list[str]) -> None:
    """The flags of `train`, with a flag for each knob of the family named in argv."""
    sub.add_argument("--dataset", required=True)
    sub.add_argument("--family", required=True)
    sub.add_argument("--title", default="", help="title of the run, shown on pages")
    sub.add_argument("--start-from", metavar="RUN", help="fine-tune this run: start from its weights")
    sub.add_argument("--out", type=Path, help="folder to make (default: in the home)")
    sub.add_argument("--dial", choices=("beta", "level"), help="train a chain of models along this knob")
    stops = "values of the knob, ascending, such as 0.1,1,10; the first is trained for EPOCHS"
    sub.add_argument("--stops", default="", help=stops)
    sub.add_argument("--epochs-per-stop", type=int, default=4, help="epochs at each stop after the first (default: 4)")
    if argv[:1] == ["train"]:
        from aeexplorer.families import family
        from aeexplorer.training.config import TrainingConfig

        row = family(_named(argv, "--family", "ae"))
        add_knobs(sub, row.config, f"knobs of {row.name}")
        add_knobs(sub, TrainingConfig(), "training")


def add_project_flags(sub: argparse.ArgumentParser, argv: list[str]) -> None:
    """The flags of `project`, with a flag for each parameter of the method named in argv."""
    sub.add_argument("--method", default="umap")
    sub.add_argument("--n", type=int, default=2_000, help="samples on the map, at most 100000 (default: 2000)")
    sub.add_argument("--split", choices=("test", "train", "all"), default="test", help="which samples (default: test)")
    levels = "level of a hierarchical model, 1 for the coarsest (default: 0, all)"
    sub.add_argument("--level", type=int, default=0, help=levels)
    sub.add_argument("--out", type=Path, help="npz file to write (default: in the home)")
    if argv[:1] == ["project"]:
        from aeexplorer.projection import METHODS

        method = _named(argv, "--method", "umap")
        if method in METHODS:
            add_knobs(sub, METHODS[method].config(), f"parameters of {method}")


def _named(argv: list[str], flag: str, default: str) -> str:
    """The value of one flag, read before the parser that it decides on exists."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(flag, dest="value", default=default)
    return str(parser.parse_known_args(argv[1:])[0].value)


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns 2 after a refusal, which is one sentence on the error stream."""
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a code page such as cp1252 has no β
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        arguments = build_parser(argv).parse_args(argv)
        return arguments.action(arguments) or 0
    except (ConfigError, Damaged, ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"aeexplorer: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what was learned so far is kept\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())

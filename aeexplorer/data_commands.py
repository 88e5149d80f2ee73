"""The commands `aeexplorer data add | list | remove | export | share`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aeexplorer.config import ConfigError

ACTIONS = ("add", "list", "remove", "export", "share")
CHOICES = ("label", "size", "fit", "ground", "grey", "part", "fill", "decimal", "turn", "window", "stride")
Conclude = Callable[[argparse.Namespace, dict[str, Any]], None]
Action = Callable[[argparse.Namespace], dict[str, Any] | int]


def add_data_actions(sub: argparse.ArgumentParser, conclude: Conclude) -> None:
    """The parsers of the commands.

    Args:
        conclude: prints a result.
    """
    actions = sub.add_subparsers(dest="data_action", required=True)

    def action(name: str, do: Action, text: str) -> argparse.ArgumentParser:
        parser = actions.add_parser(name, help=text, description=text)
        parser.add_argument("--json", action="store_true", help="print one JSON object as the last line")

        def run(arguments: argparse.Namespace) -> int:
            done = do(arguments)
            if isinstance(done, int):
                return done
            conclude(arguments, done)
            return 0

        parser.set_defaults(action=run)
        return parser

    parser = action("add", add, "Keep your own pictures, table, series or arrays")
    parser.add_argument("path", type=Path, help="a file, a folder or a zip archive")
    parser.add_argument("--name", help="name of the data, later own/NAME (default: the file's name)")
    parser.add_argument("--kind", choices=("image", "vector", "sequence"), help="kind of data (default: suggested)")
    parser.add_argument("--label", default="", metavar="COLUMN", help='the column of labels, or "none"')
    parser.add_argument("--size", type=int, help="side of pictures in pixels, 8 to 128 (default: suggested)")
    parser.add_argument("--fit", choices=("fit", "fill", "stretch"), default="fit", help="how pictures are resized")
    parser.add_argument("--ground", choices=("white", "black", "grey"), default="white", help="background")
    parser.add_argument("--grey", action="store_true", default=None, help="read pictures without colours")
    parser.add_argument("--part", default="", help="the sheet, array or file to read, where there are several")
    roles = "role of a column, such as Date=time or City=one-hot"
    parser.add_argument("--role", action="append", default=[], metavar="COLUMN=ROLE", help=roles)
    marks = "an additional missing-value marker, such as -999"
    parser.add_argument("--missing", action="append", default=[], metavar="MARK", help=marks)
    parser.add_argument("--fill", choices=("mean", "leave out"), default="mean", help="treatment of missing numbers")
    parser.add_argument("--decimal", choices=(".", ","), default="", help="the decimal sign (default: found)")
    parser.add_argument("--turn", action="store_true", help="transpose the table")
    parser.add_argument("--window", type=int, help="window length of a long series, in steps")
    parser.add_argument("--stride", type=int, help="steps from the start of one window to the next")
    parser.add_argument("--open", action="store_true", help="make the data visible to everybody who uses this home")
    action("list", show, "List your own data")
    parser = action("remove", remove, "Remove your own data")
    parser.add_argument("name", help="own/NAME")
    parser.add_argument("--although-runs", action="store_true", help="remove the data even if runs need them")
    parser = action("export", export, "Write your own data as a zip archive, with their samples")
    parser.add_argument("name", help="own/NAME")
    parser.add_argument("--out", type=Path, help="file to write")
    parser = action("share", share, "Make a link that shares your own data")
    parser.add_argument("name", help="own/NAME")
    parser.add_argument("--stop", action="store_true", help="make the data private again")


def add(arguments: argparse.Namespace) -> dict[str, Any] | int:
    """Read and keep; a refusal is one sentence and status 2."""
    from aeexplorer.data.bringing import add as bring
    from aeexplorer.data.reading import Choices
    from aeexplorer.data.sharing import import_own, is_export
    from aeexplorer.owners import local_owner

    if is_export(arguments.path):
        data = import_own(arguments.path, local_owner())
        return {**_facts(data.spec.name), "left_out": [], "notices": []}
    columns = dict(_role(text) for text in arguments.role)
    chosen = {name: getattr(arguments, name) for name in CHOICES}
    choices = Choices(columns=columns, missing=tuple(arguments.missing), kind=arguments.kind or "", **chosen)
    name = _name(arguments.path) if arguments.name is None else arguments.name.removeprefix("own/")
    proposal, kept = bring(arguments.path, name, choices, private=not arguments.open)
    told = {"left_out": proposal.left_out, "notices": list(proposal.notices)}
    if kept is None:
        if arguments.json:
            classes = [label for label, _ in proposal.classes]
            found = _found(None, proposal.kind, proposal.samples, proposal.shape, classes)
            say(json.dumps({**found, **told, "refusal": proposal.refusal}, ensure_ascii=False))
        raise ConfigError(f"{arguments.path.name} cannot be kept: {proposal.refusal}{_hidden(proposal.left_out)}")
    if arguments.json:
        return {**_facts(kept.spec.name), **told}
    return {**_facts(kept.spec.name), "notices": "".join(f"\n  {notice}" for notice in proposal.notices) or "none"}


def _hidden(left_out: list[dict[str, Any]]) -> str:
    """The left-out files and columns, as a clause of a refusal."""
    shown = [f"{item['what']} ({item['why']})" for item in left_out[:3]]
    more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    return f"; left out: {', '.join(shown)}{more}" if shown else ""


def _role(text: str) -> tuple[str, Any]:
    column, sign, role = text.rpartition("=")
    if not sign or not column:
        raise ConfigError(f"role must be COLUMN=ROLE, got {text[:80]!r}")
    return column, role


def _name(path: Path) -> str:
    """A name from that of a file: the letters, digits, spaces and . _ - before its first ending."""
    stem = path.name.split(".")[0] or path.stem
    plain = "".join(c if c.isalnum() or c in " ._-" else "-" for c in stem).strip(" .-")
    return plain[:60] or "data"


def _facts(name: str) -> dict[str, Any]:
    from aeexplorer.data.own import own_data

    kept = own_data()[name]
    return _found(name, kept.spec.kind, sum(kept.counts), kept.spec.shape, kept.spec.classes)


def _found(name: str | None, kind: str, samples: int, shape: Sequence[int], classes: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "kind": kind, "samples": samples, "shape": list(shape), "classes": list(classes)}


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def show(arguments: argparse.Namespace) -> dict[str, Any] | int:
    """The data that whoever asks may see."""
    from aeexplorer.data.own import folder_of, own_data
    from aeexplorer.owners import viewer

    me = viewer()
    found: dict[str, Any] = {}
    for name, kept in own_data().items():
        size = sum(file.stat().st_size for file in folder_of(name).iterdir())
        access = "shared by link" if kept.link else "private" if kept.private else "open"
        more = {"bytes": size, "access": access, "yours": kept.owner == me, "created": kept.created}
        found[name] = {**_facts(name), **more}
    if arguments.json:
        return found
    for name, facts in found.items():
        shape, size = "x".join(map(str, facts["shape"])), facts["bytes"] / 1e6
        say(f"{name}  {facts['kind']}  {facts['samples']} x {shape}  {size:.1f} MB  {facts['access']}")
    if not found:
        say("no own data")
    return 0


def remove(arguments: argparse.Namespace) -> dict[str, Any]:
    """Remove data, unless runs need them."""
    from aeexplorer.runs.listing import remove_data

    name = _own(arguments.name)
    needed = remove_data(name, although_runs=arguments.although_runs)
    return {"name": name, "removed": True, "runs": [run.id for run in needed]}


def export(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write data as a zip archive."""
    from aeexplorer.data.sharing import export_own
    from aeexplorer.store import write_atomic

    name = _own(arguments.name)
    content = export_own(name)
    path = (arguments.out or Path(f"{name.removeprefix('own/')}.zip")).absolute()
    write_atomic(path, content)
    return {"name": name, "path": str(path), "bytes": len(content)}


def share(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make a link, or end it."""
    from aeexplorer.data.own import share as make_link
    from aeexplorer.data.own import unshare

    name = _own(arguments.name)
    if arguments.stop:
        unshare(name)
        return {"name": name, "link": ""}
    return {"name": name, "link": f"/data?share={make_link(name)}"}


def _own(name: str) -> str:
    return name if name.startswith("own/") else f"own/{name}"

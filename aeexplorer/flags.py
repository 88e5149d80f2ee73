"""Flags of the command line: one for each field of a configuration."""

from __future__ import annotations

import argparse
from typing import Any, get_args, get_origin

from aeexplorer.config import Config


def value_of(text: str) -> Any:
    """Parse a flag's text as a number, a list of numbers, or text; the configuration checks the bounds."""
    if "," in text:
        return tuple(value_of(part) for part in text.split(",") if part.strip())
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def add_knobs(parser: argparse.ArgumentParser, config: Config, title: str) -> None:
    """Add a flag for each field of a configuration, with its default in the help text."""
    group = parser.add_argument_group(title)
    for name, field in type(config).model_fields.items():
        default = getattr(config, name)
        shown = ",".join(map(str, default)) or "none" if isinstance(default, tuple) else default
        group.add_argument(
            f"--{name.replace('_', '-')}",
            dest=f"knob.{name}",
            metavar=name.upper(),
            default=argparse.SUPPRESS,
            help=f"{field.description or name} (default: {shown})".replace("%", "%%"),
        )


def knobs_of(arguments: argparse.Namespace, *configs: type[Config]) -> dict[str, Any]:
    """The knobs given on the command line, converted to the types of their fields."""
    fields = {name: field for config in configs for name, field in config.model_fields.items()}
    knobs = {}
    for flag, text in vars(arguments).items():
        if flag.startswith("knob."):
            name = flag.removeprefix("knob.")
            annotation, value = fields[name].annotation, value_of(text)
            if type(None) in get_args(annotation) and text in ("", "none"):
                value = None
            elif str in (annotation, *get_args(annotation)):
                value = text
            elif tuple in (annotation, get_origin(annotation)):
                value = () if text in ("", "none") else value if isinstance(value, tuple) else (value,)
            knobs[name] = value
    return knobs

"""The base of every configuration: frozen, with bounds, and with one sentence for each refused value.

A knob is declared once, as a pydantic field with bounds and a description. The slider on a page, the flag on the
command line, the check on the server and the JSON in a run folder all follow from that declaration.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema


class ConfigError(ValueError):
    """Raised for a value that cannot be used. The message names field, limit and value found in one sentence."""


class Config(BaseModel):
    """Base of all configurations: frozen, hashable, JSON round trip, no unknown fields, no NaN or infinity.

    Raises:
        ConfigError: for an unknown field or a value outside its bounds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="strings")

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(sentence(error, type(self).model_fields)) from None

    @model_validator(mode="before")
    @classmethod
    def _one_for_a_list(cls, values: Any) -> Any:
        """Take one number for a list of one: `hidden=400` is `hidden=(400,)`, as on the command line."""
        if not isinstance(values, dict):
            return values
        fields = cls.model_fields
        return values | {
            name: (value,)
            for name, value in values.items()
            if isinstance(value, int | float) and name in fields and get_origin(fields[name].annotation) is tuple
        }

    def replace(self, **values: Any) -> Self:
        """A copy with some fields changed, validated again."""
        return type(self)(**{**dict(self), **values})


@dataclass(frozen=True)
class Choice:
    """Marks a field whose value is one of these names, as in `Annotated[str, Choice(tuple(NETS))]`: a table says once
    what there is."""

    names: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.names))


def choices(field: FieldInfo) -> tuple[Any, ...]:
    """The values that a field may have; () where it is no choice."""
    of_type = [kind for kind in (field.annotation, *get_args(field.annotation)) if get_origin(kind) is Literal]
    if of_type:
        return (*get_args(of_type[0]), *([None] if type(None) in get_args(field.annotation) else []))
    return next((mark.names for mark in field.metadata if isinstance(mark, Choice)), ())


def sentence(error: ValidationError, known: Iterable[str] = ()) -> str:
    """Put pydantic's findings into words, one clause per field: name, limit and the value given."""
    clauses, items = [], error.errors(include_url=False)
    lists = {item["loc"][:-1] for item in items}
    for item in items:
        if item["type"] == "too_short" and item["loc"] in lists:
            continue  # pydantic counts the valid items of a list, and the invalid ones are named anyway
        name = ".".join(str(part) for part in item["loc"]) or "value"
        if item["type"] == "extra_forbidden":
            clauses.append(unknown("knob", name, known))
            continue
        message, value = item["msg"], _short(item["input"])
        if item["type"] == "value_error":
            clauses.append(message.removeprefix("Value error, "))
        elif message.startswith("Input should be "):
            clauses.append(f"{name} must be {message.removeprefix('Input should be ')}, got {value}")
        else:
            clauses.append(f"{name}: {message[0].lower()}{message[1:]}, got {value}")
    return "; ".join(clauses)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that is not in a table, with the nearest known name where there is one."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"unknown {kind} {_short(name)}{hint or ':'} known are {', '.join(names)}"


def reason(error: BaseException) -> str:
    """The reason of a failure in words: an OSError's own sentence, without its number and the path on this machine."""
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _short(value: object) -> str:
    """The repr of a value, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def checked_seed(seed: int) -> int:
    """The seed of a generator.

    Raises:
        ConfigError: for anything but a whole number from 0 to 2^63 - 1.
    """
    if not hasattr(seed, "__index__") or not 0 <= int(seed) < 2**63:
        raise ConfigError(f"seed must be a whole number from 0 to {2**63 - 1}, got {seed!r}")
    return int(seed)


def setting(name: str, default: int, low: int, high: int) -> int:
    """A whole number from the environment.

    Raises:
        ConfigError: when it is no whole number, or out of bounds.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise ConfigError(f"{name} must be a whole number between {low} and {high}, got {text!r}")
    return int(text)

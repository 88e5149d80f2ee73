"""A form of knobs, built from the fields of a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_origin

import streamlit as st
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from aeexplorer.config import Config, ConfigError, choices
from aeexplorer.nets import foreign_knobs


def label_of(name: str) -> str:
    """A field's name as people read it."""
    return name.replace("_", " ").capitalize()


def knob(name: str, field: FieldInfo, default: Any, key: str, options: Sequence[Any] = ()) -> Any:
    """One widget for one field, with its bounds, help and default; `options` narrows the values of a choice.

    Numbers are bounded here for comfort and again by the configuration for certain.
    """
    text, title = field.description or "", label_of(name)
    annotation = field.annotation
    if known := choices(field):
        options = [value for value in known if not options or value in options]
        return st.selectbox(title, options, index=options.index(default), key=key, help=text, format_func=label_of)
    if get_origin(annotation) is tuple:
        shown = st.text_input(
            title, ", ".join(map(str, default)), key=key, help=f"{text}. Numbers separated by commas."
        )
        return tuple(_whole(name, part) for part in shown.split(",") if part.strip())
    low, high = bounds(field)
    if annotation is int:
        return int(st.number_input(title, low, high, int(default), step=1, key=key, help=text))
    return float(
        st.number_input(title, None if low is None else float(low), None if high is None else float(high), float(default),
                        step=_step(float(default), high), format="%g", key=key, help=text)
    )  # fmt: skip


def knobs(
    config: Config, key: str, names: list[str], columns: int = 2, options: Mapping[str, Sequence[Any]] | None = None
) -> dict[str, Any]:
    """Widgets for some fields of a configuration; a field that depends on another is shown when that one asks for it.

    Args:
        options: by field name, the values to offer of a choice; all of them where it is not named.

    Returns:
        value by field name, of the fields shown.
    """
    values: dict[str, Any] = dict(config)
    shown: dict[str, Any] = {}
    boxes = st.columns(columns)
    fields = type(config).model_fields
    for name in names:
        if not _wanted(fields[name], values) or ("net" in values and name in foreign_knobs(values["net"])):
            continue
        with boxes[len(shown) % columns]:
            values[name] = shown[name] = knob(
                name, fields[name], getattr(config, name), f"{key}.{name}", (options or {}).get(name, ())
            )
    return shown


def _wanted(field: FieldInfo, values: Mapping[str, Any]) -> bool:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    when, unless = extra.get("when") or {}, extra.get("unless") or {}
    assert isinstance(when, dict) and isinstance(unless, dict)
    return all(values.get(k) == v for k, v in when.items()) and not any(values.get(k) == v for k, v in unless.items())


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"{name} must be whole numbers separated by commas, got {text.strip()!r}") from None


def bounds(field: FieldInfo) -> tuple[Any, Any]:
    """The least and the largest value of a field; None where there is none."""
    low = next(
        (m.ge for m in field.metadata if isinstance(m, Ge)),
        next((m.gt for m in field.metadata if isinstance(m, Gt)), None),
    )
    high = next(
        (m.le for m in field.metadata if isinstance(m, Le)),
        next((m.lt for m in field.metadata if isinstance(m, Lt)), None),
    )
    return low, high


def _step(default: float, high: Any) -> float:
    if 0 < default < 0.1:
        return default / 2
    return 0.05 if high is not None and high <= 1 else 0.5

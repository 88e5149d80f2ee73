"""A form of knobs, built from the fields of configurations. Text that is typed stays in its field; text that cannot be
used is refused there with a sentence."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Gt, Le, Lt
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.config import Config, ConfigError, choices
from aeexplorer.corruption import CORRUPTIONS
from aeexplorer.losses import LOSSES
from aeexplorer.nets import NETS, foreign_knobs
from aeexplorer.ui.shared.text import as_text

LABELS = {
    "beta": "β",
    "bidirectional": "Read in both directions",
    "block": "Kind of convolutions",
    "capacity": "KL capacity",
    "channels": "Channels of each convolution",
    "code_weight": "Weight of the teacher's codes",
    "context": "Flow context",
    "contraction": "Contraction weight λ",
    "cycles": "Warm-up cycles",
    "decay": "Codebook decay",
    "depth": "Transformer blocks",
    "epochs_per_stop": "Epochs at each later stop",
    "fade": "Fade-in of new layers",
    "feedback": "Decoder reads its output",
    "frame": "Steps read at once",
    "guidance": "Guidance by the teacher",
    "heads": "Attention heads",
    "hidden": "Hidden layer sizes",
    "highest": "Largest β",
    "imitation": "Weight of the teacher's reconstructions",
    "k": "Importance samples",
    "labelled_batch": "Labelled samples per batch",
    "last_share": "Epochs at full resolution",
    "latent_dim": "Latent dimension",
    "level": "Corruption level",
    "loss": "Reconstruction loss",
    "lowest": "Smallest β",
    "mmd_weight": "MMD weight",
    "net": "Network",
    "patch": "Patch size",
    "patience": "Early-stopping patience",
    "positions": "Codes per sample",
    "pseudo_inputs": "Pseudo-inputs",
    "recurrent_units": "Recurrent units",
    "restarts": "Restart unused entries",
    "reversed_target": "Write backwards",
    "rho": "Target activation ρ",
    "samples": "Training samples",
    "schedule": "Learning-rate schedule",
    "tc_weight": "Total-correlation weight",
    "threads": "CPU threads",
    "transform": "Flow transform",
    "value_levels": "Levels of each value",
    "warm_start": "Classifier trained first",
    "warmup": "β warm-up",
    "width": "Values of each patch",
    "word_dropout": "Word dropout",
}
"""Labels of fields whose Python name does not read as one."""

CHOICES = {
    "": "None",
    "auto": "Automatic",
    "cpu": "CPU",
    "cuda": "GPU (CUDA)",
    **{name: net.title for name, net in NETS.items()},
    **{name: loss.title for name, loss in LOSSES.items()},
    **{name: corruption.title for name, corruption in CORRUPTIONS.items()},
}
"""Labels of the values of a choice."""

LIMITS = {
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:g}",
    "greater_than": "above {gt:g}",
    "less_than": "below {lt:g}",
    "multiple_of": "a multiple of {multiple_of}",
    "too_long": "at most {max_length} numbers",
    "too_short": "at least {min_length} number",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} characters",
    "string_pattern_mismatch": "of the form {pattern}",
}
"""Limits by the name that pydantic gives their errors."""

BOUNDS = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "above",
    "less than": "below",
}


def label_of(name: str) -> str:
    """The label of a field."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def choice_label(value: str) -> str:
    """The label of a value of a choice."""
    return CHOICES.get(value, value.replace("_", " ").capitalize())


def field_of(refusal: str) -> str:
    """The Python name of the field that a refusal of the core begins with: "hidden.0 must be …" is of hidden."""
    found = re.match(r"([a-z][a-z_]*)(\.\d+)? must ", refusal)
    return found[1] if found else ""


def labelled(refusal: str) -> str:
    """A refusal of the core in the words of the page: labels for the Python names of fields, "at least" for "greater
    than or equal to"."""
    clauses = []
    for clause in refusal.split("; "):
        if name := field_of(clause):
            clause = re.sub(r"^\S+", label_of(name), clause)
        clauses.append(re.sub(r"\b[a-z]+(_[a-z]+)+\b", lambda m: _within(m[0]), clause))
    text = "; ".join(clauses)
    for formal, plain in BOUNDS.items():
        text = text.replace(formal, plain)
    return text


def _within(name: str) -> str:
    """The label of a field within a sentence."""
    label = label_of(name)
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


class KnobForm:
    """Fields of configurations as widgets, with a place for a sentence below each.

    Numbers are text fields: a number field of the browser keeps back what lies outside its bounds, and reads "2,5" as
    25 and "1e9" as 1.

    Args:
        key: begins the key of every widget. What is typed is kept under it for the session.
        apart: by name, further words for the key of a field, so that it has a value of its own for each of them.

    Attributes:
        values: by name, the values of the fields shown, where they can be used.
        refused: by name, why the others cannot.
    """

    def __init__(self, key: str, apart: Mapping[str, str] | None = None) -> None:
        self.key = key
        self._apart = apart or {}
        self.values: dict[str, Any] = {}
        self.refused: dict[str, str] = {}
        self._places: dict[str, DeltaGenerator] = {}

    def key_of(self, name: str) -> str:
        """The key of the widget of a field."""
        return ".".join([self.key, *([self._apart[name]] if name in self._apart else []), name])

    def ask(
        self, columns: int, *parts: tuple[Config, Sequence[str]], options: Mapping[str, Sequence[Any]] | None = None
    ) -> None:
        """Show some fields in rows; a field that depends on another only when that one asks for it.

        Args:
            columns: fields in a row.
            parts: configurations, which hold what the fields begin with, and the names of the fields.
            options: by field name, the values of a choice that are offered; all of them where it is not named.
        """
        boxes: list[DeltaGenerator] = []
        for config, names in parts:
            fields = type(config).model_fields
            for name in names:
                values = {**dict(config), **self.values}
                foreign = name in foreign_knobs(values["net"]) if "net" in values else False
                if not foreign and _wanted(fields[name], values):
                    boxes = boxes or list(st.columns(columns))
                    self._places[name] = boxes.pop(0)
                    with self._places[name]:
                        self._field(name, fields[name], getattr(config, name), (options or {}).get(name))

    def refuse(self, refusal: str) -> bool:
        """Show a refusal of the core at the field that it begins with.

        Returns:
            whether the form shows that field.
        """
        name = field_of(refusal)
        if name not in self._places:
            return False
        self.refused[name] = labelled(refusal)
        self._places[name].caption(f":red[{as_text(self.refused[name])}]")
        return True

    def _field(self, name: str, field: FieldInfo, default: Any, options: Sequence[Any] | None) -> None:
        key, label, about = self.key_of(name), label_of(name), field.description
        kind, optional = without_none(field.annotation)
        st.session_state.setdefault(key, typed(default))
        known = choices(field)
        if known:
            offered = ["" if value is None else value for value in known if options is None or value in options]
            if st.session_state[key] not in offered:
                st.session_state[key] = offered[0]
            entry = st.selectbox(label, offered, key=key, help=about, format_func=choice_label, persist_state="session")
        elif kind is bool and not optional:
            entry = st.toggle(label, key=key, help=about, persist_state="session")
        else:
            more = ". Numbers separated by commas" if get_origin(kind) is tuple else ""
            more += ". Empty for none" if optional else ""
            entry = st.text_input(label, key=key, help=f"{about}{more}", max_chars=200, persist_state="session")
        if known or isinstance(entry, bool):
            self.values[name] = None if optional and entry == "" else entry
            return
        try:
            self.values[name] = checked(name, field, entry)
        except ConfigError as error:
            self.refuse(str(error))


def without_none(annotation: Any) -> tuple[Any, bool]:
    """The type of a field without None, and whether it may be None."""
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    if type(None) not in get_args(annotation) or len(kinds) != 1:
        return annotation, False
    return kinds[0], True


def typed(value: Any) -> Any:
    """A value as its widget holds it: texts as people type them, 0.002 or "512, 256", "" for None, and switches."""
    if value is None or isinstance(value, bool | str):
        return "" if value is None else value
    if isinstance(value, tuple):
        return ", ".join(map(typed, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def checked(name: str, field: FieldInfo, text: str) -> Any:
    """The value that was typed into a field of numbers or text.

    Raises:
        ConfigError: naming the field, the limit and the text or the value.
    """
    text = text.strip()
    annotation, optional = without_none(field.annotation)
    if optional and not text:
        return None
    several = get_origin(annotation) is tuple
    kind = _element(annotation) if several else annotation
    parts = text.split(";") if ";" in text else re.split(r"[,\s]+", text)
    try:
        read = str if kind is str else _whole if kind is int else _number
        value = tuple(read(part.strip()) for part in parts if part.strip()) if several else read(text)
    except ValueError:
        wanted = (
            ("whole numbers" if several else "a whole number") if kind is int else "numbers" if several else "a number"
        )
        raise ConfigError(f"{name} must be {wanted}, got {text!r}") from None
    try:
        return _adapter(annotation, tuple(field.metadata)).validate_python(value)
    except ValidationError as error:
        found = error.errors()[0]
        limit, got = found["ctx"], found["ctx"].get("actual_length", typed(found["input"]))
        raise ConfigError(f"{name} must be {LIMITS[found['type']].format(**limit)}, got {got}") from None


@functools.cache
def _adapter(annotation: Any, bounds: tuple[Any, ...]) -> TypeAdapter[Any]:
    return TypeAdapter(Annotated[annotation, *bounds] if bounds else annotation)


def _element(annotation: Any) -> Any:
    """The type in tuple[type, ...], without its bounds."""
    inner = get_args(annotation)[0]
    return get_args(inner)[0] if get_origin(inner) is Annotated else inner


def _whole(text: str) -> int:
    """A whole number: "12", also as "1e3"."""
    if re.fullmatch(r"[+-]?\d+(\.\d*)?[eE]\+?\d{1,2}", text) and float(text).is_integer():
        return int(float(text))
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    """A finite number with a decimal point or a decimal comma."""
    value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _wanted(field: FieldInfo, values: Mapping[str, Any]) -> bool:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    unless = extra.get("unless", {})
    assert isinstance(unless, dict)
    return unless.items().isdisjoint(values.items())


def bounds(field: FieldInfo) -> tuple[Any, Any]:
    """The least and the largest value of a field; None where there is none."""
    low = next((m.ge if isinstance(m, Ge) else m.gt for m in field.metadata if isinstance(m, Ge | Gt)), None)
    high = next((m.le if isinstance(m, Le) else m.lt for m in field.metadata if isinstance(m, Le | Lt)), None)
    return low, high

"""Native widgets of a setting.

A browser learns of a value in the session state only while it draws the widget. A widget that it first draws in a later
run, because it stood in a closed popover, expander or tab, would begin with the widget's own default and report that
as a choice. So the value in force is the default of every widget here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.ui.shared.view_state import Setting

T = TypeVar("T")


def select_box(
    setting: Setting, label: str, titles: Mapping[T, str], default: T, place: DeltaGenerator | None = None, **more: Any
) -> T:
    """Choose one of some options from a box.

    Args:
        titles: of the options.
        place: the container; the current one by default.
        more: arguments of `st.selectbox`.
    """
    options = list(titles)
    key = setting.begin(default, options)
    index = options.index(st.session_state[key])
    draw = (place or st).selectbox
    draw(label, options, index=index, format_func=titles.__getitem__, key=key, **more)
    setting.end(default)
    chosen: T = st.session_state[key]
    return chosen


def buttons(setting: Setting, label: str, titles: Mapping[T, str], default: T, **more: Any) -> T:
    """Choose one of some options from buttons in a row; arguments as `select_box`."""
    key = setting.begin(default, list(titles))
    value = st.session_state[key]
    chosen = st.segmented_control(
        label, list(titles), default=value, format_func=titles.__getitem__, required=True, key=key, **more
    )
    setting.end(default)
    return value if chosen is None else chosen


def number_box(
    setting: Setting,
    label: str,
    kind: type[int] | type[float],
    bounds: tuple[float, float],
    default: float,
    **more: Any,
) -> Any:
    """Enter a number of a kind within bounds; `more` are arguments of `st.number_input`."""
    key = setting.begin(kind(default))
    low, high = map(kind, bounds)
    value = kind(st.session_state[key])
    number_format: Literal["%d", "%g"] = "%d" if kind is int else "%g"
    number = st.number_input(label, low, high, value, format=number_format, key=key, **more)
    setting.end(kind(default))
    return kind(number)


def toggle(setting: Setting, label: str, place: DeltaGenerator | None = None, **more: Any) -> bool:
    """Switch something on or off; off by default. `more` are arguments of `st.toggle`."""
    key = setting.begin(False)
    on = (place or st).toggle(label, bool(st.session_state[key]), key=key, **more)
    setting.end(False)
    return bool(on)

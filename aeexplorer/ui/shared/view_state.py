"""Settings of a view that are kept on other pages of the session and are part of the link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from aeexplorer.ui.shared.run_picker import follow, followed


class Setting:
    """One setting: `begin` gives its widget the value of the link or of before, `end` puts what was chosen into the link.

    A value that is not among the options, or that cannot be read, is the default; the default is not in the link.

    Args:
        page: by which settings of the same name on two pages are told apart.
        name: in the link.
        read: makes a value of the link's text; ValueError for one that is none.
        write: makes the text again.
    """

    def __init__(
        self, page: str, name: str, read: Callable[[str], Any] = str, write: Callable[[Any], str] = str
    ) -> None:
        self.name, self.key, self._kept = name, f"{page}.{name}", f"{page}.{name}.kept"
        self._read, self._write = read, write

    def begin(self, default: Any, options: Sequence[Any] | None = None) -> str:
        """The key for the widget, which now holds a value that it can show."""
        shared = st.session_state.get(self._kept, default)
        text = st.query_params.get(self.name)
        if text is not None:
            try:
                shared = self._read(text)
            except ValueError:
                shared = default
        follow(self.key, shared)
        if not _among(st.session_state[self.key], options):
            st.session_state[self.key] = default
        return self.key

    def end(self, default: Any) -> None:
        """After the widget: keep its value."""
        value = st.session_state[self.key]
        st.session_state[self._kept] = value
        text = self._write(value)
        if value == default:
            st.query_params.pop(self.name, None)
        elif st.query_params.get(self.name) != text:
            st.query_params[self.name] = text
        followed(self.key)

    def put(self, value: Any, default: Any) -> None:
        """Set it without a widget."""
        st.session_state[self.key] = value
        self.end(default)


def _among(value: Any, options: Sequence[Any] | None) -> bool:
    if options is None:
        return True
    if isinstance(value, list):
        return bool(value) and all(part in options for part in value)
    return value in options


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers between bounds."""

    def read(text: str) -> int:
        value = int(text[:20])
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    """A reader of numbers between bounds."""

    def read(text: str) -> float:
        value = float(text[:40])
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def names(text: str) -> list[str]:
    """A reader of names separated by commas."""
    return [part for part in text[:400].split(",") if part]

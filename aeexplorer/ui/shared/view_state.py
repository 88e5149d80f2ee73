"""The state of a view: the start values of its controls, their last values, and the link that holds them.

A control begins with the value of the link, else where it was left in this session, else with its default. The link has
a say when a page is opened, when the browser goes back or forth, and when it holds a text that no run of the script
wrote. The texts that a run of the script writes reach the browser as one change of the address.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException

from aeexplorer.server.history import went_back

VISIT = "view.visit"
"""Key of the page that is open, and how many pages were opened before."""
WRITTEN = "view.written"
"""Key of the changes of a script run that was restarted."""
LONGEST = 400
"""Characters of the link that are read as a value."""
Limits = tuple[float, float] | list[str]
_pending: ContextVar[dict[str, str | None] | None] = ContextVar("_pending", default=None)


def linked(name: str) -> str | None:
    """A parameter of the link, as it will be at the end of this run."""
    pending = _pending.get() or {}
    return pending[name] if name in pending else st.query_params.get(name)


def write_link(**values: str | None) -> None:
    """Set a parameter of the link; None removes it."""
    pending = _pending.get()
    if pending is None:
        _send(values)
    else:
        pending.update(values)


@contextmanager
def one_link(page: str = "") -> Iterator[None]:
    """Send all that is written inside at the end of it; a name of a page says which one is open from now on.

    A rerun of the script begins with the link from before: what was written until then is sent at the end of the rerun.
    """
    state = st.session_state
    if page and state.get(VISIT, ("", 0))[0] != page:
        state[VISIT] = (page, _visit() + 1)
        state.pop(WRITTEN, None)
    if _pending.get() is not None:
        yield
        return
    pending: dict[str, str | None] = state.pop(WRITTEN, {})
    token = _pending.set(pending)
    try:
        yield
    except RerunException:
        state[WRITTEN] = pending
        raise
    except BaseException:
        _send(pending)
        raise
    else:
        _send(pending)
    finally:
        _pending.reset(token)


def link_query() -> dict[str, str]:
    """All parameters of the link, as they will be at the end of this run."""
    query = {**st.query_params.to_dict(), **(_pending.get() or {})}
    return {name: value for name, value in query.items() if value is not None}


def _send(values: Mapping[str, str | None]) -> None:
    new = {name: text for name, text in values.items() if text is not None and st.query_params.get(name) != text}
    if new:
        st.query_params.update(new)
    for name, text in values.items():
        if text is None and name in st.query_params:
            del st.query_params[name]


def _visit() -> int:
    return int(st.session_state.get(VISIT, ("", 0))[1])


def begin_widget(key: str, value: Any, options: Sequence[Any] | None = None) -> None:
    """Before a native widget: its key holds this value, or one that a person chose since the widget showed this one.

    A page that is opened begins with the value: what the key still holds is of the last page's widget, and is gone once
    this page has made its own.
    """
    state = st.session_state
    shown = state.get(f"{key}.shown") == (_visit(), value)
    if not shown or key not in state or not _among(state[key], options):
        state[key] = value


def end_widget(key: str) -> Any:
    """After the widget: its value, which it shows from now on."""
    value = st.session_state[key]
    st.session_state[f"{key}.shown"] = (_visit(), value)
    return value


class Setting:
    """One value of a view, kept for the session and in the link.

    A value that cannot be read, or that is not among the options, is the default; the default is not in the link.

    Args:
        page: by which settings of the same name on two pages are told apart; "" for one that all pages share.
        name: in the link.
        read: makes a value of the link's text; ValueError for one that is none.
        write: makes the text again.
    """

    def __init__(
        self, page: str, name: str, read: Callable[[str], Any] = str, write: Callable[[Any], str] | None = None
    ) -> None:
        self.name, self.key = name, f"{page}.{name}" if page else name
        self._read, self._write = read, write or as_link_text

    def heard(self) -> bool:
        """Whether the link holds a value that was not read yet."""
        visit, *texts = st.session_state.get(f"{self.key}.link", (-1,))
        return visit != _visit() or went_back() or linked(self.name) not in texts

    def value(self, default: Any, options: Sequence[Any] | None = None) -> Any:
        """The value in force."""
        text = linked(self.name)
        if self.heard():
            self._remember(text, text)
            if text is not None:
                st.session_state[f"{self.key}.kept"] = self._parsed(text, default)
            elif went_back():
                st.session_state[f"{self.key}.kept"] = default
        kept = st.session_state.get(f"{self.key}.kept", default)
        return kept if _among(kept, options) else default

    def keep(self, value: Any, default: Any = None) -> None:
        """Make this the value in force."""
        st.session_state[f"{self.key}.kept"] = value
        text = None if value == default else self._write(value)
        self._remember(linked(self.name), text)
        write_link(**{self.name: text})

    def begin(self, default: Any, options: Sequence[Any] | None = None) -> str:
        """Before a native widget: its key, which holds the value in force or one that a person just chose."""
        begin_widget(self.key, self.value(default, options), options)
        return self.key

    def end(self, default: Any = None) -> Any:
        """After the widget: keep its value, which is returned."""
        value = end_widget(self.key)
        self.keep(value, default)
        return value

    def _parsed(self, text: str, default: Any) -> Any:
        try:
            return self._read(text[:LONGEST])
        except ValueError:
            return default

    def _remember(self, *texts: str | None) -> None:
        st.session_state[f"{self.key}.link"] = (_visit(), *texts)


class PanelState:
    """The settings of a live panel, by the params that its controls set.

    While the panel lives a control is the hand's own: the page tells it where to begin, and moves it again only when
    the link has a say or when it stands where it must not.

    Args:
        key: of the panel.
    """

    def __init__(self, key: str, **settings: Setting) -> None:
        self.key, self._settings = key, settings
        self._first = self._moved = False

    def start(self, limits: Mapping[str, Limits] | None = None, **defaults: Any) -> dict[str, Any]:
        """Where the controls begin, by param.

        Args:
            limits: by param, the least and the largest value, or a list of all.
            defaults: by param; only the settings that are named here are on the panel.
        """
        state, limits = st.session_state, limits or {}
        known = state.get(f"{self.key}.start")
        self._first = known is None
        heard = any(self._settings[param].heard() for param in defaults)
        if known is None or known.keys() != defaults.keys() or self.key not in state or heard:
            known = {param: self._settings[param].value(default) for param, default in defaults.items()}
        began = {param: _within(value, limits.get(param), defaults[param]) for param, value in known.items()}
        self._moved = began != state.get(f"{self.key}.start")
        state[f"{self.key}.start"] = began
        return dict(began)

    def left(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Keep where the controls were left; the values of the panel with those of its settings that are in force.

        Args:
            values: of the panel, which still holds what the hand did last when the page has moved a control since.
        """
        state, began = st.session_state, st.session_state[f"{self.key}.start"]
        mine = {param: values[param] for param in began}
        if self._first and mine != began:  # the server began anew and the browser did not: it knows better
            state[f"{self.key}.start"] = mine
            self._keep(mine)
            st.rerun()
        if self._moved:
            state[f"{self.key}.stale"] = mine
        if mine == state.get(f"{self.key}.stale"):
            mine = began
        else:
            state.pop(f"{self.key}.stale", None)
        self._keep(mine)
        return {**values, **mine}

    def _keep(self, values: Mapping[str, Any]) -> None:
        for param, value in values.items():
            self._settings[param].keep(value)


def _within(value: Any, limits: Limits | None, default: Any) -> Any:
    if isinstance(limits, list):
        return value if value in limits else default
    return value if limits is None else min(max(value, limits[0]), limits[1])


def as_link_text(value: Any) -> str:
    """A value as text for a link: whole numbers with all their digits, others with ten."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.10g}"
    return str(value)


def _among(value: Any, options: Sequence[Any] | None) -> bool:
    if options is None:
        return True
    if isinstance(value, list):
        return bool(value) and all(part in options for part in value)
    return value in options


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers; one outside of the bounds is the nearest of them."""

    def read(text: str) -> int:
        return min(max(int(text[:20]), low), high)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    """A reader of finite numbers; one outside of the bounds is the nearest of them."""

    def read(text: str) -> float:
        value = float(text[:40])
        if not math.isfinite(value):
            raise ValueError(text)
        return min(max(value, low), high)

    return read


def place(low: Sequence[float], high: Sequence[float]) -> Callable[[str], tuple[float, float]]:
    """A reader of points "x,y" between two corners of a plane."""

    def read(text: str) -> tuple[float, float]:
        x, y = (float(part) for part in text.split(","))
        if not (low[0] <= x <= high[0] and low[1] <= y <= high[1]):
            raise ValueError(text)
        return x, y

    return read


def names(text: str) -> list[str]:
    """A reader of names separated by commas."""
    return [part for part in text.split(",") if part]

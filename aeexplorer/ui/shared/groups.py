"""Groups of samples that people named by hand, kept for the session; a group is of a dataset, whatever the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer
from aeexplorer.ui.shared.samples import class_name

MOST = 20
NAME_LIMIT = 40


def named_groups(dataset: str) -> Mapping[str, tuple[int, ...]]:
    """Groups of a dataset by name, each as places in its test split."""
    return dict(st.session_state.get("groups", {}).get(dataset, {}))


def keep_group(dataset: str, name: str, places: Sequence[int]) -> None:
    """Name some samples; a group of that name is replaced.

    Raises:
        ConfigError: without a name or samples, or when there are too many groups.
    """
    wanted = " ".join(name.split())
    if not 1 <= len(wanted) <= NAME_LIMIT:
        raise ConfigError(f"name of a group must have 1 to {NAME_LIMIT} characters, got {len(wanted)}")
    if not places:
        raise ConfigError("a group must hold at least 1 sample, got 0")
    groups = st.session_state.setdefault("groups", {}).setdefault(dataset, {})
    if wanted not in groups and len(groups) >= MOST:
        raise ConfigError(f"at most {MOST} groups are kept of a dataset, found {len(groups)}")
    groups[wanted] = tuple(int(place) for place in places)


def forget_group(dataset: str, name: str) -> None:
    """Forget a group."""
    st.session_state.get("groups", {}).get(dataset, {}).pop(name, None)


class Group(NamedTuple):
    """Some samples of a stock of them.

    Attributes:
        rows: (m,) places in the stock.
        python: makes them again, of the stock's `labels`.
    """

    title: str
    rows: np.ndarray
    python: str


def group_options(model: Explorer, index: np.ndarray, labels: np.ndarray) -> dict[str, Group]:
    """Possible ends of a direction: every class and every named group that is among some samples.

    Args:
        index: (n,) places in the test split.
        labels: (n,) their classes, -1 for none.

    Returns:
        by a name for widgets and links.
    """
    groups = {
        f"class:{y}": Group(class_name(model.spec, y), np.flatnonzero(labels == y), f"labels == {y}")
        for y in sorted(set(labels[labels >= 0].tolist()))
    }
    for name, places in named_groups(model.run.spec.dataset).items():
        rows = np.flatnonzero(np.isin(index, places))
        if len(rows):
            groups[f"group:{name}"] = Group(name, rows, str(rows.tolist()))
    return groups

"""Refusals and damage as sentences on the page instead of a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from aeexplorer.config import ConfigError, reason
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.text import as_text


@contextmanager
def refusals() -> Iterator[None]:
    """Show a refusal, a damage or a failure of the disk as its sentence, and stop the page there."""
    try:
        yield
    except (ConfigError, Damaged, OSError) as error:
        st.error(as_text(reason(error)), icon=":material/error:")
        st.stop()

"""Import a bundle: a run that was downloaded here or elsewhere, with the data that people brought."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from aeexplorer.config import ConfigError, reason
from aeexplorer.runs.bundles import import_bundle
from aeexplorer.server.identity import current_owner
from aeexplorer.server.uploads import UPLOADS
from aeexplorer.store import Damaged
from aeexplorer.ui.runs import OUTCOME, QUESTION, SELECTED
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.text import as_text

OPEN = "runs.import"


def import_button() -> None:
    """A button that asks for a bundle and imports it as a run of this person."""
    if st.button("Import", key="runs.import.open", icon=":material/upload:", help="A run that was downloaded before"):
        st.session_state[OPEN] = True
        st.session_state.pop(QUESTION, None)
    if OPEN in st.session_state:
        UPLOADS.expect(_session())
        st.dialog("Import a run", on_dismiss=_close)(_ask)()


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _close() -> None:
    """Close the dialog and release the file."""
    st.session_state.pop(OPEN, None)
    UPLOADS.release(_session())


def _ask() -> None:
    """Ask for a file until one can be imported. What is refused leaves nothing."""
    st.markdown(
        "A zip archive from **Download** on this page, or from `aeexplorer export`. Own data in the bundle are "
        "imported too."
    )
    file = st.file_uploader("Bundle", "zip", key="runs.import.file", label_visibility="collapsed")
    if file is None:
        return
    try:
        with st.spinner("Checking the bundle"):
            run = import_bundle(file, current_owner())
    except (ConfigError, Damaged, OSError) as error:
        UPLOADS.release(_session())
        UPLOADS.expect(_session())
        st.error(as_text(f"{file.name[:80]} is not imported: {reason(error)}."), icon=":material/error:")
        return
    st.session_state[OUTCOME] = ("done", f"{run_name(run)} is imported.")
    st.session_state[SELECTED] = run.path.name
    _close()
    st.rerun()

"""Compare: two to six runs and PCA on the same samples."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import compare, compare_table
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.setting_widgets import buttons
from aeexplorer.ui.shared.text import heading
from aeexplorer.ui.shared.view_state import Setting

VIEWS = {name: name for name in ("Samples", "Maps", "Errors", "Table", "Latent size")}

heading("Compare", "Compare two to six models, and PCA with codes of the same size, on the same samples.")
runs = compare.choose_runs()
if len(runs) > 1:
    with refusals():
        view = buttons(Setting("compare", "view"), "View", VIEWS, "Samples", label_visibility="collapsed", wrap=True)
        if view == "Maps":
            compare.maps(runs)
        elif view == "Errors":
            compare_table.error_view(runs)
        elif view == "Table":
            compare_table.table_view(runs)
        elif view == "Latent size":
            compare_table.size_view(runs)
        else:
            compare.sample_rows(runs)
    page_footer(r"\mathrm{MSE} = \frac 1D \lVert x - \hat x \rVert^2", "", compare.as_python(runs))
elif runs:
    st.info("Choose at least one more model of the same data.", icon=":material/compare:")

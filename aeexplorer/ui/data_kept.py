"""Actions of the owner of kept data: share, download, remove; and the link that lets a guest in."""

from __future__ import annotations

import streamlit as st

from aeexplorer.config import ConfigError, reason
from aeexplorer.data import Source
from aeexplorer.data.own import Kept, open_link, own_data, share, unshare
from aeexplorer.data.sharing import export_own
from aeexplorer.owners import as_viewer
from aeexplorer.runs.listing import remove_data, runs_of, visible
from aeexplorer.server.identity import current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.text import as_text, counted

ASKED = "data.remove.asked"


def follow_link() -> str:
    """Let a visitor in who opened a link with ?share=…; returns the name of the data, "" where it leads nowhere."""
    if "share" not in st.query_params:
        return ""
    name = open_link(st.query_params.pop("share", "")[:200])
    if not name:
        st.warning("This link to somebody's data leads nowhere: it was withdrawn or the data are gone.")
    return name


def kept_facts(source: Source) -> None:
    """Show the owner of own data, the notices from reading them, their runs, and what the owner may do."""
    kept = own_data()[source.name]
    mine = kept.owner == current_owner()
    access = "shared by a link" if kept.link else "private" if kept.private else "open to everybody here"
    whose = f"Your own data, {access}." if mine else f"Somebody's own data, {access}."
    with st.container(border=True, gap="xsmall"):
        st.markdown(whose)
        runs = [run for run in runs_of(source.name) if visible(run)]
        if runs:
            with st.popover(f"{counted(len(runs), 'run')} of them"):
                for run in runs[:20]:
                    page_link("runs", as_text(run_name(run)), run=run.id)
        if kept.notices:
            with st.popover(f"{counted(len(kept.notices), 'notice')} from reading"):
                st.markdown("\n".join(f"- {as_text(notice)}" for notice in kept.notices[:100]))
        with st.container(horizontal=True, gap="small"):
            page_link("train", "Train on it", "model_training", dataset=source.name)
            st.download_button(
                "Download",
                as_viewer(lambda: export_own(source.name)),
                f"{source.name.removeprefix('own/')}.zip",
                key="data.download",
                on_click="ignore",
                icon=":material/download:",
                help="A zip archive with the data and their samples; Add data takes it in elsewhere",
            )
        if mine:
            _ways_to_change(source.name, kept)


def _ways_to_change(name: str, kept: Kept) -> None:
    if kept.link:
        st.code(f"{_address()}?share={kept.link}", language=None)
        if st.button("Stop sharing", icon=":material/lock:", key="data.unshare"):
            unshare(name, current_owner())
            st.rerun()
    elif kept.private and st.button("Share by a link", icon=":material/link:", key="data.share"):
        share(name, current_owner())
        st.rerun()
    if st.session_state.get(ASKED) != name:
        if st.button("Remove", icon=":material/delete:", key="data.remove"):
            st.session_state[ASKED] = name
            st.rerun()
        return
    needed = runs_of(name)
    if needed:
        st.markdown(
            f"Without these data {counted(len(needed), 'run')} cannot show samples: "
            + ", ".join(as_text(run_name(run)) for run in needed[:5])
            + (f" and {len(needed) - 5} more." if len(needed) > 5 else ".")
        )
    yes, no = st.columns(2)
    if yes.button("Remove", type="primary", key="data.remove.yes", width="stretch"):
        st.session_state.pop(ASKED, None)
        try:
            remove_data(name, current_owner(), although_runs=True)
        except (ConfigError, Damaged, OSError) as error:
            st.error(as_text(reason(error)))
            return
        st.rerun()
    if no.button("Keep", key="data.remove.no", width="stretch"):
        st.session_state.pop(ASKED, None)
        st.rerun()


def _address() -> str:
    """The address of this page, without what follows a question mark."""
    return str(st.context.url or "").partition("?")[0] or "/data"

"""Downloads of datasets by threads, while every page stays usable and shows their progress."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import streamlit as st

from aeexplorer.config import ConfigError, reason
from aeexplorer.data import download, download_size
from aeexplorer.ui.shared.text import as_text

MEGABYTE = 1_000_000


@dataclass
class Transfer:
    """One download: bytes received and in all, and how it ended."""

    total: int
    received: int = 0
    ended: bool = False
    error: str = ""


_starting = threading.Lock()


@st.cache_resource(show_spinner=False)
def _transfers() -> dict[str, Transfer]:
    """Downloads of this server by dataset, one at a time of each, for all sessions."""
    return {}


def begin(name: str) -> None:
    """Start the download of a dataset, unless it is under way."""
    transfers = _transfers()
    with _starting:
        if name in transfers and not transfers[name].ended:
            return
        transfers[name] = Transfer(download_size(name))
    threading.Thread(target=_fetch, args=(name, transfers[name]), daemon=True).start()


def _fetch(name: str, transfer: Transfer) -> None:
    def advance(received: int, total: int) -> None:
        transfer.received, transfer.total = received, total

    try:
        download(name, advance)
    except (ConfigError, OSError) as error:
        transfer.error = reason(error)
    finally:
        transfer.ended = True


def offer(name: str) -> None:
    """Show a button that downloads a dataset, its progress meanwhile, and a sentence if it failed."""
    transfer = _transfers().get(name)
    if transfer is not None and not transfer.ended:
        _watch(transfer)
        return
    if transfer is not None and transfer.error:
        st.error(as_text(transfer.error), icon=":material/error:")
    st.button(
        f"Download, {download_size(name) / MEGABYTE:.0f} MB",
        type="primary",
        icon=":material/download:",
        on_click=begin,
        args=(name,),
        key="download",
    )


@st.fragment(run_every=0.5)
def _watch(transfer: Transfer) -> None:
    if transfer.ended:
        st.rerun()
    share = transfer.received / max(transfer.total, 1)
    st.progress(min(share, 1.0), f"{transfer.received / MEGABYTE:.1f} of {transfer.total / MEGABYTE:.1f} MB")

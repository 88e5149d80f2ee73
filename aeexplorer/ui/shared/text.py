"""Text on a page: headings, names that are shown letter by letter, spans of time and counts."""

from __future__ import annotations

import html

import streamlit as st

from aeexplorer.ui.shared.page_help import page_help


def heading(title: str, lead: str) -> None:
    """Show a title, one sentence, and the folded help of the page."""
    st.title(title, anchor=False)
    st.html(f'<p class="ae-lead">{html.escape(lead)}</p>')
    page_help()


def as_text(text: str) -> str:
    """Escape a text of people or files, so that Markdown shows it letter by letter."""
    for letter in "\\`*_{}[]()#+-.!|$:~":
        text = text.replace(letter, f"\\{letter}")
    return text.replace("<", "&lt;").replace(">", "&gt;")


def shortened(text: str, limit: int) -> str:
    """A text of at most `limit` characters, with "…" in place of the rest."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def duration(seconds: float) -> str:
    """Say a span of time in round numbers: "12 s", "3 minutes", "2.5 hours"."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours"


def counted(n: int, noun: str) -> str:
    """A number with its noun: "1 epoch", "1,320 epochs"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"

"""The parts of the Glossary: the terms that a search finds."""

from __future__ import annotations

import html

import streamlit as st

from aeexplorer.ui.shared.glossary import TERMS


def show() -> None:
    """A search, and the terms with their explanations."""
    text = st.text_input("Find", key="term", bind="query-params", placeholder="part of a term", max_chars=60)
    wanted = text.casefold().strip()
    found = sorted(
        (term for term in TERMS.values() if wanted in f"{term.name} {' '.join(term.forms)} {term.text}".casefold()),
        key=lambda term: (wanted not in term.name.casefold(), term.name.casefold()),
    )
    if not found:
        st.info("No term matches.", icon=":material/search_off:")
    rows = "".join(f"<dt>{html.escape(term.name)}</dt><dd>{html.escape(term.text)}</dd>" for term in found)
    st.html(f'<dl class="ae-glossary">{rows}</dl>')

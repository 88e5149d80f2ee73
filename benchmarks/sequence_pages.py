"""The figures of `sequences.py` as a page of Markdown."""

from __future__ import annotations

from typing import Any


def page(found: dict[str, Any]) -> str:
    return ""

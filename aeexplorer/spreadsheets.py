"""Cells that spreadsheets show as they are."""

from __future__ import annotations

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(text: str) -> str:
    """A text that no spreadsheet reads as a formula: an apostrophe is put before one that begins like a formula.

    OWASP, "CSV injection", https://owasp.org/www-community/attacks/CSV_Injection.
    """
    return f"'{text}" if text.startswith(STARTS_A_FORMULA) else text

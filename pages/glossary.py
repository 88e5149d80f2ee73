"""Glossary: every term of the field, explained once."""

from __future__ import annotations

from aeexplorer.ui import glossary
from aeexplorer.ui.shared.text import heading

heading("Glossary", "Every term of the field that the pages use, explained once.")
glossary.show()

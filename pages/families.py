"""Families: every kind of autoencoder with its idea, its loss, its code and its paper."""

from __future__ import annotations

from aeexplorer.ui import families
from aeexplorer.ui.shared.text import heading

heading("Families", "Every kind of autoencoder that can be trained here.")
found = families.filtered()
if found:
    families.show(families.choose(found))
    families.overview(found)
families.tree()

"""Figures of a long benchmark, kept as they come."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Pieces:
    """Figures by name, in a folder, so that a benchmark goes on where it was broken off.

    Args:
        cache: the folder.
        group: the first part of the names of its files.
        quick: figures of quick runs have files of their own.
    """

    def __init__(self, cache: Path, group: str, quick: bool) -> None:
        self.cache, self.group, self.quick = cache, group, quick
        cache.mkdir(parents=True, exist_ok=True)

    def kept(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The figures of this name, made where they are not there yet, with the seconds of CPU that this took."""
        file = self.cache / f"{self.group}-{name}{'-quick' if self.quick else ''}.json"
        if not file.exists():
            began = time.process_time()
            found = make()
            file.write_text(json.dumps(found | {"cpu_seconds": [time.process_time() - began]}))
            print(f"{file.stem}: {file.read_text()}", file=sys.stderr, flush=True)
        return dict(json.loads(file.read_text()))


class Finished(Pieces):
    """The pieces that are in the cache; others are left out."""

    def kept(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        file = self.cache / f"{self.group}-{name}{'-quick' if self.quick else ''}.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}

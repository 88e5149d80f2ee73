"""umap-learn with its compiled functions cached on disk, so that a computer compiles them once and not each process.

The library compiles its three inner loops anew in every process: seconds before the first map. numba can keep compiled
functions in a folder when it is asked to before their first call. The folder is the user's own, because what lies in it
is run: `NUMBA_CACHE_DIR` where that is set, else `aeexplorer/compiled` in the user's cache directory.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import stat
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

_PACKAGES = ("numba", "llvmlite", "numpy", "umap-learn", "pynndescent")
_LOADING = threading.Lock()


@dataclass(frozen=True)
class UmapLibrary:
    """The three functions of umap-learn that a map calls."""

    optimise: Callable[..., np.ndarray]
    fuzzy_graph: Callable[..., tuple[Any, ...]]
    curve: Callable[[float, float], tuple[float, float]]


def umap_library() -> UmapLibrary:
    """umap-learn, imported and compiled or read from disk at the first call of a process."""
    with _LOADING:
        return _loaded()


@functools.cache
def _loaded() -> UmapLibrary:
    folder = _folder()
    try:
        return _load(folder)
    except Exception:  # numba raises anything on a damaged file; a fault of the library itself comes again
        if folder is None:
            raise
        shutil.rmtree(folder, ignore_errors=True)
        for name in [n for n in sys.modules if n.split(".")[0] in ("umap", "pynndescent")]:
            del sys.modules[name]
        return _load(_made(folder))


def _folder() -> Path | None:
    """The folder of compiled functions; None where the user has set NUMBA_CACHE_DIR."""
    if _numba().CACHE_DIR:
        return None
    names = " ".join(f"{name} {version(name)}" for name in _PACKAGES) + sys.version
    of_versions = hashlib.sha256(names.encode()).hexdigest()[:16]
    folder = platformdirs.user_cache_path("aeexplorer", appauthor=False) / "compiled" / of_versions
    try:
        return _made(folder)
    except OSError:
        # A folder for this process alone: the packages need one as soon as they are imported.
        return Path(tempfile.mkdtemp(prefix="aeexplorer-compiled-"))


def _numba() -> Any:
    """The settings module of numba, which has no type stubs."""
    return import_module("numba.core.config")


def _made(folder: Path) -> Path:
    """Make a folder that only this user may write to, because what lies there is run."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _private(folder):
        shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    tempfile.TemporaryFile(dir=folder).close()
    return folder


def _private(folder: Path) -> bool:
    """Whether a folder is no link, belongs to this user and is closed to all others."""
    found = folder.lstat()
    return os.name == "nt" or (
        stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not stat.S_IMODE(found.st_mode) & 0o077
    )


def _load(folder: Path | None) -> UmapLibrary:
    if folder is not None:
        _numba().CACHE_DIR = str(folder)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        import umap.layouts
        import umap.umap_
    _keep(umap.layouts)
    _keep(umap.umap_)
    library = UmapLibrary(
        umap.layouts.optimize_layout_euclidean, umap.umap_.fuzzy_simplicial_set, umap.umap_.find_ab_params
    )
    _first_call(library)
    return library


def _keep(module: Any) -> None:
    """Let numba cache the compiled functions of a module."""
    from numba.core.dispatcher import Dispatcher

    functions = [value for value in vars(module).values() if isinstance(value, Dispatcher)]
    sequential = {f.py_func for f in functions if not f.targetoptions.get("parallel")}
    for function in functions:
        # The parallel twin of a sequential function would share its file, and is never called here.
        if not (function.targetoptions.get("parallel") and function.py_func in sequential):
            function.enable_caching()


def _first_call(library: UmapLibrary) -> None:
    """Compile the functions for the types of a map."""
    n = 4
    indices = (np.arange(n)[:, None] + np.arange(3)[None]).astype(np.int32) % n
    distances = np.broadcast_to(np.arange(3, dtype=np.float32), (n, 3)).copy()
    fuzzy, *_ = library.fuzzy_graph(np.zeros((n, 2)), 3, None, "euclidean", knn_indices=indices, knn_dists=distances)
    edges = fuzzy.tocoo()
    points = np.zeros((n, 2), dtype=np.float32)
    curve, random_state = library.curve(1.0, 0.1), np.arange(3)
    library.optimise(
        points, points, edges.row, edges.col, 1, n, np.ones(edges.nnz), *curve, random_state, move_other=True
    )

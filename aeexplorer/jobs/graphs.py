"""The exact neighbour graph of codes, computed once for every job and page and kept on disk.

graphs/<key>/graph.safetensors   the key is a hash of the codes

`cache.trim_results` may remove it: it can be made again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from aeexplorer.jobs.cache import mark_used
from aeexplorer.metrics import KNNGraph, neighbours
from aeexplorer.store import Damaged, home, load_arrays, save_arrays

GRAPH_NEIGHBOURS = 90  # three per unit of t-SNE's usual perplexity, and more than UMAP and the quality figures need
STORED_NEIGHBOURS = 150  # of a graph on disk at most
_LOCK_SECONDS = 0.1


def neighbour_graph(
    z: np.ndarray, k: int = GRAPH_NEIGHBOURS, progress: Callable[[float], object] | None = None
) -> KNNGraph:
    """The exact graph of codes with at least k neighbours, from disk where it was computed before.

    While another process computes the same graph, this one waits for it.

    Args:
        z: (n, latent_dim), finite.
        k: neighbours; all others where there are fewer than k + 1 codes.
        progress: called with the fraction done, also while waiting; what it raises ends the search.

    Raises:
        ConfigError: for fewer than 2 codes, or codes that are not finite.
    """
    report = progress or (lambda done: None)
    k = max(1, min(k, len(z) - 1))
    width = max(k, min(GRAPH_NEIGHBOURS, len(z) - 1))  # wide enough for the next request too
    if width > STORED_NEIGHBOURS:
        return neighbours(z, k, progress)
    path = home() / "graphs" / _content_hash(z)
    graph = _read_graph(path, len(z), k)
    if graph is not None:
        return graph
    lock = FileLock(path / "lock")
    try:
        while not lock.is_locked:
            try:
                lock.acquire(timeout=_LOCK_SECONDS)
            except Timeout:
                report(0.0)
        graph = _read_graph(path, len(z), k)
        if graph is None:
            graph = neighbours(z, width, progress)
            save_arrays(path / "graph.safetensors", graph._asdict())
        return graph
    except OSError:  # nothing can be kept in a home that is read only
        return graph or neighbours(z, width, progress)
    finally:
        lock.release()


def _content_hash(z: np.ndarray) -> str:
    codes = np.ascontiguousarray(z, dtype=np.float32)
    digest = hashlib.sha256(f"{codes.shape}".encode())
    digest.update(codes.data)
    return digest.hexdigest()[:32]


def _read_graph(path: Path, n: int, k: int) -> KNNGraph | None:
    with contextlib.suppress(Damaged, KeyError, OSError):
        arrays = load_arrays(path / "graph.safetensors")
        graph = KNNGraph(arrays["indices"], arrays["distances"])
        if _fits(graph, n) and graph.k >= k:
            mark_used(path)
            return graph
    return None


def _fits(graph: KNNGraph, n: int) -> bool:
    """Whether a stored graph is one of n codes, because a file may hold anything."""
    indices, distances = graph.indices, graph.distances
    return bool(
        indices.shape == distances.shape
        and indices.ndim == 2
        and len(indices) == n
        and indices.dtype.kind == "i"
        and distances.dtype.kind == "f"
        and indices.size
        and 0 <= indices.min() <= indices.max() < n
        and np.isfinite(distances).all()
        and distances.min() >= 0
    )

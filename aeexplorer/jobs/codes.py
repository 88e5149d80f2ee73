"""The codes that maps are drawn from, and their one exact graph of neighbours: on disk, for every job and page.

codes/<key>/codes.safetensors    of more samples than a run stores; the key names the model, the split and the number
graphs/<key>/graph.safetensors   the key is the content of the codes

Both can be made again, so `cache.trim_results` may remove them.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, Split
from aeexplorer.explorer import Explorer
from aeexplorer.jobs.cache import mark_used
from aeexplorer.jobs.locks import FileLock
from aeexplorer.metrics import KNNGraph, neighbours
from aeexplorer.runs.run import STORED_CODES, Run
from aeexplorer.store import Damaged, home, load_arrays, save_arrays

SplitName = Literal["test", "train", "all"]

MOST_CODES = 100_000  # of a map: the exact graph takes time with the square of them
GRAPH_NEIGHBOURS = 90  # what t-SNE wants at its usual perplexity, and more than UMAP and the measures want
KEPT_NEIGHBOURS = 150  # of a graph that is written to disk
_LOCK_SECONDS = 0.1


class MapCodes(NamedTuple):
    """Codes z (n, latent_dim) float32, labels (n,) and index (n,): places in the dataset, see `samples_of`."""

    z: np.ndarray
    labels: np.ndarray
    index: np.ndarray  # type: ignore[assignment]  # a place, not the method of a tuple


def samples_of(dataset: Dataset, index: np.ndarray) -> Split:
    """Samples by their place in the whole dataset: the test split first, then training, then validation.

    So a place below `len(dataset.test)` is one in the test split.

    Raises:
        ConfigError: for a place outside.
    """
    parts = (dataset.test, dataset.train, dataset.validation)
    ends = np.cumsum([len(part) for part in parts])
    wanted = np.asarray(index, dtype=np.int64)
    if wanted.size and (wanted.min() < 0 or wanted.max() >= ends[-1]):
        outside = wanted.min() if wanted.min() < 0 else wanted.max()
        raise ConfigError(f"index must be between 0 and {ends[-1] - 1}, got {outside}")
    which = np.searchsorted(ends, wanted, side="right")
    x = np.empty((len(wanted), *dataset.spec.shape), parts[0].x.dtype)
    y = np.empty(len(wanted), np.int64)
    factors = None
    if all(part.factors is not None for part in parts):
        factors = np.empty((len(wanted), len(dataset.spec.factors)), np.float32)
    for number, part in enumerate(parts):
        rows = which == number
        places = wanted[rows] - (ends[number] - len(part))
        x[rows], y[rows] = part.x[places], part.y[places]
        if factors is not None and part.factors is not None:
            factors[rows] = part.factors[places]
    return Split(x, y, factors)


def sampled(labels: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """Rows (n,) in ascending order, each class with its share; fewer rows are among more of them.

    Args:
        labels: (m,) classes, -1 counts as one.
        n: at most m.
        seed: which ones.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    rank = np.empty(len(labels))
    by_class = order[np.argsort(member[order], kind="stable")]
    rank[by_class] = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    return np.sort(np.lexsort((order, rank))[:n])


def codes_for_map(explorer: Explorer, n: int, split: SplitName = "test") -> MapCodes:
    """Codes of n samples: the stored ones where they are enough, else encoded once and kept on disk.

    Args:
        explorer: of the run.
        n: samples, 1 to 100,000; all there are where there are fewer.
        split: "test", "train", or "all" with validation too; of more than n samples each class has its share.

    Raises:
        ConfigError: for n or split out of bounds, and where the samples are needed and not on this machine.
    """
    if not 1 <= n <= MOST_CODES:
        raise ConfigError(f"n must be between 1 and {MOST_CODES}, got {n}")
    if split not in ("test", "train", "all"):
        raise ConfigError(f"split must be test, train or all, got {split!r}")
    stored = explorer.codes
    if split == "test" and n <= max(len(stored.z), STORED_CODES):
        return MapCodes(stored.z[:n], stored.labels[:n], stored.index[:n])
    path = home() / "codes" / codes_key(explorer.run, n, split)
    with contextlib.suppress(Damaged, KeyError, OSError):
        found = load_arrays(path / "codes.safetensors")
        mark_used(path)
        return MapCodes(found["z"], found["labels"], found["index"])
    made = _encoded(explorer, n, split)
    with contextlib.suppress(OSError):  # without room for it, it is encoded again
        path.mkdir(parents=True, exist_ok=True)
        save_arrays(path / "codes.safetensors", made._asdict())
    return made


def codes_key(run: Run, n: int, split: SplitName) -> str:
    """What codes are named by: the model, as its stored codes show it, the samples, and how many."""
    digest = hashlib.sha256((run.path / "codes.safetensors").read_bytes())
    digest.update(f"{run.spec.id} {run.spec.dataset} {n} {split}".encode())
    return digest.hexdigest()[:32]


def _encoded(explorer: Explorer, n: int, split: SplitName) -> MapCodes:
    data = explorer.dataset
    first, last = {
        "test": (0, len(data.test)),
        "train": (len(data.test), len(data.test) + len(data.train)),
        "all": (0, sum(len(part) for part in data.splits.values())),
    }[split]
    labels = np.concatenate([data.test.y, data.train.y, data.validation.y])[first:last]
    index = first + (sampled(labels, n) if n < len(labels) else np.arange(len(labels)))
    chosen = samples_of(data, index)
    return MapCodes(explorer.encode(chosen.x), chosen.y, index)


def graph_of(z: np.ndarray, k: int = GRAPH_NEIGHBOURS, progress: Callable[[float], object] | None = None) -> KNNGraph:
    """The exact graph of codes with at least k neighbours, from disk where anybody has made it before.

    Who asks for a graph that another process is making waits for it.

    Args:
        z: (n, latent_dim), finite.
        k: neighbours; of fewer than k + 1 codes all others.
        progress: called with the fraction done, also while waiting; what it raises ends the search.

    Raises:
        ConfigError: for fewer than 2 codes, or codes that are not finite.
    """
    heard = progress or (lambda done: None)
    k = max(1, min(k, len(z) - 1))
    # At least what the next one will want of it.
    wide = max(k, min(GRAPH_NEIGHBOURS, len(z) - 1))
    if wide > KEPT_NEIGHBOURS:
        return neighbours(z, k, progress)
    path = home() / "graphs" / _content(z)
    found = _read_graph(path, len(z), k)
    if found is not None:
        return found
    lock = FileLock(path / "lock")
    try:
        while not lock.acquire():
            heard(0.0)
            threading.Event().wait(_LOCK_SECONDS)
        found = _read_graph(path, len(z), k)
        if found is None:
            found = neighbours(z, wide, progress)
            save_arrays(path / "graph.safetensors", found._asdict())
        return found
    except OSError:  # a home that cannot be written to keeps nothing
        return found or neighbours(z, wide, progress)
    finally:
        lock.release()


def _content(z: np.ndarray) -> str:
    codes = np.ascontiguousarray(z, dtype=np.float32)
    digest = hashlib.sha256(f"{codes.shape}".encode())
    digest.update(codes.data)
    return digest.hexdigest()[:32]


def _read_graph(path: Path, n: int, k: int) -> KNNGraph | None:
    with contextlib.suppress(Damaged, KeyError, OSError):
        found = load_arrays(path / "graph.safetensors")
        graph = KNNGraph(found["indices"], found["distances"])
        if graph.indices.shape == graph.distances.shape and len(graph.indices) == n and graph.k >= k:
            mark_used(path)
            return graph
    return None

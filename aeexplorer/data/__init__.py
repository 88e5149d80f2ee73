"""Datasets: `DATASETS`, the one table, and `load_dataset`.

A dataset is arrays in three disjoint splits and a `DataSpec` that describes them. To add one, write a file with a spec
and a load function, and add a row here.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aeexplorer.config import Config, ConfigError, unknown
from aeexplorer.data import binary, chorales, downloads, ecg5000, heartbeats, photos, shapes, tables, texts, toy2d
from aeexplorer.data.downloads import DataUnavailable, data_dir, download, download_size
from aeexplorer.data.factors import along, factor_groups, is_grid, together
from aeexplorer.data.kinds import KINDS, KindRow
from aeexplorer.data.own import OWN, Kept, load_own, own_data
from aeexplorer.data.spec import Dataset, DataSpec, Factor, Split, as_uint8
from aeexplorer.data.splits import split_counts


@dataclass(frozen=True)
class Source:
    """One row of `DATASETS`.

    Attributes:
        spec: describes the dataset without loading it.
        load: returns the dataset; takes an instance of `knobs` where the row has one, else no argument.
        counts: samples for training, validation and test, at the default knobs.
        available: whether `load` works on this computer without a network.
        knobs: the configuration, with a `seed`, of data drawn at random; None where the samples are fixed.
    """

    spec: DataSpec
    load: Callable[..., Dataset]
    counts: tuple[int, int, int]
    available: Callable[[], bool] = lambda: True
    knobs: type[Config] | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def n_train(self) -> int:
        return self.counts[0]

    @property
    def n_validation(self) -> int:
        return self.counts[1]

    @property
    def n_test(self) -> int:
        return self.counts[2]

    @property
    def own(self) -> bool:
        """Whether somebody brought them."""
        return self.name.startswith(OWN)

    @property
    def downloadable(self) -> bool:
        """Whether `download(name)` can fetch what is missing."""
        return downloads.files_of(self.name) in downloads.REMOTES


DATASETS: dict[str, Source] = {
    source.name: source
    for source in (
        Source(tables.DIGITS, tables.load_digits, split_counts(1_797)),
        Source(
            downloads.MNIST, partial(downloads.load, "mnist"), downloads.COUNTS, partial(downloads.present, "mnist")
        ),
        Source(
            downloads.FASHION_MNIST,
            partial(downloads.load, "fashion-mnist"),
            downloads.COUNTS,
            partial(downloads.present, "fashion-mnist"),
        ),
        *(
            Source(spec, partial(binary.load, spec.name), downloads.COUNTS, partial(downloads.present, spec.name))
            for spec in (binary.MNIST, binary.FASHION_MNIST)
        ),
        Source(shapes.SPEC, shapes.load, split_counts(24_000)),
        Source(photos.SPEC, photos.load, photos.COUNTS),
        Source(heartbeats.SPEC, heartbeats.load, split_counts(5_000), knobs=heartbeats.HeartbeatsConfig),
        Source(ecg5000.SPEC, ecg5000.load, ecg5000.COUNTS, ecg5000.present),
        Source(texts.NAMES, texts.load_names, split_counts(29_494)),
        Source(texts.MOLECULES, texts.load_molecules, split_counts(26_236)),
        Source(chorales.SPEC, chorales.load, chorales.COUNTS, partial(downloads.present, "chorales")),
        Source(tables.GENES, tables.load_genes, split_counts(700)),
        Source(tables.BREAST_CANCER, tables.load_breast_cancer, split_counts(569)),
        Source(tables.WINE, tables.load_wine, split_counts(178)),
        Source(toy2d.TWO_MOONS, toy2d.load_two_moons, split_counts(6_000), knobs=toy2d.ToyConfig),
        Source(toy2d.SWISS_ROLL, toy2d.load_swiss_roll, split_counts(6_000), knobs=toy2d.ToyConfig),
        Source(toy2d.PINWHEEL, toy2d.load_pinwheel, split_counts(6_000), knobs=toy2d.ToyConfig),
    )
}

# A lock per dataset: two sessions that ask for the same one share one load, and nobody waits for another dataset.
_LOADING = {name: threading.Lock() for name in DATASETS}


def sources() -> dict[str, Source]:
    """Every dataset that there is here, by name: the built-in ones, then those that people brought ("own/iris")."""
    return DATASETS | {name: _own_source(kept) for name, kept in own_data().items()}


def find_source(name: str) -> Source:
    """The row of a dataset by the name that a run remembers: a built-in one, also with the options it was drawn with
    ("heartbeats?n=500&seed=3"), or one that somebody brought ("own/iris").

    Raises:
        ConfigError: for an unknown name or option.
    """
    base, _, query = name.partition("?")
    if base.startswith(OWN):
        kept = own_data().get(base)
        if kept is None:
            raise ConfigError(unknown("dataset", name, sources()))
        return _own_source(kept)
    if base not in DATASETS:
        raise ConfigError(unknown("dataset", name, sources()))
    row = DATASETS[base]
    if not query:
        return row
    if row.knobs is None:
        raise ConfigError(f"{base} takes no options, got {query}")
    knobs = row.knobs(**{key: _number(text) for key, text in parse_qsl(query, keep_blank_values=True)})
    n = getattr(knobs, "n", None)
    counts = row.counts if n is None else split_counts(n)
    return replace(row, spec=_renamed(row.spec, knobs), load=partial(row.load, knobs), counts=counts, knobs=None)


def is_available(name: str) -> bool:
    """Whether a dataset can be loaded here without a network; False for one that is not known here."""
    try:
        return find_source(name).available()
    except ConfigError:
        return False


def _own_source(kept: Kept) -> Source:
    return Source(kept.spec, partial(load_own, kept.spec.name), kept.counts)


def _number(text: str) -> Any:
    for convert in (int, float):
        with contextlib.suppress(ValueError):
            return convert(text)
    return text


def _renamed(spec: DataSpec, knobs: Config) -> DataSpec:
    """The spec of data drawn with these options: the name says those that are not the default ones."""
    given = {k: v for k, v in knobs.model_dump().items() if v != type(knobs).model_fields[k].default}
    return spec.replace(name=f"{spec.name}?{urlencode(given)}") if given else spec


def load_dataset(name: str, seed: int | None = None, **options: Any) -> Dataset:
    """The dataset `name` with read-only arrays; the same object again while it is among the last few asked for.

    MNIST and Fashion-MNIST are downloaded on first use.

    Args:
        name: a key of `sources()`, or of data drawn at random the name that they got: "heartbeats?n=500".
        seed: seed of data drawn at random (`Source.knobs`); it changes nothing elsewhere, the split least of all.
        options: other fields of `Source.knobs`.

    Raises:
        ConfigError: for an unknown name, an unknown option or one outside its bounds.
        DataUnavailable: (a ConfigError) when files are missing and cannot be fetched, or are damaged.
        Damaged: when data that somebody brought cannot be read.
    """
    if name.startswith(OWN):
        if options:
            raise ConfigError(f"{name} takes no options, got {', '.join(options)}")
        return load_own(name)
    base, _, query = name.partition("?")
    if base not in DATASETS:
        raise ConfigError(unknown("dataset", name, sources()))
    given = {key: _number(text) for key, text in parse_qsl(query)} | options
    if seed is not None:
        given["seed"] = seed
    knobs = DATASETS[base].knobs
    if knobs is None and (options or query):
        raise ConfigError(f"{base} takes no options, got {', '.join(key for key in given if key != 'seed')}")
    with _LOADING[base]:
        return _load(base, knobs(**given) if knobs else None)


@functools.lru_cache(maxsize=6)
def _load(name: str, knobs: Config | None) -> Dataset:
    load = DATASETS[name].load
    dataset = load() if knobs is None else load(knobs)
    for split in dataset.splits.values():
        for array in (split.x, split.y, split.factors, split.grey):
            if array is not None:
                array.setflags(write=False)
    return dataset if knobs is None else replace(dataset, spec=_renamed(dataset.spec, knobs))

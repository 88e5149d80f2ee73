"""Lossless compression by bits-back coding: the negative ELBO of a VAE is the length of a file.

Townsend, Bird & Barber 2019, "Practical lossless compression with latent variables using bits back coding",
https://arxiv.org/abs/1901.04866. The entropy coder is the stack of the library constriction (Bamler 2022,
https://arxiv.org/abs/2201.01741). A sample is written in three steps: its code is *read* from the stack with q(z|x),
the sample is written with p(x|z), and the code is written with p(z). What reading took is given back when the file is
read. Codes lie on a grid so fine that its width cancels.

    4s  magic           B  version        B  length of the run's name
    I   samples         H  words at first H  reserved
    8s  digest of the weights             8s digest of all the rest
    name of the run, words of the stack (uint32, little-endian)
"""

from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
import lzma
import math
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.data.spec import Split
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.losses import pick_loss
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged

MAGIC, VERSION = b"AEBB", 1
HEADER = struct.Struct("<4sBBIHH8s8s")
DIGEST = 8
STEPS = 64
"""Steps of the grid of codes per unit: narrower than posteriors, and no narrower, because the coder gives each place of
the grid a chance of 2**-24, and a code that is drawn far away costs a whole sample."""
REACH = 8
"""Largest coordinate of a code."""
FIRST_BITS = 16
"""Bits per dimension with which the stack begins, from which the first code is read."""
LEAST = 2.0**-16
"""Smallest probability of a pixel's value, and the step to which probabilities are rounded: an error of computing that
is far smaller changes none of them."""
MOST = 100_000


class Knobs(Config):
    """The number of test samples to write."""

    n: int = Field(1_000, ge=1, le=MOST)


class Written(NamedTuple):
    """A file of samples, and where its bytes come from.

    Attributes:
        content: the file. header, first: bytes of it that are the header, and that the stack began with.
    """

    content: bytes
    header: int
    first: int


def refusal(run: Run) -> str:
    """The reason why a run cannot do bits-back coding, as a sentence; "" where it can."""
    traits, spec = run.family.traits_of(run.config), run.spec.data
    if not {"posterior", "normal_prior"} <= traits or {"sampled_rate", "label"} & traits:
        return f"compress needs a VAE with a Gaussian posterior and the prior N(0, I), got {run.family.name}"
    if not spec.unit_interval or pick_loss(run.config.loss, spec).name != "bce":
        return f"compress needs black and white data and cross-entropy, got {spec.title}"
    return ""


def black_and_white(split: Split, n: int, seed: int = 0) -> np.ndarray:
    """The first n samples in black and white (n, *shape) uint8, 0 or 255; grey ones are drawn with the grey level as
    the probability of white.

    Raises:
        ConfigError: when there are fewer samples.
    """
    if not 1 <= n <= min(len(split), MOST):
        raise ConfigError(f"n must be between 1 and {min(len(split), MOST)}, got {n}")
    x = split.x[:n]
    x = x if x.dtype == np.uint8 else np.rint(255 * x).astype(np.uint8)
    if np.isin(x, (0, 255)).all():
        return x
    # r of 0 to 254, all equally likely, is below a level g with probability g / 255
    return (np.random.RandomState(seed).randint(0, 255, x.shape, np.uint8) < x) * np.uint8(255)


def compress(model: Explorer, x: np.ndarray) -> Written:
    """Write black and white samples (n, *shape), uint8 0 or 255, into a file.

    Raises:
        ConfigError: for a run or samples that cannot be coded.
    """
    if lack := refusal(model.run):
        raise ConfigError(lack)
    samples = np.asarray(x)
    if samples.dtype != np.uint8 or not np.isin(samples, (0, 255)).all() or not 1 <= len(samples) <= MOST:
        raise ConfigError(f"x must be 1 to {MOST} samples of bytes that are 0 or 255, got {samples.dtype}")
    stack, first = _Stack(model), _first_words(model.latent_dim)
    stack.fill(first)
    for sample in samples:
        stack.push(sample)
    words = stack.words().astype("<u4").tobytes()
    name = model.run.reference.encode()[:255]
    head = HEADER.pack(MAGIC, VERSION, len(name), len(samples), len(first), 0, weights_digest(model), bytes(DIGEST))
    head = head[:-DIGEST] + _digest(head[:-DIGEST], name, words)
    return Written(head + name + words, len(head) + len(name), 4 * len(first))


def decompress(content: bytes, model: Explorer | None = None) -> np.ndarray:
    """Read the samples (n, *shape), uint8 0 or 255, of a file.

    Args:
        model: the run that wrote it; found by the name in the file if None.

    Raises:
        Damaged: when the file is damaged or none of `compress`.
        ConfigError: when the run is not here, or has other weights.
    """
    if len(content) < HEADER.size or content[:4] != MAGIC:
        raise Damaged("the file was not written by compress, or its beginning is lost")
    _, version, length, n, first, _, weights, told = HEADER.unpack_from(content)
    if version > VERSION:
        raise Damaged(f"the file was written by a newer version: format {version}, this one reads up to {VERSION}")
    body = content[HEADER.size :]
    if _digest(content[: HEADER.size - DIGEST], body) != told or (len(body) - length) % 4 or not 1 <= n <= MOST:
        raise Damaged("the file is damaged: its check sum does not fit")
    model = open_run(body[:length].decode()) if model is None else model
    if weights_digest(model) != weights:
        raise ConfigError(f"run {model.run.id} has other weights than the run that wrote the file")
    stack = _Stack(model)
    stack.begin(np.frombuffer(body, "<u4", offset=length).astype(np.uint32))
    x = np.stack([stack.pop() for _ in range(n)][::-1])
    if not np.array_equal(stack.rest(), _first_words(model.latent_dim)) or first != len(_first_words(model.latent_dim)):
        raise Damaged("the file cannot be read on this computer: the model computes other numbers here")
    return x


def weights_digest(model: Explorer) -> bytes:
    """Eight bytes that tell the weights of a run from all others."""
    folder = model.run.path
    files = sorted((folder / "dial").glob("*.safetensors")) if model.run.spec.dial else [folder / "weights.safetensors"]
    return _digest(*(file.read_bytes() for file in files))


def _digest(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=DIGEST).digest()


def _first_words(latent_dim: int) -> np.ndarray:
    count = math.ceil(FIRST_BITS * latent_dim / 32)
    return np.random.RandomState(latent_dim).randint(0, 2**32, count, np.uint32)


class _Stack:
    """The stack of the entropy coder, and what a model says of samples and codes."""

    def __init__(self, model: Explorer) -> None:
        from constriction import stream

        self._model, self._coder = model.exact(), stream.stack.AnsCoder
        self._code = stream.model.QuantizedGaussian(-REACH * STEPS, REACH * STEPS)
        self._pixel = stream.model.Bernoulli(perfect=False)
        self._zeros, self._spread = np.zeros(model.latent_dim), np.full(model.latent_dim, float(STEPS))

    def fill(self, words: np.ndarray) -> None:
        self._stack = self._coder(words, seal=True)

    def begin(self, words: np.ndarray) -> None:
        self._stack = self._coder(words)

    def words(self) -> np.ndarray:
        found: np.ndarray = self._stack.get_compressed()
        return found

    def rest(self) -> np.ndarray:
        """The bits with which the stack began, left when everything has been read."""
        try:
            found: np.ndarray = self._stack.get_compressed(unseal=True)
        except Exception:  # the library's own, of a stack that was never sealed
            return np.empty(0, np.uint32)
        return found

    def push(self, sample: np.ndarray) -> None:
        z = self._stack.decode(self._code, *self._posterior(sample))
        self._stack.encode_reverse((sample.ravel() > 0).astype(np.int32), self._pixel, self._white(z))
        self._stack.encode_reverse(z, self._code, self._zeros, self._spread)

    def pop(self) -> np.ndarray:
        z = self._stack.decode(self._code, self._zeros, self._spread)
        white = self._stack.decode(self._pixel, self._white(z))
        sample = np.asarray(white * 255, np.uint8).reshape(self._model.spec.shape)
        self._stack.encode_reverse(z, self._code, *self._posterior(sample))
        return sample

    def _posterior(self, sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation of q(z|x) in steps of the grid, rounded so that every computer has the same."""
        mean, logvar = self._model.posterior(sample[None])
        mean = np.clip(np.rint(mean[0].astype(np.float64) * STEPS), -REACH * STEPS, REACH * STEPS)
        half = np.clip(np.rint(32 * logvar[0].astype(np.float64)) / 64, -8, 8)
        return mean, STEPS * np.exp(half)

    def _white(self, z: np.ndarray) -> np.ndarray:
        """Probability of white of each pixel, rounded so that every computer has the same."""
        p = self._model.decode((z / STEPS).astype(np.float32)[None]).ravel().astype(np.float64)
        return np.clip(np.rint(p / LEAST) * LEAST, LEAST, 1 - LEAST)


def rivals(x: np.ndarray, train: np.ndarray) -> dict[str, int]:
    """Bytes that other ways take for the same samples (n, *shape), uint8 0 or 255: general-purpose packers on packed
    bits, and an entropy coder that knows how often each pixel is white in training samples (m, *shape) uint8."""
    from constriction import stream

    bits = np.packbits(x.reshape(len(x), -1) > 0).tobytes()
    flat = train.reshape(len(train), -1)
    p = (flat.mean(0, dtype=np.float64) / 255 * len(flat) + 1) / (len(flat) + 2)
    coder, law = stream.stack.AnsCoder(), stream.model.Bernoulli(perfect=False)
    for sample in x.reshape(len(x), -1)[::-1]:
        coder.encode_reverse((sample > 0).astype(np.int32), law, p)
    return {
        "gzip": len(gzip.compress(bits, 9, mtime=0)),
        "bz2": len(bz2.compress(bits)),
        "lzma": len(lzma.compress(bits, preset=9 | lzma.PRESET_EXTREME)),
        "independent_pixels": 4 * len(coder.get_compressed()),
    }


def figures(model: Explorer, x: np.ndarray, written: Written) -> dict[str, Any]:
    """Bytes and bits per pixel of a file, what the ELBO promises, and what other ways take."""
    pixels = x.size
    split = Split(x, np.full(len(x), -1))
    promised = model.evaluate(split)["neg_elbo"] * len(x) / math.log(2)
    net = 8 * (len(written.content) - written.header - written.first)
    others = rivals(x, model.dataset.train.x)
    return {
        "n": len(x),
        "bytes": len(written.content),
        "bits_per_pixel": 8 * len(written.content) / pixels,
        "net_bits_per_pixel": net / pixels,
        "elbo_bits_per_pixel": promised / pixels,
        "header_bytes": written.header,
        "first_bytes": written.first,
        "bits_per_pixel_of": {name: 8 * size / pixels for name, size in others.items()},
    }


def study(model: Explorer, knobs: Knobs) -> Iterator[tuple[float, dict[str, Any]]]:
    """Write a file, read it back, and tell its figures; `content` is the file in base64."""
    x = black_and_white(model.dataset.test, knobs.n)
    yield 0.05, {}
    written = compress(model, x)
    yield 0.5, {}
    restored = decompress(written.content, model)
    found = figures(model, x, written)
    content = base64.b64encode(written.content).decode()
    yield 1.0, {**found, "identical": bool(np.array_equal(restored, x)), "content": content}

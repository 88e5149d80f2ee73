"""Networks beside each other before a training: their parameters, multiply-adds and time per sample."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import Any, get_args

import torch

from aeexplorer import noise
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.base import ModelConfig
from aeexplorer.nets import NETS, make_decoder, make_encoder, parameter_count
from aeexplorer.nets.conv import ConvKnobs
from aeexplorer.tensors import model_shape
from aeexplorer.training.tracing import Trace

TIMED = 64
"""Samples in a batch that is timed."""

REPEATS = 3
"""Times that it is timed; the fastest counts."""


@dataclass(frozen=True)
class NetCost:
    """The cost of an encoder and a decoder.

    Attributes:
        name: of the net, and of the kind of its convolutions behind a colon.
        parameters: trainable values.
        multiply_adds: of one sample, encoded and decoded: of products and convolutions, which are nearly all.
        seconds: to encode and decode one of 64 samples, on one core of this computer.
    """

    name: str
    title: str
    parameters: int
    multiply_adds: int
    seconds: float


def candidates(spec: DataSpec, config: ModelConfig) -> dict[str, ModelConfig]:
    """Every network that fits the data, with the size of the code of a configuration; other nets than its own with the
    knobs that are suggested."""
    found: dict[str, ModelConfig] = {}
    for name, net in NETS.items():
        if spec.kind not in net.kinds:
            continue
        chosen = config if name == config.net else config.replace(net=name, **_of_model(net.suggest(spec), config))
        blocks = get_args(ConvKnobs.model_fields["block"].annotation) if "block" in net.knobs.model_fields else ()
        found |= {f"{name}:{block}": chosen.replace(block=block) for block in blocks} or {name: chosen}
    return found


def _of_model(knobs: dict[str, Any], config: ModelConfig) -> dict[str, Any]:
    return {name: value for name, value in knobs.items() if name in type(config).model_fields}


@functools.lru_cache(maxsize=256)
def net_cost(name: str, spec: DataSpec, config: ModelConfig) -> NetCost:
    """Count and time one network.

    Raises:
        ConfigError: when it does not fit the data.
    """
    with torch.device("meta"), torch.no_grad(), Trace() as counted:
        encoder, decoder = make_encoder(spec, config.latent_dim, config), make_decoder(spec, config.latent_dim, config)
        parameters = parameter_count(encoder) + parameter_count(decoder)
        decoder(encoder(torch.empty(1, *model_shape(spec), dtype=torch.float32)))
    net, _, block = name.partition(":")
    title = NETS[net].title + (f", {block}" if block else "")
    return NetCost(name, title, parameters, (counted.gemm + counted.convolution) // 2, _seconds(spec, config))


def _seconds(spec: DataSpec, config: ModelConfig) -> float:
    """Seconds per sample to encode and decode a batch on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with noise.building(0), torch.inference_mode():
            encoder = make_encoder(spec, config.latent_dim, config).eval()
            decoder = make_decoder(spec, config.latent_dim, config).eval()
        with noise.seeded(0), torch.inference_mode():
            x = noise.uniform((TIMED, *model_shape(spec)))
            fastest = float("inf")
            for _ in range(1 + REPEATS):  # the first warms up, and is seldom the fastest
                begun = time.perf_counter()
                decoder(encoder(x))
                fastest = min(fastest, time.perf_counter() - begun)
    finally:
        torch.set_num_threads(threads)
    return fastest / TIMED


def net_costs(spec: DataSpec, config: ModelConfig) -> list[NetCost]:
    """The costs of all networks that fit the data, in the order of the table."""
    return [net_cost(name, spec, chosen) for name, chosen in candidates(spec, config).items()]

"""Before a training: knobs that suit the data, and estimates of size, memory and time, without allocating weights."""

from __future__ import annotations

import functools
import math
import os
import time
from dataclasses import dataclass
from typing import Any

import torch

from aeexplorer import noise
from aeexplorer.corruption import fitting, lookup
from aeexplorer.data.spec import DataSpec
from aeexplorer.families import Family, family
from aeexplorer.losses import LOSSES
from aeexplorer.models.base import Autoencoder, Batch, ModelConfig
from aeexplorer.nets import NETS, parameter_count
from aeexplorer.nets.mlp import SMALL
from aeexplorer.nets.recurrent import CELLS
from aeexplorer.tensors import model_shape
from aeexplorer.training.loop import TrainingConfig, make_batch
from aeexplorer.training.plan import DialSpec, make_plan
from aeexplorer.training.tracing import CONVOLUTION_COPIES, EVALUATION_BATCH, EVALUATION_BYTES, Trace, evaluation_bytes

WANTED_STEPS = 2_000  # optimiser steps of a suggested training, at least, where `MOST_EPOCHS` have as many
MOST_EPOCHS = 200  # of a suggested training: of few samples more are learned by heart
FEW_ROWS = 1_000  # of a table: fewer are learned by heart by a network that nothing regularises
SMALL_DECAY = 1.0  # the weight decay against that; on pictures it costs more than it mends
LINEAR_STEPS = 5_000  # optimiser steps of a suggested training of a linear autoencoder
EPOCH_SECONDS = 0.03  # per epoch: a frame of the film and a durable event, on a local disk
OPTIMIZER_PASSES = 7  # AdamW reads weight, gradient and two moments, and writes three of them
LOOP_CALLS = 30  # calls of a step outside the model: gathering the batch, the optimiser, reading the loss
CHAIN = 16  # operations in a row whose duration gives the cost of a call
WEIGHTS = (
    "beta",
    "lowest",
    "highest",
    "sparsity_weight",
    "adversarial_weight",
    "contraction",
    "mmd_weight",
    "tc_weight",
    "classification_weight",
)
"""Knobs that weigh a term against a reconstruction term summed over the features."""

SQUARED_BETA = 1.5
"""Largest β suggested for squared error, in units of the variance of the data."""

SMALL_BETA = 2.0
"""Largest β suggested for small pictures, whose likelihood has few nats: at β = 4 digits lost every unit."""

STEPWISE = frozenset({*CELLS, "transformer"})
"""Nets that read row by row or patch by patch, which are slow to find what a code is for."""

STEPWISE_BETA = 1.2
"""Largest β suggested for small pictures with such a net: at β = 2 recurrent nets lost to one component on digits."""

STEPWISE_TC_WEIGHT = 3.0
"""Largest γ suggested with such a net, before it is scaled: a FactorVAE of digits (transformer, γ = 10) and a β-TC-VAE
of heartbeats (LSTM, γ = 5) kept one unit."""

STEPWISE_FREE_BITS = 1.0
"""Nats that each dimension may have for free there, in transformers and where the prior is a learned mixture: without
them a VAE of digits kept two units of eight, and such mixtures lost all."""

FEW_VALUES = 8
"""Values of a sample below which weights suggested for squared error are smaller, in proportion."""

NATS_PER_SYMBOL = 0.75
"""Capacity suggested for symbols, of which a decoder says so much without a code that its KL would fall to zero."""

LOOP_BYTES = 8_000_000  # gaps in the memory that the allocator holds; measured
KERNEL_BYTES = 16_000_000  # kernels of convolutions, compiled at first use; measured
FLOAT = 4  # bytes


def suggested(row: Family, spec: DataSpec, n_train: int, net: str = "") -> tuple[ModelConfig, TrainingConfig]:
    """Defaults that fit a dataset: smaller networks and codes for small samples, 2,000 steps or more but at most 200
    epochs, and on small tables weight decay for families that nothing else regularises.

    What the net suggests takes the place of knobs that the family leaves at their usual values.

    Squared error is in squared units of the data, so terms beside it are weighted in proportion to the variance: β = 1
    for standardised values becomes β = 0.017 for heartbeats in millivolts. A unit collapses whose principal component
    has a variance below β / 2 (Lucas et al. 2019, https://arxiv.org/abs/1911.02469), which with β = 1 all but the first
    have there. For the same reason β is at most 1.5 times the variance, and of fewer than eight values less in
    proportion: a component of two values has hardly more than the variance of one. Of symbols the KL is held, at 0.75
    nats each. Of small pictures β is at most 2, and with nets that read step by step 1.2; with those γ is at most 3.
    """
    plain, changes = ModelConfig(), dict[str, Any](net=net or row.config.net)
    stepwise, small = changes["net"] in STEPWISE, spec.row.pixels and spec.size <= SMALL
    weights = {name: getattr(row.config, name) for name in WEIGHTS if name in type(row.config).model_fields}
    if "beta" in weights and not spec.unit_interval:
        weights["beta"] = min(weights["beta"], SQUARED_BETA)
    elif "beta" in weights and small:
        weights["beta"] = min(weights["beta"], STEPWISE_BETA if stepwise else SMALL_BETA)
    if "tc_weight" in weights and stepwise:
        weights["tc_weight"] = min(weights["tc_weight"], STEPWISE_TC_WEIGHT)
    scale = 1 if spec.unit_interval else spec.variance * min(1, spec.size / FEW_VALUES)
    changes |= {name: float(f"{weight * scale:.2g}") for name, weight in weights.items()}
    if small:
        mixture = {"prior", "sampled_rate"} <= row.traits and "normal_prior" not in row.traits
        held = changes["net"] == "transformer" or (stepwise and mixture)
        if held and "free_bits" in type(row.config).model_fields:
            changes["free_bits"] = STEPWISE_FREE_BITS
    of_net = NETS[changes["net"]].suggest(spec)
    changes |= {name: v for name, v in of_net.items() if getattr(row.config, name, v) == getattr(plain, name, None)}
    # VAEs of symbols collapse otherwise; a multi-rate VAE, which alone has a "lowest" β, spans all rates
    knobs = type(row.config).model_fields.keys()
    if spec.row.symbols and "capacity" in knobs and "lowest" not in knobs:
        changes["capacity"] = NATS_PER_SYMBOL * spec.shape[0]
    if row.config.loss != "auto" and not LOSSES[row.config.loss].fits(spec):
        changes["loss"] = "auto"
    unfit = row.config.corruption != "none" and spec.kind not in lookup(row.config.corruption).kinds
    if unfit and spec.kind in row.kinds:
        changes |= {"corruption": fitting(spec)[0], "level": min(row.config.level, 0.3)}
    if spec.size <= SMALL and row.config.latent_dim == plain.latent_dim:
        changes["latent_dim"] = 8 if spec.row.pixels else max(1, min(2, spec.size - 1))
    min_latent_dim = row.model.min_latent_dim(spec)
    if row.config.latent_dim < min_latent_dim:
        changes["latent_dim"] = max(changes.get("latent_dim", 0), min_latent_dim)
    if not row.config.hidden:
        return row.config.replace(**changes), _linear_training(n_train)
    batch = next((b for least, b in ((10_000, 128), (1_000, 64), (300, 32)) if n_train >= least), 16)
    batch = min(batch, n_train)
    per_epoch = math.ceil(n_train / batch)
    loop: dict[str, Any] = {"batch_size": batch}
    loop["epochs"] = next((e for e in (10, 20, 50, 100) if e * per_epoch >= WANTED_STEPS), MOST_EPOCHS)
    # without knobs of its own a family has no term beside the reconstruction
    plain_family = type(row.config) is ModelConfig and row.config.corruption == "none"
    if plain_family and spec.kind == "vector" and n_train < FEW_ROWS:
        loop["weight_decay"] = SMALL_DECAY
    loop |= {name: value for name, value in of_net.items() if name in TrainingConfig.model_fields}
    return row.config.replace(**changes), TrainingConfig(**loop)


def _linear_training(n_train: int) -> TrainingConfig:
    """A training in which a linear autoencoder reaches the subspace of PCA within a minute: 5,000 large steps.

    Its loss has a saddle at every other subspace of principal axes (Baldi & Hornik 1989), which small steps leave
    slowly, most slowly for axes of nearly equal variance.
    """
    batch = max(1, min(256, n_train // 4))
    per_epoch = math.ceil(n_train / batch)
    return TrainingConfig(epochs=math.ceil(LINEAR_STEPS / per_epoch), batch_size=batch, learning_rate=5e-2)


@dataclass(frozen=True)
class Estimate:
    """The expected cost of a training.

    Attributes:
        parameters: number of trainable values.
        weight_bytes: their size on disk.
        memory_bytes: weights, moments of Adam, best weights, the most that a step or a batch of validation holds, and
            the data.
        steps: optimiser steps, unless it stops early.
        flops: floating point operations of one step, forward and backward.
        seconds: time of the loop on this machine's CPU, without the second or two in which a worker starts.
    """

    parameters: int
    weight_bytes: int
    memory_bytes: int
    steps: int
    flops: int
    seconds: float


def estimate(
    family_name: str,
    config: ModelConfig,
    training: TrainingConfig,
    spec: DataSpec,
    n_train: int,
    n_validation: int,
    dial: DialSpec | None = None,
) -> Estimate:
    """Estimate the cost of a training from one step of each stage on tensors without storage, and the measured pace of
    this machine.

    Raises:
        ConfigError: when config and data do not go together, or a dial does not fit.
    """
    plan = make_plan(family(family_name), config, training, spec, dial)
    n = min(training.samples or n_train, n_train)
    batch = min(training.batch_size, n)
    per_epoch, pace, seconds = math.ceil(n / batch), _pace(), 0.0
    work = {stage: _step_work(family_name, config, spec, batch, stage) for stage in {part.stage for part in plan.parts}}
    for part in plan.parts:
        step = work[part.stage].seconds(pace, training.threads)
        checked = 0.4 * step * n_validation / max(min(batch, EVALUATION_BATCH), 1)
        seconds += part.training.epochs * (per_epoch * step + checked + EPOCH_SECONDS)
    parameters, peak = work[0].parameters, max(step.peak_bytes for step in work.values())
    sample = _evaluation_bytes(family_name, config, spec)
    checking = min(max(EVALUATION_BYTES, sample), min(EVALUATION_BATCH, n_validation) * sample)
    sample_bytes = spec.size * spec.row.bytes_per_value
    gathered = batch * (sample_bytes + FLOAT * spec.size)
    # weights, two moments, the best weights and the copy that replaces them; gradients are part of a step
    kept = 5 * FLOAT * parameters + (n + n_validation) * (sample_bytes + 8)
    kernels = KERNEL_BYTES if any(step.convolution for step in work.values()) else 0
    memory = kept + max(peak + gathered, checking) + LOOP_BYTES + kernels
    flops = max(step.flops for step in work.values())
    return Estimate(parameters, FLOAT * parameters, memory, per_epoch * plan.epochs, flops, seconds)


@dataclass(frozen=True)
class _Pace:
    """The pace of this machine on one thread, per second: FLOPs of products and of convolutions, bytes, calls."""

    gemm: float
    convolution: float
    bytes: float
    calls: float


@dataclass(frozen=True)
class _Work:
    """The work of one training step."""

    parameters: int
    gemm: int
    convolution: int
    bytes: int
    calls: int
    peak_bytes: int

    @property
    def flops(self) -> int:
        return self.gemm + self.convolution

    def seconds(self, pace: _Pace, threads: int) -> float:
        at_once = min(threads, os.cpu_count() or 1, 4)  # small products gain little from more
        products = (self.gemm / pace.gemm + self.convolution / pace.convolution) / at_once
        return products + self.bytes / pace.bytes + (self.calls + LOOP_CALLS) / pace.calls


@functools.lru_cache(maxsize=256)
def _evaluation_bytes(family_name: str, config: ModelConfig, spec: DataSpec) -> int:
    with torch.device("meta"):
        return evaluation_bytes(family(family_name).make(config, spec).eval())


@functools.lru_cache(maxsize=256)
def _step_work(family_name: str, config: ModelConfig, spec: DataSpec, batch: int, stage: int) -> _Work:
    with torch.device("meta"):
        model: Autoencoder = family(family_name).make(config, spec)
        x = torch.empty((batch, *model_shape(spec)), dtype=torch.float32)
        y = torch.empty(batch, dtype=torch.int64)
        model.train()
        with Trace() as counted:
            corrupted: Batch = make_batch(model, x, y)
            trained = model.stages()[stage]
            if trained.labelled:
                rows = trained.labelled
                corrupted = corrupted._replace(labelled=(x.new_empty(rows, *x.shape[1:]), y.new_empty(rows)))
            for objective in trained.objectives:
                torch.stack(list(objective.terms(corrupted).values())).sum().backward(inputs=objective.parameters)
    parameters = parameter_count(model)
    moved = 2 * counted.bytes + OPTIMIZER_PASSES * FLOAT * parameters
    peak = counted.peak + CONVOLUTION_COPIES * counted.widest
    return _Work(parameters, counted.gemm, counted.convolution, moved, counted.calls, peak)


@functools.cache
def _pace() -> _Pace:
    """Measure this machine once per process, in about 50 ms, by small training steps."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with noise.seeded(0):
            x, a = noise.uniform((128, 512)), noise.uniform((512, 256)).requires_grad_()
            image = noise.uniform((32, 16, 14, 14)).requires_grad_()
            kernel = noise.uniform((32, 16, 3, 3)).requires_grad_()
            wide, small = noise.uniform((1 << 18,)), noise.uniform((64,)).requires_grad_()
        product = _undisturbed(lambda: (x @ a).sum().backward())
        strided = _undisturbed(lambda: torch.conv2d(image, kernel, stride=2, padding=1).sum().backward())
        gemm = 4 * 128 * 512 * 256 / product  # forward, and backward for `a` alone
        convolution = 6 * 32 * 32 * 49 * 16 * 9 / strided  # forward, and backward for both arguments
        traffic = 2 * FLOAT * len(wide) / _undisturbed(lambda: wide * 2.0)
        # forward and backward as one: a call of a model also passes through its modules
        calls = CHAIN / _undisturbed(
            lambda: functools.reduce(lambda y, _: y * 2.0, range(CHAIN), small).sum().backward()
        )
    finally:
        torch.set_num_threads(threads)
    return _Pace(gemm, convolution, traffic, calls)


def _undisturbed(action: Any) -> float:
    """Seconds of a call, once warm and undisturbed: the second shortest of 24, because the shortest may be a fluke."""
    seen = []
    for _ in range(24):
        begun = time.perf_counter()
        action()
        seen.append(time.perf_counter() - begun)
    return max(sorted(seen)[1], 1e-7)

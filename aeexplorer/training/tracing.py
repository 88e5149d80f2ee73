"""Tracing: the work of operations and the memory that they hold at once, counted."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from aeexplorer import noise
from aeexplorer.models.base import Autoencoder, Batch
from aeexplorer.tensors import model_shape

EVALUATION_BATCH = 500
"""Samples per batch without gradients, at most."""

EVALUATION_BYTES = 16_000_000
"""Tensors that a batch without gradients may hold at once; a batch has fewer samples where they would need more."""

CONVOLUTION_COPIES = 2
"""Copies of the samples that a convolution makes on a CPU, in layouts of its own; measured."""

TRACED = 16
"""Samples of a traced batch; memory grows in proportion."""


class Trace(TorchDispatchMode):
    """Counts the work of the operations within the block and the memory of their results.

    Attributes:
        calls: operations that compute something.
        bytes: bytes that they write.
        gemm, convolution: floating point operations of matrix products and of convolutions.
        peak: bytes of results that are held at once, at most. A result counts until nothing refers to it any more:
            autograd keeps those that the backward pass needs, with or without storage behind them.
        widest: bytes of samples that a single convolution reads and writes, at most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls = self.bytes = self.gemm = self.convolution = self.peak = self.widest = 0
        self._held: dict[int, int] = {}
        self._total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: PyTorch would import its compiler, into each process that trains, which takes a second."""
        return False

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = [t for t in (result if isinstance(result, tuple | list) else (result,)) if isinstance(t, Tensor)]
        if not func.is_view:  # a view of a weight is no result
            self.calls += 1
            self.bytes += sum(_bytes(t) for t in made)
            for tensor in made:
                self._hold(tensor)
        if (flops := flop_registry.get(func.overloadpacket)) is not None:
            done = flops(*args, **(kwargs or {}), out_val=result)
            if "convolution" in str(func):
                self.convolution += done
                # (input, weight, ...) -> output, or (∂output, input, weight, ...) -> (∂input, ∂weight, ...)
                activations = (*args[:2], made[0]) if "backward" in str(func) else (args[0], made[0])
                self.widest = max(self.widest, sum(_bytes(t) for t in activations))
            else:
                self.gemm += done
        return result

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._held:
            self._held[key] = storage.nbytes()
            self._total += storage.nbytes()
            self.peak = max(self.peak, self._total)
            weakref.finalize(storage, self._release, key)

    def _release(self, key: int) -> None:
        self._total -= self._held.pop(key)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


_batches: weakref.WeakKeyDictionary[Autoencoder, int] = weakref.WeakKeyDictionary()


def evaluation_batch(model: Autoencoder) -> int:
    """Samples per batch without gradients: as many as fit into `EVALUATION_BYTES`, at most `EVALUATION_BATCH`."""
    if model not in _batches:
        with noise.seeded(0, next(model.parameters()).device):
            _batches[model] = max(1, min(EVALUATION_BATCH, EVALUATION_BYTES // evaluation_bytes(model)))
    return _batches[model]


def evaluation_bytes(model: Autoencoder) -> int:
    """Bytes per sample that a batch without gradients holds at once; the model, on any device, is in eval mode."""
    device = next(model.parameters()).device
    # a model with derivatives among its terms needs ordinary tensors, also where a caller needs no gradients
    with torch.inference_mode(False), torch.no_grad():
        x = torch.zeros((TRACED, *model_shape(model.data)), dtype=torch.float32, device=device)
        y = torch.zeros(TRACED, dtype=torch.int64, device=device)
        with Trace() as trace:
            model.terms(Batch(x, x, y))
    return max(1, (trace.peak + CONVOLUTION_COPIES * trace.widest) // TRACED)

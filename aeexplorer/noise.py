"""Random numbers from generators of our own.

torch's default generator belongs to the whole process: two trainings in two threads would draw from it in turns, and
neither would repeat. Here a generator is set for a thread with `drawing_from`, models draw with `normal_like`,
`uniform` and `integers`, and new models get their initial weights with `building`. Nothing touches the caller's random
state.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_generator: ContextVar[torch.Generator | None] = ContextVar("generator", default=None)


@contextlib.contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Draw from this generator within the block, in this thread alone."""
    token = _generator.set(generator)
    try:
        yield
    finally:
        _generator.reset(token)


def seeded(seed: int, device: torch.device | str = "cpu") -> contextlib.AbstractContextManager[None]:
    """Draw from a new generator with this seed within the block, in this thread alone."""
    return drawing_from(torch.Generator(device).manual_seed(seed))


def current() -> torch.Generator | None:
    """The generator of this thread; None stands for torch's default one."""
    return _generator.get()


def normal(
    shape: Sequence[int], generator: torch.Generator | None = None, device: torch.device | str = "cpu"
) -> Tensor:
    """ε ~ N(0, 1) of this shape, float32."""
    return torch.randn(tuple(shape), generator=generator or current(), device=device, dtype=torch.float32)


def normal_like(x: Tensor) -> Tensor:
    """ε ~ N(0, 1) of the shape of x, float32."""
    return normal(x.shape, device=x.device)


def uniform(
    shape: Sequence[int], generator: torch.Generator | None = None, device: torch.device | str = "cpu"
) -> Tensor:
    """u ~ U[0, 1) of this shape, float32."""
    return torch.rand(tuple(shape), generator=generator or current(), device=device, dtype=torch.float32)


def bernoulli(p: Tensor) -> Tensor:
    """1 with the probabilities p (...), else 0, float32."""
    return (uniform(p.shape, device=p.device) < p).to(p.dtype)  # three times as fast as torch.bernoulli


def integers(end: int, shape: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
    """Integers from 0 to end - 1 of this shape, int64."""
    return torch.randint(end, tuple(shape), generator=current(), device=device)


class Dropout(nn.Module):
    """Set a fraction `p` of the values to zero while training and scale the others by 1 / (1 - p) (Srivastava et al.
    2014); `nn.Dropout` with a generator."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(1 - self.p, generator=current()).div_(1 - self.p)


class _Building(TorchFunctionMode):
    """Gives every call that draws initial weights a generator, and every call that makes a tensor float32.

    `nn.Linear` and its kin take no generator. This mode sees their calls in this thread alone; it would be slow in a
    training step, and costs nothing when a model is made.
    """

    DRAWING = (
        *(torch.rand, torch.randn, torch.randint, torch.randperm, Tensor.uniform_, Tensor.normal_, Tensor.bernoulli_),
        *(nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_),
    )
    MAKING = (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn)

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(
        self, func: Callable[..., Any], _types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        if func in self.DRAWING and named.get("generator") is None:
            named["generator"] = self.generator
        floats = func in self.MAKING or (func is torch.full and isinstance(args[-1], float))
        if floats and named.get("dtype") is None:
            named["dtype"] = torch.float32
        return func(*args, **named)


def building(seed: int) -> contextlib.AbstractContextManager[Any]:
    """Initialise the models made within the block, in this thread alone, from a generator with this seed.

    The weights are those that `torch.manual_seed(seed)` would give.
    """
    return _Building(torch.Generator().manual_seed(seed))

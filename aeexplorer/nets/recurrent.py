"""Recurrent encoder and decoder (Srivastava et al. 2015, https://arxiv.org/abs/1502.04681; with feedback Bowman et al.
2016, https://arxiv.org/abs/1511.06349)."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.config import Config, ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.tensors import model_shape


class RecurrentKnobs(Config):
    """Knobs of recurrent networks."""

    recurrent_units: int = Field(64, ge=1, le=1024, description="Units of the recurrent layer, of each direction")
    frame: int = Field(
        1, ge=1, le=128, description="Time steps, or rows of a picture, that are read and written at once"
    )
    bidirectional: bool = Field(False, description="Read the sequence forwards and backwards")
    reversed_target: bool = Field(False, description="Write the sequence from its last step to its first")
    feedback: bool = Field(
        False,
        description="The decoder reads the previous symbol: the true one in training, its own afterwards",
    )
    word_dropout: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Fraction of the symbols hidden from the decoder in training, so that it needs the code",
        json_schema_extra={"unless": {"feedback": False}},
    )


CELLS: dict[str, type[nn.GRU] | type[nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}


def recurrent_suggestion(spec: DataSpec) -> dict[str, Any]:
    """Feedback for symbols, of which each depends on the one before; elsewhere at most some 35 steps."""
    if spec.row.symbols:
        return {"feedback": True, "recurrent_units": 128}
    return {"frame": max(1, round(model_shape(spec)[1] / 35))} if spec.row.sides else {}


def recurrent_encoder(spec: DataSpec, out: int, config: Any) -> nn.Module:
    """Build a network that reads all steps and maps the last state: (b, *model shape) -> (b, out)."""
    return RecurrentEncoder(spec, out, config)


def recurrent_decoder(spec: DataSpec, latent: int, config: Any) -> nn.Module:
    """Build a network that unrolls a code step by step: (b, latent) -> (b, *model shape).

    Raises:
        ConfigError: for feedback with data that are no symbols, or with several of them at once.
    """
    if config.feedback and config.frame > 1:
        raise ConfigError(f"frame must be 1 where the decoder has feedback, got {config.frame}")
    if config.feedback and not spec.row.symbols:
        raise ConfigError(f"feedback must be off for the {spec.kind} data of {spec.name}, which are no symbols, got on")
    return RecurrentDecoder(spec, latent, config)


def as_steps(x: Tensor, frame: int = 1) -> Tensor:
    """(b, channels, steps), or pictures (b, channels, h, w) row by row, as (b, steps, features); `frame` of them become
    one, the last of them filled with zeros."""
    steps = x.movedim(2, 1).flatten(2)
    missing = -steps.shape[1] % frame
    steps = F.pad(steps, (0, 0, 0, missing)) if missing else steps
    return steps.unflatten(1, (-1, frame)).flatten(2) if frame > 1 else steps


def step_shape(spec: DataSpec, frame: int = 1) -> tuple[int, int]:
    """Steps of a sample, and values of each step; the steps of a picture are its rows."""
    channels, steps, *across = model_shape(spec)
    return math.ceil(steps / frame), frame * channels * (across[0] if across else 1)


class RecurrentEncoder(nn.Module):
    """h = W s_T with the last state s_T of a GRU (Cho et al. 2014) or LSTM (Hochreiter & Schmidhuber 1997)."""

    def __init__(self, spec: DataSpec, out: int, config: Any) -> None:
        super().__init__()
        self.frame = config.frame
        features = step_shape(spec, config.frame)[1]
        self.cell = CELLS[config.net](
            features, config.recurrent_units, batch_first=True, bidirectional=config.bidirectional
        )
        self.dropout = noise.Dropout(config.dropout) if config.dropout else nn.Identity()
        self.out = nn.Linear(config.recurrent_units * (1 + config.bidirectional), out)

    def forward(self, x: Tensor) -> Tensor:
        _, last = self.cell(as_steps(x, self.frame))
        state = last[0] if isinstance(last, tuple) else last  # (directions, b, units)
        return self.out(self.dropout(state.movedim(0, 1).flatten(1)))


class RecurrentDecoder(nn.Module):
    """s_0 = tanh(V z), s_t = cell(s_{t-1}, z), x̂_t = W s_t; with feedback the cell also reads x_{t-1}.

    The samples are told (teacher forcing) where they are given; else each step reads the most probable symbol of the
    one before.
    """

    def __init__(self, spec: DataSpec, latent: int, config: Any) -> None:
        super().__init__()
        self.shape, self.config = model_shape(spec), config
        self.steps, self.features = step_shape(spec, config.frame)
        self.start = nn.Linear(latent, config.recurrent_units)
        read = latent + (self.features if config.feedback else 0)
        self.cell = CELLS[config.net](read, config.recurrent_units, batch_first=True)
        self.dropout = noise.Dropout(config.dropout) if config.dropout else nn.Identity()
        self.out = nn.Linear(config.recurrent_units, self.features)

    def forward(self, z: Tensor, told: Tensor | None = None) -> Tensor:
        """Raw outputs (b, *model shape) of codes z (b, latent); told (b, *model shape) are the samples themselves."""
        code = z[:, None].expand(-1, self.steps, -1)
        if not self.config.feedback:
            return self._shaped(self._unrolled(code, self._begin(z))[0])
        return self._shaped(self._freely(z) if told is None else self._told(code, self._begin(z), told))

    def _begin(self, z: Tensor) -> Any:
        state = torch.tanh(self.start(z))[None]
        return (state, torch.zeros_like(state)) if isinstance(self.cell, nn.LSTM) else state

    def _unrolled(self, read: Tensor, state: Any) -> tuple[Tensor, Any]:
        states, last = self.cell(read, state)
        return self.out(self.dropout(states)), last

    def _told(self, code: Tensor, state: Any, told: Tensor) -> Tensor:
        steps = as_steps(told)
        steps = steps.flip(1) if self.config.reversed_target else steps
        before = F.pad(steps[:, :-1], (0, 0, 1, 0))  # nothing stands before the first
        if self.training and self.config.word_dropout:
            before = before * (noise.uniform((*before.shape[:2], 1), device=before.device) >= self.config.word_dropout)
        return self._unrolled(torch.cat([code, before], dim=2), state)[0]

    def _freely(self, z: Tensor) -> Tensor:
        state, before, outputs = self._begin(z), z.new_zeros(len(z), 1, self.features), []
        for _ in range(self.steps):
            output, state = self._unrolled(torch.cat([z[:, None], before], dim=2), state)
            before = F.one_hot(output.argmax(2), self.features).to(z.dtype)
            outputs.append(output)
        return torch.cat(outputs, dim=1)

    def _shaped(self, outputs: Tensor) -> Tensor:
        """(b, steps, features) -> (b, *model shape)."""
        outputs = outputs.flip(1) if self.config.reversed_target else outputs
        channels, steps, *across = self.shape
        values = outputs.unflatten(2, (self.config.frame, channels, *across)).flatten(1, 2)
        return values.narrow(1, 0, steps).movedim(1, 2)

"""Configurations: frozen, bounded, refused with a sentence that names field, limit and value."""

from __future__ import annotations

import errno
import json
import os

import pytest
from pydantic import Field, ValidationError

from aeexplorer.config import Config, ConfigError, reason, unknown
from aeexplorer.models.base import ModelConfig
from aeexplorer.models.vq import VQConfig
from aeexplorer.training.config import TrainingConfig


class Knobs(Config):
    size: int = Field(3, ge=1, le=9, description="Size")
    rate: float = 0.5
    parts: tuple[int, ...] = Field((1,), max_length=2)


def test_json_round_trip_and_hash() -> None:
    knobs = Knobs(size=4, parts=(1, 2))
    again = Knobs(**json.loads(knobs.model_dump_json()))
    assert again == knobs and hash(again) == hash(knobs) and again != Knobs()


def test_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Knobs().size = 4


def test_replace_validates_again() -> None:
    assert Knobs(size=2).replace(rate=0.1) == Knobs(size=2, rate=0.1)
    with pytest.raises(ConfigError, match="size must be less than or equal to 9, got 10"):
        Knobs().replace(size=10)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"size": 0}, "size must be greater than or equal to 1, got 0"),
        ({"size": "many"}, "size must be a valid integer, unable to parse string as an integer, got 'many'"),
        ({"rate": float("nan")}, "rate must be a finite number, got nan"),
        ({"rate": float("inf")}, "rate must be a finite number, got inf"),
        ({"parts": (1, 2, 3)}, "parts: tuple should have at most 2 items after validation, not 3, got (1, 2, 3)"),
        ({"sise": 1}, "unknown knob 'sise', did you mean size? known are size, rate, parts"),
        ({"zzz": 1}, "unknown knob 'zzz': known are size, rate, parts"),
        ({"size": 0, "rate": "x"}, "size must be greater than or equal to 1, got 0; rate must be a valid number, "
                                   "unable to parse string as a number, got 'x'"),
    ],
)  # fmt: skip
def test_refusals_are_sentences(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        Knobs(**values)
    assert str(error.value) == said


@pytest.mark.parametrize("text", ['{"size": 0}', '{"sise": 1}', '{"rate": NaN}'])
def test_json_is_checked_as_well(text: str) -> None:
    with pytest.raises(ConfigError):
        Knobs(**json.loads(text))


def test_long_values_are_cut() -> None:
    with pytest.raises(ConfigError) as error:
        Knobs(rate="x" * 10_000)
    assert len(str(error.value)) < 200


def test_fields_together() -> None:
    with pytest.raises(ConfigError, match=r"^latent_dim must be a multiple of positions \(8\), got 63$"):
        VQConfig(latent_dim=63)


def test_every_knob_has_bounds_and_words() -> None:
    for config in (ModelConfig, TrainingConfig, VQConfig):
        for name, field in config.model_fields.items():
            assert field.description, name
            if field.annotation in (int, float):
                assert {type(m).__name__ for m in field.metadata} & {"Ge", "Gt"}, name
                assert {type(m).__name__ for m in field.metadata} & {"Le", "Lt"}, name


def test_unknown_names_the_nearest() -> None:
    assert unknown("dataset", "mnits", ["digits", "mnist"]) == (
        "unknown dataset 'mnits', did you mean mnist? known are digits, mnist"
    )


def test_a_reason_of_the_system_names_no_path_of_this_machine() -> None:
    assert reason(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "/home/somebody/secret")) == (
        "No such file or directory"
    )
    assert reason(OSError("the disk is away")) == "the disk is away"
    assert reason(ConfigError("epochs must be at least 1, got 0")) == "epochs must be at least 1, got 0"

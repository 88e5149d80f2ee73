"""Parts of a live panel: controls, rows of samples, readouts and a chart, declared and checked.

A page says what there is; the panel asks the scene with `params` and the values of its controls whenever one moves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from aeexplorer.config import Config, ConfigError


class Mark(Config):
    """A place on an axis that has a name: under a slider, or a dashed line in a chart."""

    x: float
    label: str


class Zone(Config):
    """A part of a slider that means something else, such as extrapolation."""

    low: float
    high: float
    label: str


class Slider(Config):
    """A number that moves. Its value stands above the thumb as "symbol = value unit".

    Attributes:
        param: the field of the scene's params it sets; "z.3" sets the fourth element of z.
        scale: "log" moves evenly in the logarithm; then `step` is not used.
        symbol_by: symbols that depend on another control, {"kind": {"gaussian": "σ", "masking": "p"}}.
        bend: (value, share of the travel) from `low` at 0 to `high` at 1, ascending; the slider moves evenly between
            them on its scale; a place within half a step of a mark is the mark.
    """

    type: Literal["slider"] = "slider"
    param: str
    label: str
    low: float
    high: float
    value: float
    step: float = Field(0.01, gt=0)
    scale: Literal["linear", "log"] = "linear"
    symbol: str = ""
    symbol_by: dict[str, dict[str, str]] = Field({})
    unit: str = ""
    digits: int | None = Field(None, ge=0, le=6)
    marks: tuple[Mark, ...] = ()
    zones: tuple[Zone, ...] = ()
    bend: tuple[tuple[float, float], ...] = ()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ConfigError(f"high must be greater than low, {self.low}, got {self.high}")
        if not self.low <= self.value <= self.high:
            raise ConfigError(f"value must be between {self.low} and {self.high}, got {self.value}")
        if self.scale == "log" and self.low <= 0:
            raise ConfigError(f"low must be greater than 0 on a log scale, got {self.low}")
        rising = all(a < c and b < d for (a, b), (c, d) in pairwise(self.bend))
        if self.bend and not (rising and self.bend[0] == (self.low, 0) and self.bend[-1] == (self.high, 1)):
            raise ConfigError(f"bend must rise from ({self.low}, 0) to ({self.high}, 1), got {self.bend}")
        return self


class Segmented(Config):
    """One of a few, side by side. Options are (value, text)."""

    type: Literal["segmented"] = "segmented"
    param: str
    label: str
    options: tuple[tuple[str, str], ...] = Field(min_length=1)
    value: str

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.value not in dict(self.options):
            raise ConfigError(f"value must be one of {', '.join(dict(self.options))}, got {self.value!r}")
        return self


class Button(Config):
    """A whole number that each press raises by one: a seed."""

    type: Literal["button"] = "button"
    param: str
    label: str
    value: int = 0


class Play(Config):
    """A button that moves the slider of the same param to and fro, `seconds` from `low` to `high` (the slider's)."""

    type: Literal["play"] = "play"
    param: str
    label: str = "Play"
    seconds: float = Field(4, gt=0, le=60)
    low: float | None = None
    high: float | None = None


Control = Annotated[Slider | Segmented | Button | Play, Field(discriminator="type")]


class Marker(Config):
    """Frames the sample of a row that a control stands on; the row covers `low` to `high` of the control."""

    control: str
    low: float = 0
    high: float = 1


class Row(Config):
    """A row of samples.

    Attributes:
        array: its name in the frame; a row whose array a frame does not have is not shown.
        label: at its left.
        signed: differences, blue for too little, red for too much.
        columns: samples in a line, for a grid; 0 aligns it with the other rows.
        tile: widest a sample is drawn, in pixels.
        beside: stands at the right of the other rows, above the chart; needs `columns`.
        caption: a readout that lists a text, a status or a number for each sample, or several of them.
        captions: texts that do not change, one for each sample.
        pick: whether a sample can be clicked; the page hears (row, column).
    """

    array: str
    label: str = ""
    signed: bool = False
    columns: int = Field(0, ge=0, le=64)
    tile: int = Field(96, ge=16, le=400)
    beside: bool = False
    caption: str = ""
    captions: tuple[str, ...] = ()
    marker: Marker | None = None
    pick: bool = False


class Readout(Config):
    """A number or a word of the frame's readouts; statuses get their light."""

    name: str
    label: str
    digits: int = Field(3, ge=0, le=6)
    unit: str = ""


class Line(Config):
    """A line of a chart, and the readout at which its dot stands; without one the dot stays on the line.

    The colour is "accent", "mark", "quiet" or "ink", which suit light and dark pages, or any of CSS.
    Its points are given here, for the values of controls named in `when`, or come as arrays of the chart's scene; of a
    table (points, m) the column that the control `column` stands on, among the values of the array `columns`.
    `x_readout` is where its dot stands across, when not where those of the chart do.
    """

    name: str
    colour: str
    readout: str = ""
    x_readout: str = ""
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    when: dict[str, str] = Field({})
    x_array: str = ""
    y_array: str = ""
    column: str = ""
    columns: str = ""


class Spot(Config):
    """A diamond in a chart."""

    x: float
    y: float
    label: str


class View(Config):
    """Something beside or above the rows that moves with the controls.

    Attributes:
        scene: where comes what stays the same meanwhile, asked again when another of the panel's params changes.
        fields: the params that are passed on to that scene.
        place: above the rows, side by side, or in a column at their right.
    """

    title: str
    scene: str = ""
    fields: tuple[str, ...] = ()
    place: Literal["above", "aside"] = "aside"


class Chart(View):
    """Lines with a dot each that moves with a control.

    Attributes:
        x: the param of that control.
        x_readout: in place of it, where dots stand.
        mark_at: the param of a control whose place is marked by a dashed line, `mark_label`.
        spots: named places that do not move, such as figures of other models; `spot_name` says what they are.
        height: of 380 units of width.
        from_zero: whether the y axis begins at 0 although the values are far from it.
    """

    type: Literal["chart"] = "chart"
    x: str = ""
    x_readout: str = ""
    x_label: str
    y_label: str = ""
    lines: tuple[Line, ...] = Field(min_length=1)
    marks: tuple[Mark, ...] = ()
    mark_at: str = ""
    mark_label: str = ""
    spots: tuple[Spot, ...] = ()
    spot_name: str = ""
    height: int = Field(250, ge=100, le=400)
    from_zero: bool = True


class Cloud(View):
    """Points of the array `map` that travel, in the colours of their `labels` (from the scene of what stays), with the
    prior and the aggregate posterior as ellipses.

    Attributes:
        colours: of the classes.
        names: of the classes, written where they lie.
    """

    type: Literal["cloud"] = "cloud"
    colours: tuple[str, ...]
    names: tuple[str, ...] = ()


class Dimensions(View):
    """The KL of each dimension as bars, the largest first, and of the same dimensions the aggregate posterior beside
    the prior; how many are active, and between which snapshots the weights stand."""

    type: Literal["dimensions"] = "dimensions"


class Heat(View):
    """A table of errors as colours, logarithmic, with a ring that moves.

    Attributes:
        array: the table (rows, columns); `rows` and `columns` are the arrays with its values.
        y, x: the params of the controls that move the ring.
    """

    type: Literal["heat"] = "heat"
    array: str
    rows: str
    columns: str
    x: str
    y: str
    x_label: str
    y_label: str


AnyView = Annotated[Chart | Cloud | Dimensions | Heat, Field(discriminator="type")]

"""The kinds of samples: `KINDS`, the one table of how they are stored, laid out, named, shown and compared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KindRow:
    """One row of `KINDS`. Which networks, losses and corruptions fit a kind is said in their own tables.

    Attributes:
        layout: the shape of one sample, in words. axes: how many axes that may be.
        sides: axes along which a model sees positions; behind them it sees channels.
        part: the singular of the parts of a sample ("pixel"); parts: its plural.
        loss: the loss that "auto" stands for where values do not lie in [0, 1].
        error: what `DataSpec.errors` measures, and in short.
        pixels: whether a sample is a picture of pixels: exported as PNG, drawn by hand, shown as squares.
        symbols: whether a sample is stored as indices into a vocabulary and seen as one probability per symbol.
        grid: columns, rows and widest tile in pixels of a page of samples.
        columns: samples in a row of a few, and of many.
        tile: width in pixels of a sample in a live row.
    """

    name: str
    layout: str
    axes: tuple[int, ...]
    sides: int
    part: str
    parts: str
    loss: str
    error: tuple[str, str]
    pixels: bool = False
    symbols: bool = False
    grid: tuple[int, int, int] = (5, 5, 220)
    columns: tuple[int, int] = (5, 8)
    tile: int = 200

    @property
    def bytes_per_value(self) -> int:
        """Bytes of one value of a stored sample, as the training loop holds it."""
        return 1 if self.pixels or self.symbols else 4


KINDS: dict[str, KindRow] = {
    row.name: row
    for row in (
        KindRow(
            "image", "(h, w) or (h, w, 3)", (2, 3), 2, "pixel", "pixels", "mse", ("Squared error per value", "MSE"),
            pixels=True, grid=(10, 5, 92), columns=(10, 16), tile=96,
        ),
        KindRow(
            "sequence", "(steps,) or (steps, channels)", (1, 2), 1, "value", "time steps", "mse",
            ("Squared error per value", "MSE"),
        ),
        KindRow("vector", "(features,)", (1,), 0, "value", "values", "mse", ("Squared error per value", "MSE")),
        KindRow(
            "tokens", "(steps,)", (1,), 1, "symbol", "symbols", "categorical", ("Nats per symbol", "nats per symbol"),
            symbols=True, grid=(4, 8, 260), columns=(4, 6), tile=220,
        ),
    )
}  # fmt: skip

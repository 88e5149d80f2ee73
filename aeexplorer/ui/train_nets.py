"""Networks beside each other on the page Train: what each would cost for these data."""

from __future__ import annotations

import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.data import DataSpec
from aeexplorer.models.base import ModelConfig
from aeexplorer.training.net_costs import NetCost, candidates, net_cost


def compare(spec: DataSpec, config: ModelConfig, key: str) -> None:
    """A switch, and behind it a table of the networks that fit; they are counted and timed when it is on."""
    help_text = (
        "Parameters, multiply-adds and time of encoder and decoder for one sample, on one core of this computer. "
        "Fewer multiply-adds are not always faster: a CPU computes depthwise convolutions at a lower rate."
    )
    if not st.toggle("Compare networks", key=key, help=help_text, persist_state="session"):
        return
    st.table(table(costs(spec, config), config))


def costs(spec: DataSpec, config: ModelConfig) -> list[NetCost]:
    """The networks that fit the data with this size of code; those that the data are too small for are left out."""
    found = []
    for name, chosen in candidates(spec, config).items():
        try:
            found.append(net_cost(name, spec, chosen))
        except ConfigError:  # knobs that were typed and do not fit are refused by the form
            continue
    return found


def table(found: list[NetCost], config: ModelConfig) -> dict[str, list[str]]:
    """The columns of the table; the network of the form is marked."""
    chosen = {config.net, f"{config.net}:{config.block}"}
    return {
        "Network": [f"**{cost.title}**" if cost.name in chosen else cost.title for cost in found],
        "Parameters": [f"{cost.parameters:,}" for cost in found],
        "Multiply-adds per sample": [f"{cost.multiply_adds:,}" for cost in found],
        "Time per sample": [f"{1e6 * cost.seconds:.3g} µs" for cost in found],
    }

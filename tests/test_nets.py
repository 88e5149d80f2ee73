"""Networks: every shape goes in and comes out again, and what does not fit is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.data import DataSpec
from aeexplorer.nets import NETS, NetConfig, foreign_knobs, make_decoder, make_encoder, parameter_count
from aeexplorer.tensors import model_shape


def spec(kind: str, *shape: int) -> DataSpec:
    symbols = ("", "a", "b") if kind == "tokens" else ()
    return DataSpec(name="samples", title="Samples", kind=kind, shape=shape, vocabulary=symbols)


def deep(hidden: tuple[int, ...]) -> NetConfig:
    return NetConfig(net="mlp", hidden=hidden)


def wide(channels: tuple[int, ...]) -> NetConfig:
    return NetConfig(net="conv", channels=channels)


SHAPES = [spec("image", 8, 8), spec("image", 9, 7, 3), spec("image", 1, 5), spec("image", 28, 28), spec("sequence", 20),
          spec("sequence", 13, 4), spec("sequence", 140), spec("tokens", 9), spec("vector", 5), spec("vector", 1)]  # fmt: skip


@pytest.mark.parametrize(
    ("net", "data"),
    [(n, s) for n, net in NETS.items() for s in SHAPES if s.kind in net.kinds],
    ids=lambda v: v if isinstance(v, str) else f"{v.kind}-{v.shape}",
)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_in_and_out(net: str, data: DataSpec, dropout: float) -> None:
    config = NetConfig(net=net, hidden=(4, 8), channels=(4, 8), dropout=dropout)
    encoder, decoder = make_encoder(data, 6, config), make_decoder(data, 3, config)
    assert encoder(torch.zeros(2, *model_shape(data))).shape == (2, 6)
    assert decoder(torch.zeros(2, 3)).shape == (2, *model_shape(data))
    dropouts = [m for m in [*encoder.modules(), *decoder.modules()] if isinstance(m, noise.Dropout)]
    assert bool(dropouts) == bool(dropout)


def test_no_hidden_layer_is_a_linear_map() -> None:
    encoder = make_encoder(spec("vector", 5), 2, deep(()))
    a, b = torch.randn(2, 1, 5)
    torch.testing.assert_close(encoder(a + b) + encoder(0 * a), encoder(a) + encoder(b))
    assert parameter_count(encoder) == 5 * 2 + 2


def test_the_decoder_mirrors_the_encoder() -> None:
    sizes = [
        [(m.in_features, m.out_features) for m in net if isinstance(m, nn.Linear)]
        for net in (
            make_encoder(spec("vector", 9), 2, deep((7, 5))),
            make_decoder(spec("vector", 9), 2, deep((7, 5))),
        )
    ]
    assert sizes[0] == [(9, 7), (7, 5), (5, 2)] and sizes[1] == [(b, a) for a, b in reversed(sizes[0])]


def test_convolutions_on_vectors_are_refused() -> None:
    for make in (make_encoder, make_decoder):
        with pytest.raises(ConfigError, match="net must be mlp for the vector data of samples, got conv"):
            make(spec("vector", 5), 2, wide((4,)))


def test_more_halvings_than_the_side_has_are_refused() -> None:
    make_encoder(spec("image", 8, 8), 2, wide((4,) * 3))
    with pytest.raises(ConfigError, match="channels must list at most 3 layers for samples, got 4"):
        make_encoder(spec("image", 8, 8), 2, wide((4,) * 4))
    with pytest.raises(ConfigError, match="channels must list at most 5 layers for samples, got 6"):
        make_decoder(spec("sequence", 20), 2, wide((4,) * 6))


def test_no_transformer_is_suggested_to_read_single_pixels() -> None:
    suggest = NETS["transformer"].suggest
    assert [suggest(spec("image", side, side))["patch"] for side in (8, 16, 28)] == [2, 2, 4]
    assert suggest(spec("sequence", 140)) == {"patch": 10}


def test_a_transformer_knows_from_the_start_where_a_patch_lies() -> None:
    """The code notices when the halves of a picture change places."""
    torch.manual_seed(0)
    encoder = make_encoder(spec("image", 8, 8), 16, NetConfig(net="transformer", patch=2))
    x = torch.rand(100, 1, 8, 8)
    h, swapped = encoder(x), encoder(x.roll(4, dims=3))
    assert (h - swapped).norm() > 0.1 * (h - h.roll(1, dims=0)).norm()


def test_each_net_reads_its_own_knobs() -> None:
    assert {"channels", "block"} <= foreign_knobs("mlp") and "hidden" not in foreign_knobs("mlp")
    assert foreign_knobs("conv") >= {"hidden", "patch", "word_dropout"} and not foreign_knobs("conv") & {"channels"}
    assert foreign_knobs("gru") == foreign_knobs("lstm") and "width" not in foreign_knobs("transformer")
    knobs = {name for net in NETS.values() for name in net.knobs.model_fields}
    assert set(NetConfig.model_fields) == {"net", "dropout"} | knobs

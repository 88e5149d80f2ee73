"""Symbols: how they are stored, seen, corrupted, decoded and written, from the arrays to the pages."""

from __future__ import annotations

import io
import math
import shutil
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.corruption import corrupt, fitting
from aeexplorer.data import Dataset, DataSpec, Split, chorales, load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.families import FAMILIES
from aeexplorer.live.frame import encode, signed_tiles, tiles
from aeexplorer.live.scenes import render
from aeexplorer.losses import LOSSES, pick_loss
from aeexplorer.models.base import Batch
from aeexplorer.plots.theme import LIGHT
from aeexplorer.tensors import to_array, to_float, to_tensor
from aeexplorer.training.estimation import suggested
from aeexplorer.ui.shared.symbols import notes_of, pitch_of, sound_of, symbol_drawing

WORDS = DataSpec(
    name="words", title="Words", kind="tokens", shape=(6,), vocabulary=("", "a", "b", "c", "Cl"), value_range=(0.0, 1.0)
)


@pytest.fixture(scope="module")
def words() -> Dataset:
    """Words of two to five letters, of which each is the one before or the next."""
    random = np.random.default_rng(0)
    starts = random.integers(0, 3, 240)
    texts = ["".join("abc"[(s + (i % 2) * random.integers(2)) % 3] for i in range(2 + s)) for s in starts]
    x = WORDS.indices(texts)
    return Dataset(WORDS, *(Split(x[i], np.full(len(i), -1)) for i in np.split(np.arange(240), (160, 200))))


@pytest.fixture(scope="module")
def model(words: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Explorer:
    """A small recurrent VAE with feedback."""
    path = tmp_path_factory.mktemp("runs") / "words"
    knobs = {"net": "gru", "feedback": True, "recurrent_units": 24, "latent_dim": 4, "beta": 0.05}
    return ae.open_run(
        ae.train("vae", words, path=path, epochs=15, batch_size=16, learning_rate=1e-2, bar=False, **knobs)
    )


def test_texts_become_indices_and_come_back() -> None:
    texts = ["ab", "aClb", "", "cccccc"]
    x = WORDS.indices(texts)
    assert x.dtype == np.uint8 and x[1].tolist() == [1, 4, 2, 0, 0, 0] and WORDS.text(x) == texts
    assert WORDS.text(WORDS.values(x)) == texts and WORDS.value_shape == (6, 5) and WORDS.size == 30
    with pytest.raises(ConfigError, match="text must be made of the 4 symbols of Words, got 'x'"):
        WORDS.indices(["axb"])
    with pytest.raises(ConfigError, match="text must have at most 6 symbols, got 7"):
        WORDS.indices(["aaaaaaa"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"vocabulary": ("a",)}, "vocabulary must have 2 to 256 different symbols, got 1"),
        ({"vocabulary": ("a", "a", "b")}, "vocabulary must have 2 to 256 different symbols, got 3"),
        ({"shape": (6, 2)}, r"shape of tokens data must be \(steps,\), all at least 1, got \(6, 2\)"),
        ({"voices": 4}, r"shape must hold whole time steps of 4 voices, got \(6,\)"),
    ],
)
def test_what_is_no_vocabulary_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        WORDS.replace(**fields)


def test_models_see_one_probability_per_symbol() -> None:
    x = WORDS.indices(["ab", "c"])
    tensor = to_float(to_tensor(x, WORDS))
    assert tensor.shape == (2, 5, 6) and torch.equal(tensor.sum(1), torch.ones(2, 6))
    np.testing.assert_array_equal(to_array(tensor, WORDS), WORDS.values(x))
    torch.testing.assert_close(to_float(to_tensor(WORDS.values(x), WORDS)), tensor)
    torch.testing.assert_close(to_float(to_tensor(x.astype(np.int64), WORDS)), tensor)
    with pytest.raises(ConfigError, match="samples must be whole numbers from 0 to 4, places in the vocabulary, got 5"):
        to_tensor(np.full((1, 6), 5), WORDS)


def test_the_loss_is_cross_entropy_in_nats() -> None:
    loss = pick_loss("auto", WORDS)
    logits, target = torch.randn(3, 5, 6), torch.randint(5, (3, 6))
    one_hot = F.one_hot(target, 5).movedim(2, 1).float()
    wanted = F.cross_entropy(logits, target, reduction="none").sum(1)
    torch.testing.assert_close(loss.made(WORDS)(logits, one_hot), wanted)
    torch.testing.assert_close(loss.link(logits).sum(1), torch.ones(3, 6))
    for name in LOSSES.keys() - {"categorical"}:
        with pytest.raises(ConfigError, match="loss must be categorical for words, whose values are symbols"):
            pick_loss(name, WORDS)
    with pytest.raises(ConfigError, match="whose values are no symbols, got categorical"):
        pick_loss("categorical", WORDS.replace(kind="vector", shape=(6,), vocabulary=()))


def test_corruptions_mask_or_replace_symbols() -> None:
    x = np.random.default_rng(0).integers(0, 5, (400, 6)).astype(np.uint8)
    assert fitting(WORDS) == ["masking", "masking_blocks", "replacement"]
    masked = corrupt(x, "masking", 0.4, spec=WORDS)
    assert (masked.sum(2) == 0).mean() == pytest.approx(0.4, abs=0.03)
    low, high = (corrupt(x, "replacement", level, seed=3, spec=WORDS) for level in (0.2, 0.6))
    assert set(np.unique(high)) == {0, 1} and (high.sum(2) == 1).all()
    changed = (low.argmax(2) != x).mean(), (high.argmax(2) != x).mean()
    assert changed[0] == pytest.approx(0.2 * 0.8, abs=0.03) and changed[1] == pytest.approx(0.6 * 0.8, abs=0.03)
    touched = low.argmax(2) != x
    np.testing.assert_array_equal(low[touched], high[touched])
    with pytest.raises(ConfigError, match="corruption must be one of none, masking, masking_blocks, replacement"):
        corrupt(x, "gaussian", 0.4, spec=WORDS)


@pytest.mark.parametrize("name", [name for name, row in FAMILIES.items() if "tokens" in row.kinds])
def test_every_family_takes_symbols(name: str, words: Dataset) -> None:
    row, data = FAMILIES[name], words
    if "label" in row.traits:
        spec = words.spec.replace(classes=("short", "long"))
        data = Dataset(spec, *(Split(s.x, (s.x[:, 3] > 0).astype(np.int64)) for s in words.splits.values()))
    config, _ = suggested(row, data.spec, 160)
    model = row.make(config, data.spec)
    x = to_float(to_tensor(data.train.x[:4], data.spec))
    terms = model.terms(Batch(x, x, torch.from_numpy(data.train.y[:4])))
    assert all(torch.isfinite(term) for term in terms.values())
    probabilities = model.decode(model.encode(x).z)
    assert probabilities.shape == x.shape and torch.allclose(probabilities.sum(1), torch.ones(4, 6))


def test_a_told_decoder_reads_the_sample_and_a_free_one_itself(words: Dataset) -> None:
    row = FAMILIES["vae"]
    config = row.config.replace(net="gru", feedback=True, recurrent_units=8, latent_dim=3)
    model = row.make(config, words.spec).eval()
    x, z = to_float(to_tensor(words.train.x[:5], words.spec)), torch.randn(5, 3)
    free = model.output(z)
    own = F.one_hot(free.argmax(1), 5).movedim(2, 1).float()
    torch.testing.assert_close(model.output(z, None, own), free)
    changed = x.clone()
    changed[:, :, 3] = changed[:, :, 3].roll(1, 1)
    told, other = model.output(z, None, x), model.output(z, None, changed)
    torch.testing.assert_close(told[:, :, :4], other[:, :, :4])  # a step sees only those before it
    assert not torch.allclose(told[:, :, 4:], other[:, :, 4:])


def test_with_all_words_dropped_only_the_code_speaks(words: Dataset) -> None:
    row = FAMILIES["vae"]
    config = row.config.replace(net="lstm", feedback=True, word_dropout=1.0, recurrent_units=8, latent_dim=3)
    model = row.make(config, words.spec).train()
    a, b = (to_float(to_tensor(words.train.x[i : i + 1], words.spec)) for i in (0, 1))
    z = torch.randn(1, 3)
    torch.testing.assert_close(model.output(z, None, a), model.output(z, None, b))
    model.eval()
    assert not torch.allclose(model.output(z, None, a), model.output(z, None, b))


@pytest.mark.long
def test_a_recurrent_vae_learns_words(words: Dataset, model: Explorer) -> None:
    result = model.run.status.result
    assert result["symbol_accuracy"] > 0.8 and result["neg_elbo"] == pytest.approx(
        result["reconstruction"] + result["kl"]
    )
    samples = model.sample(5, seed=1)
    assert samples.shape == (5, 6, 5) and all(set(text) <= set("abcCl") for text in model.text(samples))
    np.testing.assert_allclose(samples.sum(2), 1, atol=1e-5)
    errors = model.errors(words.test.x[:6])
    by_hand = -np.log(np.take_along_axis(model.reconstruct(words.test.x[:6]), words.test.x[:6, :, None].astype(int), 2))
    np.testing.assert_allclose(errors, by_hand[:, :, 0].mean(1), rtol=1e-4)
    np.testing.assert_allclose(model.encode(words.test.x), model.encode(words.spec.values(words.test.x)), atol=1e-6)


def test_frames_carry_symbols_and_probabilities(model: Explorer, words: Dataset, home: Path) -> None:
    x = words.test.x[:2]
    pairs = tiles(model.reconstruct(x), WORDS)
    assert pairs.shape == (2, 6, 2) and pairs.dtype == np.float32 and (pairs[..., 1] <= 1).all()
    np.testing.assert_array_equal(tiles(x, WORDS)[..., 0], x)
    moved = signed_tiles(WORDS.values(x[:1]) - WORDS.values(x[1:]), WORDS)
    np.testing.assert_array_equal(moved[0, :, 1], (x[0] != x[1]).astype(np.float32))
    shutil.copytree(model.run.path, home / "runs" / "words")
    frame = render("corrupt", {"run": "words", "samples": [{"pixels": [0.0] * 30}], "kind": "masking"})
    assert b'"tokens":{"vocabulary":["","a","b","c","Cl"],"voices":0}' in encode(frame)


def test_text_is_drawn_by_its_probabilities() -> None:
    values = np.zeros((6, 5), np.float32)
    values[0, 1], values[1] = 0.5, 0.0
    values[2:, 0] = 1
    drawing = symbol_drawing(values, WORDS, LIGHT)
    assert 'opacity="0.50">a</text>' in drawing and drawing.count("<text") == 2 and "▯" in drawing


def test_music_is_notes_and_sound() -> None:
    x = np.zeros(64, np.uint8)
    x[[0, 4, 8]] = chorales.SPEC.vocabulary.index("A4")
    x[1] = chorales.SPEC.vocabulary.index("C#3")
    notes = notes_of(x, chorales.SPEC)
    assert [(n.voice, n.pitch, n.begin, n.end) for n in notes] == [(0, 69, 0, 3), (1, 49, 0, 1)]
    assert pitch_of("rest") is None and chorales.SPEC.text(x[None])[0].startswith("A4 C#3 rest rest | A4 rest")
    with wave.open(io.BytesIO(sound_of(x, chorales.SPEC))) as sound:
        wanted = 0.3 * 16 + 0.2
        assert sound.getnframes() / sound.getframerate() == pytest.approx(wanted, abs=0.01)
        values = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(values[8_000:14_000]))
    assert np.argmax(spectrum) * 16_000 / 6_000 == pytest.approx(440, abs=4)


# datasets


@pytest.mark.long
def test_no_text_is_in_two_splits() -> None:
    for name in ("names", "molecules"):
        data = load_dataset(name)
        texts = [set(data.spec.text(split.x)) for split in data.splits.values()]
        assert sum(map(len, texts)) == len(set.union(*texts)) == sum(map(len, data.splits.values()))
    molecules = load_dataset("molecules").test
    text = load_dataset("molecules").spec.text(molecules.x[:200])
    heavy = [sum(symbol in "CNOFcno" for symbol in smiles) for smiles in text]
    assert molecules.factors is not None and heavy == molecules.factors[:200, 1].tolist()


@pytest.mark.long
def test_chorales_are_split_by_piece_and_shifted() -> None:
    if not ae.DATASETS["chorales"].available():
        pytest.skip("chorales are not on this computer, set AEEXPLORER_DATA_DIR")
    data = load_dataset("chorales")
    seen = [{row.tobytes() for row in split.x} for split in data.splits.values()]
    assert sum(map(len, seen)) == len(set.union(*seen)) == sum(map(len, data.splits.values()))
    up = chorales.shifted(data.test.x, 2)
    kept = chorales.shifted(up, -2)
    assert {row.tobytes() for row in kept} <= seen[2] and len(up) > 0.9 * len(data.test)


def test_packed_files_are_small() -> None:
    files = list((Path(chorales.__file__).parent / "packed").glob("*.gz"))
    assert len(files) == 3 and all(file.stat().st_size <= 300_000 for file in files)


def test_genes_are_standardised_by_the_training_split() -> None:
    data = load_dataset("genes")
    assert data.spec.shape == (765,) and len(data.spec.features) == 765 and len(data.train) == 490
    np.testing.assert_allclose(data.train.x.mean(0), 0, atol=1e-5)
    assert math.isclose(float(data.train.x.std()), 1, abs_tol=0.01)

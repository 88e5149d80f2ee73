"""Evaluation of a model on a split: the figures that command line, cards and pages show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from aeexplorer import noise
from aeexplorer.config import ConfigError
from aeexplorer.corruption import extremes, lookup
from aeexplorer.data.spec import DataSpec, Split
from aeexplorer.metrics import active_units, cross_entropy_floor, pca_axes, pca_line, principal_angles
from aeexplorer.models.base import Autoencoder
from aeexplorer.tensors import Samples
from aeexplorer.training.loop import make_batch, mean_terms
from aeexplorer.training.tracing import EVALUATION_BATCH, evaluation_batch

MOST_IMPORTANCE_SAMPLES = 100_000

NLL_BYTES = 64_000_000
"""Largest size of the decoded samples in one chunk of importance samples."""


class Encoded(NamedTuple):
    """Clean samples x (b, *model shape), their labels y (b,), and the encoder network's output h (b, out)."""

    x: Tensor
    y: Tensor
    h: Tensor


@torch.inference_mode()
def encoded(model: Autoencoder, split: Split, most: int = EVALUATION_BATCH) -> Iterator[Encoded]:
    """Yield clean samples, labels and encoder outputs in batches, in eval mode."""
    device = next(model.parameters()).device
    samples = Samples(split.x, split.y, model.data, device)
    model.eval()
    for index in torch.arange(len(samples), device=device).split(min(most, evaluation_batch(model))):
        x, y = samples.batch(index)
        yield Encoded(x, y, model.features(x, y))


@torch.inference_mode()
def evaluate(model: Autoencoder, split: Split, seed: int = 0, nll: int = 0) -> dict[str, float]:
    """Figures per sample, summed over features and averaged over the split.

    Args:
        nll: importance samples for "nll"; 0 leaves it out.

    Returns:
        reconstruction: the reconstruction term of the training, from corrupted input where the training corrupts:
            nats for cross-entropy, else an error.
        mse: squared error per feature of reconstructions from clean input.
        symbol_accuracy, sample_accuracy (of tokens): fraction of symbols that are restored, up to the end of each text,
            and of samples of which all are.
        denoising_mse (where the training corrupts): the same from corrupted input.
        active_units: dimensions of the code whose variance over the split exceeds 0.01.
        kl (with a posterior): the rate in nats, unweighted; prior_nats in its place with a learned prior over entries.
        neg_elbo: -log p(x|z) + rate with one posterior sample each, in nats; an upper bound on -log p(x) where the loss
            is a likelihood, of cross-entropy therefore for black and white pictures only.
        floor (cross-entropy of grey levels): the part of reconstruction that no model can fall below, in nats.
        nll: -log p(x) by importance sampling, in nats.
        perplexity, codes_used (with a codebook): exp of the entropy of the entries' frequencies, and entries used.
        accuracy (of families that classify): fraction of correct classes among the labelled samples.

    Raises:
        ConfigError: when nll is out of bounds, or the model has no posterior or no likelihood.
    """
    figures = {"reconstruction": mean_terms(model, split, seed)["reconstruction"]}
    squared, rate, codes, indices, restored, right, labelled = 0.0, 0.0, [], [], [], 0, 0
    learned = "prior" in model.traits_of(model.config)
    with noise.seeded(seed, next(model.parameters()).device):
        for x, y, h in encoded(model, split):
            code = model.code(h)
            decoded = model.decode(code.z, y)
            squared += (decoded - x).square().sum().item()
            if model.data.row.symbols:
                restored.append(_restored_symbols(decoded, x, model.data))
            codes.append(code.z.cpu().numpy())
            if code.mean is not None or learned:
                rate += model.rate(model.drawn(h)).sum().item()
            if code.indices is not None:
                indices.append(code.indices.cpu().numpy())
            if code.logits is not None:
                right += int((code.logits.argmax(1) == y).sum())
                labelled += int((y >= 0).sum())
    n, size = len(split), model.data.size
    if code.mean is not None or learned:
        figures["kl" if code.mean is not None else "prior_nats"] = rate / n
        constant = (model.loss.constant or 0.0) * size
        figures["neg_elbo"] = figures["reconstruction"] + constant + rate / n
    if model.loss.name == "bce" and (floor := cross_entropy_floor(split.x)):
        figures["floor"] = floor
    figures["mse"] = squared / n / size
    if restored:
        counts = torch.cat(restored).sum(0)  # right symbols, symbols, right samples
        figures["symbol_accuracy"] = (counts[0] / counts[1]).item()
        figures["sample_accuracy"] = (counts[2] / n).item()
    if model.config.corruption != "none":
        figures["denoising_mse"] = denoising_error(model, split, seed)
    figures["active_units"] = float(active_units(np.concatenate(codes)).sum())
    if labelled:
        figures["accuracy"] = right / labelled
    if indices:
        figures |= _usage(np.concatenate(indices), model.config.codebook_size)
    if nll:
        figures["nll"] = negative_log_likelihood(model, split, nll, seed)
    return figures


def _restored_symbols(decoded: Tensor, x: Tensor, data: DataSpec) -> Tensor:
    """Counts for each sample (b, 3): symbols restored, of symbols up to the first empty one, and whether all of
    them are; decoded and x are (b, symbols, steps)."""
    wanted = x.argmax(1)
    right = decoded.argmax(1) == wanted
    ended = wanted == data.vocabulary.index("") if "" in data.vocabulary else torch.zeros_like(right)
    counted = ended.cumsum(1) - ended.long() == 0  # the first empty symbol counts, those after it do not
    found = (right & counted).sum(1)
    return torch.stack([found, counted.sum(1), found == counted.sum(1)], dim=1).double()


def likelihood_sentence(floor: float | None) -> str:
    """Say whether figures of cross-entropy are a likelihood.

    Args:
        floor: the smallest cross-entropy of the test samples in nats; 0 of black and white ones, None where it is not
            known of grey ones.
    """
    if floor == 0:
        return "Pixels are black or white: cross-entropy is a likelihood, and −ELBO bounds −log p(x) from above."
    least = "" if floor is None else f": even a perfect reconstruction has {floor:.1f} nats"
    return (
        f"The cross-entropy is measured on grey levels{least}. It is not a likelihood: it bounds −log p(x) only for "
        "pixels drawn black or white at random."
    )


def _usage(indices: np.ndarray, entries: int) -> dict[str, float]:
    """Perplexity and number of used entries of a codebook, from indices (n, positions)."""
    share = np.bincount(indices.ravel(), minlength=entries) / indices.size
    used = share[share > 0]
    return {"perplexity": float(np.exp(-(used * np.log(used)).sum())), "codes_used": float(len(used))}


@torch.inference_mode()
def negative_log_likelihood(model: Autoencoder, split: Split, k: int, seed: int = 0) -> float:
    """-log p(x) in nats per sample, averaged over a split, with k importance samples z_i ~ q(z|x) each:
    log p(x) ≈ log 1/k Σ_i p(x|z_i) p(z_i) / q(z_i|x) (Burda et al. 2016, https://arxiv.org/abs/1509.00519, equation 8).

    On average the result lies between -log p(x) and the negative ELBO.

    Raises:
        ConfigError: for k outside 1 to 100,000, or a model without a posterior or a likelihood.
    """
    if not 1 <= k <= MOST_IMPORTANCE_SAMPLES:
        raise ConfigError(f"nll must be between 1 and {MOST_IMPORTANCE_SAMPLES} importance samples, got {k}")
    if model.loss.constant is None:
        raise ConfigError(f"nll needs a loss that is a likelihood, got {model.loss.name}")
    total, widest = 0.0, max(1, NLL_BYTES // (4 * model.data.size))  # rows of a chunk
    with noise.seeded(seed, next(model.parameters()).device):
        for x, y, h in encoded(model, split, min(EVALUATION_BATCH, widest)):
            if model.code(h).mean is None:
                raise ConfigError(f"nll needs a family with a posterior, got {type(model).__name__}")
            at_once = max(1, min(k, widest // len(x)))
            log_weight = torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device)
            for begin in range(0, k, at_once):
                count = min(at_once, k - begin)
                z, log_q = model.draw(x, count, y)  # (count, b, latent_dim), (count, b)
                rows, x_rows, y_rows = z.flatten(0, 1), x.repeat(count, *[1] * (x.ndim - 1)), y.repeat(count)
                joint = model.log_likelihood(rows, x_rows, y_rows) + model.log_prior(rows, y_rows)
                weights = joint.unflatten(0, (count, len(x))).double() - log_q
                log_weight = torch.logaddexp(log_weight, weights.logsumexp(0))
            total += (math.log(k) - log_weight).sum().item()
    return total / len(split)


@torch.inference_mode()
def compare_with_pca(model: Autoencoder, train: Split, test: Split) -> dict[str, float]:
    """Distance of a linear autoencoder from PCA, whose subspace is its optimum (Baldi & Hornik 1989).

    Returns:
        pca_mse: squared error per feature of PCA of as many dimensions on the test split. pca_angle: the largest
            principal
        angle in degrees between the decoder's columns and the first principal axes of the training split. Nothing for
        a model that is not linear.
    """
    layers = [
        m for m in (*model.encoder.modules(), *model.decoder.modules()) if next(m.parameters(False), None) is not None
    ]
    linear = [m for m in layers if isinstance(m, nn.Linear)]
    if len(layers) != 2 or len(linear) != 2 or model.loss.name != "mse":
        return {}
    weight = linear[1].weight.detach().cpu().numpy()  # (features, K)
    dimensions = weight.shape[1]
    if dimensions >= min(len(train), model.data.size):
        return {}
    angles = principal_angles(weight, pca_axes(train.x, dimensions))
    error = pca_line(train.x, test.x, dimensions).test_error[-1]
    return {"pca_mse": float(error), "pca_angle": float(angles[-1])}


@torch.inference_mode()
def denoising_error(model: Autoencoder, split: Split, seed: int = 0) -> float:
    """Squared error per feature of restoring clean samples from input that is corrupted as in training."""
    squared = 0.0
    with noise.seeded(seed, next(model.parameters()).device):
        for x, y, _ in encoded(model, split):
            x_in = make_batch(model, x, y).x_in
            squared += (model.decode(model.encode(x_in, y).z, y) - x).square().sum().item()
    return squared / len(split) / model.data.size


@torch.inference_mode()
def rate_distortion(model: Autoencoder, split: Split, seed: int = 0) -> dict[str, np.ndarray]:
    """Rate and distortion of a posterior on a split, float32; K is the latent dimension.

    Alemi et al. 2018, "Fixing a broken ELBO", https://arxiv.org/abs/1711.00464.

    Returns:
        distortion (): E_q[-log p(x|z)] in nats per sample, with one posterior sample each.
        rate (): KL(q(z|x) || p(z)) in nats per sample; kl (groups,): its part in each group of `Autoencoder.rate`, of
            most families each dimension.
        activity (K,): variance of each posterior mean over the split; active_units (): where it exceeds 0.01.
        mean, variance (K,): moments of the aggregate posterior; the prior's are 0 and 1.
    """
    distortion = 0.0
    kl = torch.zeros((), dtype=torch.float64)
    means, variance = [], torch.zeros(model.config.latent_dim, dtype=torch.float64)
    with noise.seeded(seed, next(model.parameters()).device):
        for x, y, h in encoded(model, split):
            code = model.drawn(h)
            moments = model.code(h) if code.mean is None else code
            assert moments.mean is not None and moments.logvar is not None
            distortion += model.reconstruction(code.z, x, y).item() * len(x)
            kl = kl + model.rate(code).sum(0).cpu()
            means.append(moments.mean.cpu())
            variance += moments.logvar.exp().sum(0).cpu()
    n, mean = len(split), torch.cat(means).double()
    activity = mean.var(0, correction=0)
    found = {
        "distortion": distortion / n,
        "rate": kl.sum() / n,
        "kl": kl / n,
        "activity": activity,
        "active_units": active_units(mean.numpy()).sum(),
        "mean": mean.mean(0),
        "variance": activity + variance / n,
    }
    return {name: np.asarray(value, dtype=np.float32) for name, value in found.items()}


@torch.inference_mode()
def restoration(model: Autoencoder, split: Split, levels: Sequence[float], seed: int = 0) -> np.ndarray:
    """Squared error per feature of restoring a split from input corrupted at each level, (len(levels),) float32.

    The kind of corruption is the model's. The noise of a sample is drawn once and used at every level.
    """
    row = lookup(model.config.corruption)
    squared = np.zeros(len(levels))
    with noise.seeded(seed, next(model.parameters()).device):
        for x, y, _ in encoded(model, split):
            pattern = row.draw(x.shape, None, x.device)
            for i, level in enumerate(levels):
                x_in = row.apply(x, level, pattern, extremes(model.data))
                squared[i] += (model.decode(model.encode(x_in, y).z, y) - x).square().sum().item()
    return (squared / len(split) / model.data.size).astype(np.float32)

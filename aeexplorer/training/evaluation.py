"""How good a model is on a split: the figures that the command line, the cards and the pages show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from aeexplorer import losses
from aeexplorer.corruption import extremes, lookup
from aeexplorer.data.spec import Split
from aeexplorer.metrics import active_units
from aeexplorer.models.base import Autoencoder, Code
from aeexplorer.tensors import Samples
from aeexplorer.training.loop import EVALUATION_BATCH, make_batch, mean_terms


@torch.inference_mode()
def encoded(model: Autoencoder, split: Split) -> Iterator[tuple[Tensor, Code]]:
    """Clean samples and their codes in batches, in eval mode."""
    device = next(model.parameters()).device
    samples = Samples(split.x, split.y, model.data, device)
    model.eval()
    for index in torch.arange(len(samples), device=device).split(EVALUATION_BATCH):
        x, _ = samples.batch(index)
        yield x, model.encode(x)


@torch.inference_mode()
def evaluate(model: Autoencoder, split: Split, seed: int = 0) -> dict[str, float]:
    """Figures per sample, summed over features and averaged over the split.

    Returns:
        reconstruction: the reconstruction term as trained, from the corrupted input where the family corrupts: nats
            for cross-entropy, squared error otherwise. mse: squared error per feature of restoring clean samples from
            clean input. denoising_mse: the same from corrupted input. active_units: code units whose variance over
            the split exceeds 0.01. With a posterior also kl, unweighted, in nats, and neg_elbo, reconstruction + kl:
            an upper bound on -log p(x) by one posterior sample each. With a codebook also perplexity, the effective
            number of entries in use, and codes_used.
    """
    figures = {"reconstruction": mean_terms(model, split, seed)["reconstruction"]}
    squared, kl, codes, indices = 0.0, 0.0, [], []
    for x, code in encoded(model, split):
        squared += (model.decode(code.z) - x).square().sum().item()
        codes.append(code.z.cpu().numpy())
        if code.mean is not None and code.logvar is not None:
            kl += losses.kl_standard_normal(code.mean, code.logvar).item() * len(x)
        if code.indices is not None:
            indices.append(code.indices.cpu().numpy())
    n = len(split)
    if code.mean is not None:
        figures |= {"kl": kl / n, "neg_elbo": figures["reconstruction"] + kl / n}
    figures["mse"] = squared / n / model.data.size
    if model.config.corruption != "none":
        figures["denoising_mse"] = denoising_error(model, split, seed)
    figures["active_units"] = float(active_units(np.concatenate(codes)).sum())
    if indices:
        share = np.bincount(np.concatenate(indices).ravel(), minlength=model.config.codebook_size) / (
            n * indices[0].shape[1]
        )
        used = share[share > 0]
        figures |= {"perplexity": float(np.exp(-(used * np.log(used)).sum())), "codes_used": float(len(used))}
    return figures


@torch.inference_mode()
def denoising_error(model: Autoencoder, split: Split, seed: int = 0) -> float:
    """Squared error per feature of restoring clean samples from input corrupted as in training."""
    squared = 0.0
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for x, _ in encoded(model, split):
            x_in = make_batch(model, x, x.new_empty(0)).x_in
            squared += (model.decode(model.encode(x_in).z) - x).square().sum().item()
    return squared / len(split) / model.data.size


@torch.inference_mode()
def rate_distortion(model: Autoencoder, split: Split, seed: int = 0) -> dict[str, np.ndarray]:
    """What a posterior pays and what it spends on a split, float32; K is the code's size.

    Returns:
        distortion: (), E_q[-log p(x|z)] in nats per sample, by one posterior sample each; rate: (), KL(q(z|x) || N(0, I));
        kl: (K,), the rate of each dimension. active_units: (), dimensions whose posterior mean varies by more than 0.01;
        activity: (K,), that variance. mean, variance: (K,) of the aggregate posterior, to be held against 0 and 1.
    """
    device = next(model.parameters()).device
    distortion = 0.0
    kl = torch.zeros(model.config.latent_dim, dtype=torch.float64)
    means, variance = [], torch.zeros_like(kl)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for x, code in encoded(model, split):
            assert code.mean is not None and code.logvar is not None
            spread = code.logvar.exp()
            z = torch.addcmul(code.mean, spread.sqrt(), torch.randn_like(spread))
            distortion += model.reconstruction(z, x).item() * len(x)
            kl += 0.5 * (code.mean.square() + spread - 1 - code.logvar).sum(0).cpu()
            means.append(code.mean.cpu())
            variance += spread.sum(0).cpu()
    n, mean = len(split), torch.cat(means).double()
    activity = mean.var(0, correction=0)
    found = {
        "distortion": distortion / n, "rate": kl.sum() / n, "kl": kl / n, "activity": activity,
        "active_units": active_units(mean.numpy()).sum(), "mean": mean.mean(0), "variance": activity + variance / n,
    }  # fmt: skip
    return {name: np.asarray(value, dtype=np.float32) for name, value in found.items()}


@torch.inference_mode()
def restoration(model: Autoencoder, split: Split, levels: Sequence[float], seed: int = 0) -> np.ndarray:
    """Squared error per feature of restoring a split from input corrupted at each level, (len(levels),) float32.

    The corruption is the model's; its pattern is drawn once per sample and locked while the level moves.
    """
    row = lookup(model.config.corruption)
    device = next(model.parameters()).device
    squared = np.zeros(len(levels))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        for x, _ in encoded(model, split):
            noise = row.draw(x.shape, None, x.device)
            for i, level in enumerate(levels):
                x_in = row.apply(x, level, noise, extremes(model.data))
                squared[i] += (model.decode(model.encode(x_in).z) - x).square().sum().item()
    return (squared / len(split) / model.data.size).astype(np.float32)

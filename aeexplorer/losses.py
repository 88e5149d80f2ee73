"""Losses with one reduction: summed over the features of a sample, averaged over the batch.

With this reduction cross-entropy and KL divergence are both in nats per sample, and their sum is the negative evidence
lower bound (ELBO). A weight such as β has the same meaning on every dataset and page. `LOSSES` is the one table.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.perceptual import Perceptual, no_classifier


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-Σ_i [x_i log σ(l_i) + (1 - x_i) log(1 - σ(l_i))], (b,) nats; logits and target (b, ...), target in [0, 1]."""
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(1).sum(1)


def categorical_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """-Σ_t Σ_v x_vt log softmax_v(l_t), (b,) nats; logits and target (b, symbols, steps), target probabilities."""
    return -(target * logits.log_softmax(1)).flatten(1).sum(1)


def squared_error(output: Tensor, target: Tensor) -> Tensor:
    """Σ_i (x_i - x̂_i)², (b,): -log N(x; x̂, I/2) in nats, without the constant ½ log π of each value."""
    return F.mse_loss(output, target, reduction="none").flatten(1).sum(1)


def absolute_error(output: Tensor, target: Tensor) -> Tensor:
    """Σ_i |x_i - x̂_i|, (b,): -log p of a Laplace distribution of scale 1 in nats, without log 2 of each value."""
    return F.l1_loss(output, target, reduction="none").flatten(1).sum(1)


def structural_error(output: Tensor, target: Tensor) -> Tensor:
    """0.84 n (1 - SSIM(x̂, x)) + 0.16 Σ_i |x_i - x̂_i|, (b,), for pictures of n values; output and target (b, channels,
    h, w), target in [0, 1].

    The absolute error leads out of where SSIM is flat: a grey area in place of a black one (Zhao et al. 2017,
    https://arxiv.org/abs/1511.08861, section III.D, with SSIM at one scale). The output is not squeezed into [0, 1]: a
    sigmoid would saturate on the black background before anything else is learned.
    """
    similarity = structural_similarity(output, target)
    return 0.84 * target[0].numel() * (1 - similarity) + 0.16 * absolute_error(output, target)


def structural_similarity(x: Tensor, y: Tensor) -> Tensor:
    """SSIM (b,) of pictures (b, channels, h, w) in [0, 1], the mean over all windows inside the picture.

    A window has 7 x 7 pixels, or 3 x 3 where a side of the picture is below 14 (Wang et al. 2004,
    https://doi.org/10.1109/TIP.2003.819861, equation 13, with the sample covariance of a uniform window).
    """
    width = 7 if min(x.shape[2:]) >= 14 else 3
    side = (min(width, x.shape[2]), min(width, x.shape[3]))

    def windows(values: Tensor) -> Tensor:
        return F.avg_pool2d(values, side, stride=1)

    unbiased = side[0] * side[1] / max(side[0] * side[1] - 1, 1)
    mean_x, mean_y = windows(x), windows(y)
    variances = unbiased * (windows(x * x + y * y) - mean_x**2 - mean_y**2)
    covariance = unbiased * (windows(x * y) - mean_x * mean_y)
    luminance = (2 * mean_x * mean_y + 0.01**2) / (mean_x**2 + mean_y**2 + 0.01**2)
    structure = (2 * covariance + 0.03**2) / (variances + 0.03**2)
    return (luminance * structure).flatten(1).mean(1)


class LearnedVariance(nn.Module):
    """Σ_i [(x_i - x̂_i)² / 2σ² + log σ], (b,): -log N(x; x̂, σ² I) in nats, without ½ log 2π of each value; output and
    target (b, ...).

    σ is one weight of the model, bounded below by e^-6 (Rybkin et al. 2021, https://arxiv.org/abs/2006.13202, sections
    3.1 and A). It weighs the reconstruction against a KL term, so that no β has to be found by hand.
    """

    LEAST = -6.0

    def __init__(self, data: DataSpec) -> None:
        super().__init__()
        variance = TYPICAL_VARIANCE if data.unit_interval else data.variance
        self.raw = nn.Parameter(torch.full((), 0.5 * math.log(variance), dtype=torch.float32))

    @property
    def log_sigma(self) -> Tensor:
        """log σ ()."""
        return self.LEAST + F.softplus(self.raw - self.LEAST)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        log_sigma = self.log_sigma
        return 0.5 * torch.exp(-2 * log_sigma) * squared_error(output, target) + target[0].numel() * log_sigma


TYPICAL_VARIANCE = 0.1
"""Variance of a pixel over pictures with values in [0, 1], about."""


@dataclass(frozen=True)
class Loss:
    """One row of `LOSSES`.

    Attributes:
        link: the decoder's output (b, ...) -> data space.
        per_sample: (output, target), each (b, ...) -> (b,); or a class whose objects, made for a dataset, are such
            functions, a module where the loss has weights of its own.
        constant: nats per value that `per_sample` leaves out of -log p(x|z); None where it is not a log-likelihood.
        lack: what data lack for this loss, as the end of a sentence; "" for data that it fits.
        symbol: its name in an equation, in LaTeX.
        symbols: whether it is of data of symbols; others fit all data but these.
    """

    name: str
    title: str
    link: Callable[[Tensor], Tensor]
    per_sample: Callable[[Tensor, Tensor], Tensor] | type[LearnedVariance] | type[Perceptual]
    constant: float | None = None
    lack: Callable[[DataSpec], str] = lambda data: ""
    symbol: str = r"\ell"
    symbols: bool = False

    def misfit(self, data: DataSpec) -> str:
        """Say why it cannot be used on a dataset, as the end of a sentence; "" where it can."""
        if self.symbols != data.row.symbols:
            return f"whose values are {'' if data.row.symbols else 'no '}symbols"
        return self.lack(data)

    def fits(self, data: DataSpec) -> bool:
        """Whether it can be used on a dataset."""
        return not self.misfit(data)

    def made(self, data: DataSpec) -> Callable[[Tensor, Tensor], Tensor]:
        """`per_sample` for a dataset; weights of its own are freshly initialised."""
        return self.per_sample(data) if isinstance(self.per_sample, type) else self.per_sample


def _identity(output: Tensor) -> Tensor:
    return output


def _without_bounds(data: DataSpec) -> str:
    return "" if data.unit_interval else "whose values are not in [0, 1]"


def _no_picture(data: DataSpec) -> str:
    return _without_bounds(data) if data.row.pixels else "which are no pictures"


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(
            "bce", "Cross-entropy", torch.sigmoid, binary_cross_entropy, constant=0.0,
            lack=_without_bounds, symbol=r"\mathrm{CE}",
        ),
        Loss(
            "mse", "Squared error", _identity, squared_error, constant=0.5 * math.log(math.pi),
            symbol=r"\mathrm{SE}",
        ),
        Loss("mae", "Absolute error", _identity, absolute_error, constant=math.log(2.0), symbol=r"\mathrm{AE}"),
        Loss(
            "learned_variance", "Squared error, learned variance", _identity, LearnedVariance,
            constant=0.5 * math.log(2 * math.pi), symbol=r"-\log \mathcal N",
        ),
        Loss(
            "categorical", "Cross-entropy of symbols", functools.partial(torch.softmax, dim=1),
            categorical_cross_entropy, constant=0.0, symbol=r"\mathrm{CE}", symbols=True,
        ),
        Loss("ssim", "Structural similarity", _identity, structural_error, lack=_no_picture),
        Loss("perceptual", "Perceptual loss", torch.sigmoid, Perceptual, lack=no_classifier),
    )
}  # fmt: skip


def pick_loss(name: str, data: DataSpec) -> Loss:
    """The row named `name`; "auto" is cross-entropy where values lie in [0, 1] or are symbols, squared error elsewhere.

    Raises:
        ConfigError: when it does not fit the data.
    """
    usual = "bce" if data.unit_interval and not data.row.symbols else data.row.loss
    loss = LOSSES[usual if name == "auto" else name]
    if misfit := loss.misfit(data):
        *others, last = [other.name for other in LOSSES.values() if other.fits(data)]
        fitting = f"{', '.join(others)} or {last}" if others else last
        raise ConfigError(f"loss must be {fitting} for {data.name}, {misfit}, got {name}")
    return loss


def gaussian_kl(
    mean: Tensor, logvar: Tensor, prior_mean: Tensor | None = None, prior_logvar: Tensor | None = None
) -> Tensor:
    """KL(N(μ, σ²) || N(μ_p, σ_p²)) of each dimension, in nats; all (b, K).

    Without a prior it is N(0, 1): ½ (μ² + σ² - 1 - log σ²) (Kingma & Welling 2014, appendix B).
    """
    if prior_mean is None or prior_logvar is None:
        return 0.5 * (torch.addcmul(logvar.exp() - logvar, mean, mean) - 1)
    shifted = (mean - prior_mean).square() * (-prior_logvar).exp()
    ratio = logvar - prior_logvar
    return 0.5 * (shifted + ratio.exp() - 1 - ratio)


def gaussian_log_density(z: Tensor, mean: Tensor | None = None, logvar: Tensor | None = None) -> Tensor:
    """log N(z; μ, diag σ²), (b,) nats; z, mean and logvar are (b, K). Without moments the standard normal."""
    constant = 0.5 * math.log(2 * math.pi) * z.shape[1]
    if mean is None or logvar is None:
        return -0.5 * z.square().sum(1) - constant
    return -0.5 * (logvar + (z - mean).square() * (-logvar).exp()).sum(1) - constant


def bernoulli_kl(rho: float, activation: Tensor) -> Tensor:
    """Σ_k KL(ρ || ρ̂_k) with ρ̂_k the mean activation of unit k over the batch; activation (b, K) in (0, 1).

    Ng 2011, "Sparse autoencoder", section 3. A statistic of the batch: each unit should be active for a fraction ρ of
    the samples, which does not ask each sample to use few units.
    """
    mean = activation.mean(0).clamp(1e-6, 1 - 1e-6)  # ρ̂ (K,), kept off 0 and 1 where the logarithm diverges
    target = torch.as_tensor(rho, dtype=mean.dtype, device=mean.device)
    return (target * (target / mean).log() + (1 - target) * ((1 - target) / (1 - mean)).log()).sum()


def mmd(z: Tensor, other: Tensor) -> Tensor:
    """The unbiased estimate of MMD²(p, q) from samples z, other (b, K) of p and q, ().

    The kernel is a sum of inverse multiquadratics Σ_s C_s / (C_s + ||a - b||²) with C_s = 2 K s, the expected squared
    distance of two draws from N(0, I) times s (Tolstikhin et al. 2018, https://arxiv.org/abs/1711.01558, section 4 and
    algorithm 2). It may be negative. Of less than two samples it is 0.
    """
    n, dimensions = z.shape
    if n < 2:
        return 0 * z.sum()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squared = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T  # (b, b)
        scales = [2 * dimensions * scale for scale in MMD_SCALES]
        return torch.stack([scale / (scale + squared.clamp_min(0)) for scale in scales]).sum(0)

    within = kernel(z, z).sum() + kernel(other, other).sum() - 2 * n * len(MMD_SCALES)  # the diagonal is 1 everywhere
    return within / (n * (n - 1)) - 2 * kernel(z, other).mean()


MMD_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Scales of the kernels of `mmd`, those of the authors' code."""


def total_correlation(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """An estimate of TC = KL(q(z) || Π_k q(z_k)) in nats, (), from codes z (b, K) and the moments (n, K) of the
    posteriors whose mixture is q(z).

    In training, where both are of the batch, this is minibatch-weighted sampling (Chen et al. 2018,
    https://arxiv.org/abs/1802.04942, section 3.1) without the constant (K - 1) log N of a training set of N samples,
    which no gradient sees. It is too large where the posteriors are too few to cover q(z), and exact but for the draw
    of z where they are those of all samples that there are.
    """
    # log q(z_ik | x_j) (b, n, K)
    log_q = -0.5 * (logvar + (z[:, None] - mean).square() * (-logvar).exp() + math.log(2 * math.pi))
    joint = log_q.sum(2).logsumexp(1)  # (b,)
    marginals = log_q.logsumexp(1)  # (b, K)
    return (joint - marginals.sum(1)).mean() + (z.shape[1] - 1) * math.log(len(mean))

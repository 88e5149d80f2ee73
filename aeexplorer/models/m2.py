"""Semi-supervised VAE, model M2 (Kingma et al. 2014, "Semi-supervised learning with deep generative models",
https://arxiv.org/abs/1406.5298)."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from aeexplorer import noise
from aeexplorer.models.base import Batch, Code, Objective, Stage, one_hot, reparameterised
from aeexplorer.models.conditional import ConditionalConfig, ConditionalVAE
from aeexplorer.nets import make_encoder


class M2Config(ConditionalConfig):
    classification_weight: float = Field(
        100.0, ge=0, le=10_000, description="Weight of the classifier's cross-entropy on labelled samples"
    )
    warm_start: float = Field(
        0.1, ge=0, lt=1, description="Fraction of the epochs in which the classifier is trained first, on labels alone"
    )
    input_noise: float = Field(
        0.3, ge=0, le=10, description="Standard deviation of the noise on the classifier's input while training"
    )
    labelled_batch: int = Field(
        128, ge=1, le=65_536, description="Labelled samples drawn beside each batch, where only some have labels"
    )


class SemiSupervisedVAE(ConditionalVAE):
    """Σ_labelled L(x, y) + Σ_unlabelled U(x) + α Σ_labelled -log q(y|x) (Kingma et al. 2014, equation 9), with

    L(x, y) = E_q(z|x,y)[-log p(x|y, z)] + β KL(q(z|x, y) || N(0, I)) - log p(y) (equation 6) and
    U(x) = Σ_y q(y|x) L(x, y) - H(q(y|x)) (equation 7), p(y) uniform.

    A classifier q(y|x) is part of the posterior: the class of an unlabelled sample is a latent variable, summed over.
    Few labels are hardly ever in a batch, so some are drawn beside each. The classifier begins alone, so that classes
    have a meaning when the sum over them begins.
    """

    keeps_last = True  # the labels of the validation split are not among those that it may learn from

    def build(self, out: int) -> None:
        super().build(out)
        self.classifier = make_encoder(self.data, len(self.data.classes), self.config)

    def features(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """(μ, log σ²) of q(z|x, y) and the logits of q(y|x), (b, 2K + classes)."""
        return torch.cat([super().features(x, y), self.classifier(x)], dim=1)

    def code(self, h: Tensor) -> Code:
        moments, logits = h.split([2 * self.config.latent_dim, len(self.data.classes)], dim=1)
        return replace(super().code(moments), logits=logits)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of L and U, averaged over the batch, and the classifier's cross-entropy (equations 6 to 9)."""
        x, b, classes = batch.x, len(batch.x), len(self.data.classes)
        log_q = F.log_softmax(self.classifier(self._noisy(batch.x_in)), dim=1)  # log q(y|x), (b, classes)
        labelled = (batch.y >= 0)[:, None]  # (b, 1)
        weights = torch.where(labelled, one_hot(batch.y, classes, log_q), log_q.exp())  # (b, classes)
        hidden = self._hidden(b, x.device)  # (b, 1)
        weights = torch.where(hidden, torch.full_like(weights, 1 / classes), weights)
        # every sample with every class: rows (classes · b), one class after the other
        y = torch.eye(classes, dtype=x.dtype, device=x.device).repeat_interleave(b, dim=0) * ~hidden.repeat(classes, 1)
        u = F.relu(self.encoder(batch.x_in)).repeat(classes, 1)
        code = reparameterised(super().code(self.posterior(torch.cat([u, y], dim=1))))
        target = x.repeat(classes, *[1] * (x.ndim - 1))  # (classes · b, *model shape)
        out = self.unrolled(torch.cat([code.z, y], dim=1), target)
        errors = self.distortion(out, target).unflatten(0, (classes, b))
        terms = {"reconstruction": (weights.T * errors).sum() / b}
        if self.config.beta:
            rates = torch.einsum("bc,cbk->bk", weights, self.rate(code).unflatten(0, (classes, b)))
            terms |= self.kl_terms(rates, batch.done)
            # KL(q(y|x) || p(y)); -log p(y) where the class is known
            surprise = math.log(classes) + torch.where(labelled, 0.0, log_q.exp() * log_q).sum(1)
            terms["class_kl"] = self.config.beta * (surprise * ~hidden[:, 0]).mean()
        return terms | self.classify(batch)

    def classify(self, batch: Batch) -> dict[str, Tensor]:
        """-α log q(y|x), averaged over the labelled samples that are drawn beside the batch, or else those in it."""
        if not self.config.classification_weight:
            return {}
        x, y = batch.labelled or (batch.x_in, batch.y)
        wrong = F.cross_entropy(self.classifier(self._noisy(x)), y, ignore_index=-1, reduction="sum")
        return {"classification": self.config.classification_weight * wrong / (y >= 0).sum().clamp_min(1)}

    def _noisy(self, x: Tensor) -> Tensor:
        return x + self.config.input_noise * noise.normal_like(x) if self.training else x

    def _hidden(self, b: int, device: torch.device) -> Tensor:
        """Mask (b, 1) of the samples whose class is hidden, so that the model also works without one."""
        share = self.config.hidden_labels if self.training else 0.0
        return noise.uniform((b, 1), device=device) < share

    def stages(self) -> list[Stage]:
        whole = Stage(
            "autoencoder", self.objectives(), self.terms, 1 - self.config.warm_start, self.config.labelled_batch
        )
        if not self.config.warm_start or not self.config.classification_weight:
            return [whole]
        first = [Objective("classification", list(self.classifier.parameters()), self.classify)]
        return [Stage("classifier", first, self.classify, self.config.warm_start, self.config.labelled_batch), whole]

"""Runs that fail on purpose, and beside each the same training with the one change that mends it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from aeexplorer.runs.recipe import Recipe


@dataclass(frozen=True)
class Failure:
    """One row of `FAILURES`.

    Attributes:
        title: what happens, as a noun phrase.
        story: two sentences: how it comes about, and how to see it.
        finding: the name of the finding of `metrics.diagnosis`.
        recipe: the training that fails.
        change: the knobs that mend it.
    """

    name: str
    title: str
    story: str
    finding: str
    recipe: Recipe
    change: dict[str, Any]

    @property
    def mended(self) -> Recipe:
        """The recipe with the change."""
        return replace(self.recipe, knobs={**self.recipe.knobs, **self.change})

    @property
    def recipes(self) -> dict[str, Recipe]:
        """Both recipes by the names of their runs."""
        return {f"failing-{self.name}": self.recipe, f"mended-{self.name}": self.mended}


def _digits(family: str, **knobs: Any) -> Recipe:
    return Recipe("digits", family, {"latent_dim": 8, "hidden": (128, 64), "batch_size": 64, **knobs, "seed": 0})


FAILURES: dict[str, Failure] = {
    failure.name: failure
    for failure in (
        Failure(
            "collapse", "Collapsed posterior",
            "With a large β the KL term costs more than the reconstruction gains, so the encoder sends every sample to "
            "the prior. All reconstructions are the same average picture, and no unit of the code is active.",
            "collapsed", _digits("vae", beta=32.0, epochs=40), {"beta": 1.0},
        ),
        Failure(
            "small-beta", "β too small",
            "With a tiny β nothing pulls the codes towards the prior, and they spread far beyond it. Reconstructions "
            "are good, but samples from the prior land where the decoder was never trained.",
            "small_beta", _digits("vae", beta=0.001, epochs=60), {"beta": 1.0},
        ),
        Failure(
            "overfit", "Overfitting",
            "A large network learns 200 samples by heart. The loss curves separate: the training loss keeps falling "
            "while the validation loss rises.",
            "overfit",
            _digits(
                "ae", samples=200, latent_dim=32, hidden=(256, 128), batch_size=16, schedule="constant", epochs=150
            ),
            {"patience": 10},
        ),
        Failure(
            "identity", "Identity on noise",
            "A code of 128 units for 64 pixels is no bottleneck, and the model can copy. It restores pixels that were "
            "shuffled among the samples almost as well as digits: it has learned nothing about digits.",
            "copies", _digits("ae", latent_dim=128, hidden=(), loss="mse", epochs=40), {"latent_dim": 8},
        ),
        Failure(
            "dead-codebook", "Dead codebook",
            "Entries that are never chosen never move, so an entry far from all codes stays there. Most entries of "
            "the codebook are unused, and the code carries much less information than it could.",
            "dead_codebook",
            _digits("vqvae", latent_dim=64, hidden=(128,), restarts=False, epochs=40),
            {"restarts": True},
        ),
        Failure(
            "ignored-adversary", "Ignored adversary",
            "The weight of the adversarial term is so small that the encoder ignores the discriminator. The codes "
            "spread beyond the prior, and samples from the prior miss them.",
            "ignored_adversary", _digits("aae", adversarial_weight=0.001, epochs=40), {"adversarial_weight": 3.0},
        ),
        Failure(
            "blur", "Blur",
            "Where the model is unsure of an edge, a soft edge has the smallest squared error. With two numbers for a "
            "digit the model is often unsure, and its reconstructions are blurred averages.",
            "blurred", _digits("ae", latent_dim=2, hidden=(128,), loss="mse", epochs=20), {"loss": "ssim"},
        ),
        Failure(
            "divergence", "Divergence to NaN",
            "Steps as large as the weights themselves make the log-variance so large that its exponential overflows. "
            "One NaN spreads through all weights, and the training ends.",
            "diverged", _digits("vae", learning_rate=1.0, epochs=30), {"learning_rate": 0.002},
        ),
        Failure(
            "silent-units", "Units that never fire",
            "A large step pushes the inputs of a ReLU below zero for every sample. Its gradient is then zero, so the "
            "unit never recovers, and the rest of the network returns one picture for all samples.",
            "silent_units", _digits("ae", learning_rate=0.1, epochs=20), {"learning_rate": 0.002},
        ),
        Failure(
            "mode-collapse", "Mode collapse",
            "An adversarial term that outweighs the reconstruction makes codes that look like the prior and hold "
            "little information about the sample. Draws from the prior then look like a few classes only.",
            "few_modes",
            _digits(
                "aae", latent_dim=2, hidden=(128,), batch_size=128, critic_units=32, adversarial_weight=300.0, epochs=30
            ),
            {"adversarial_weight": 3.0},
        ),
    )
}  # fmt: skip

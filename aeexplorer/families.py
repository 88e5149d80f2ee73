"""The one table of model families, read by pages, command line, training and tests.

Adding a family is one file in `models/` and one row here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch

from aeexplorer.config import ConfigError, choices, unknown
from aeexplorer.corruption import CORRUPTIONS
from aeexplorer.data.kinds import KINDS
from aeexplorer.data.spec import DataSpec
from aeexplorer.models.adversarial import AdversarialAutoencoder, AdversarialConfig
from aeexplorer.models.base import Autoencoder, ModelConfig
from aeexplorer.models.conditional import ConditionalConfig, ConditionalVAE
from aeexplorer.models.contractive import ContractiveAutoencoder, ContractiveConfig
from aeexplorer.models.factor_vae import FactorConfig, FactorVAE
from aeexplorer.models.flow import AutoregressiveFlowVAE, FlowConfig
from aeexplorer.models.fsq import FiniteScalarAutoencoder, FSQConfig
from aeexplorer.models.hierarchical import HierarchicalConfig, HierarchicalVAE
from aeexplorer.models.iwae import ImportanceWeightedAutoencoder, IWAEConfig
from aeexplorer.models.m2 import M2Config, SemiSupervisedVAE
from aeexplorer.models.multirate import MultiRateConfig, MultiRateVAE
from aeexplorer.models.plain import PlainAutoencoder
from aeexplorer.models.planar import PlanarConfig, PlanarVAE
from aeexplorer.models.progressive import ProgressiveAutoencoder, ProgressiveConfig
from aeexplorer.models.score import ScoreAutoencoder, ScoreConfig
from aeexplorer.models.sparse import SparseAutoencoder, SparseConfig
from aeexplorer.models.student import StudentAutoencoder, StudentConfig
from aeexplorer.models.tcvae import TotalCorrelationConfig, TotalCorrelationVAE
from aeexplorer.models.vae import VAE, VAEConfig
from aeexplorer.models.vamp import VampConfig, VampVAE
from aeexplorer.models.vq import VQVAE, VQConfig
from aeexplorer.models.wae import WAEConfig, WassersteinAutoencoder
from aeexplorer.nets import NETS

Trait = Literal["prior", "normal_prior", "posterior", "sampled_rate", "codebook", "rates", "label", "teacher"]


class Trial(NamedTuple):
    """Settings with which the contract test tries a family.

    Attributes:
        narrow: knobs of a small model; hidden layers, channels and the code are narrowed for all families.
        easy: knobs with which a model over-fits a batch; weights and the corruption are turned down for all families.
        epochs: of one step, within which it does.
        weighed: the term that a weight weighs, by the name of the weight.
    """

    narrow: Mapping[str, Any] = {}
    easy: Mapping[str, Any] = {}
    epochs: int = 80
    weighed: Mapping[str, str] = {}


@functools.lru_cache(maxsize=64)
def _outline(
    model: type[Autoencoder], config: ModelConfig, data: DataSpec
) -> tuple[tuple[tuple[str, float], ...], dict[str, tuple[int, ...]]]:
    """Stages with their shares, and the shapes of the weights; kept, because each rerun of the page Train asks."""
    with torch.device("meta"):
        built = model(config, data)
        stages = tuple((stage.name, stage.share) for stage in built.stages())
    return stages, {name: tuple(tensor.shape) for name, tensor in built.state_dict().items()}


@dataclass(frozen=True)
class Family:
    """One row of `FAMILIES`.

    Attributes:
        short: the title where there is little room.
        config: the default configuration; its class lists the knobs.
        summary: a description in one sentence that a student understands.
        equation: the loss, in LaTeX.
        paper: the source as people cite it, with a link.
        traits: abilities beyond encode and decode: "prior" (codes can be drawn), "normal_prior" (from N(0, I)),
            "posterior" (codes have mean and log-variance), "sampled_rate" (its KL is no sum over dimensions but one
            estimate from draws), "codebook" (codes are indices), "rates" (one model for every β), "label" (encoder and
            decoder take a class), "teacher" (the run that it starts from is its teacher). `traits_of` adds those of a
            configuration.
        trial: what the contract test asks of this family.
    """

    name: str
    title: str
    short: str
    model: type[Autoencoder]
    config: ModelConfig
    summary: str
    equation: str
    paper: str
    traits: frozenset[Trait] = frozenset()
    trial: Trial = field(default=Trial(), compare=False)

    def make(self, config: ModelConfig, data: DataSpec) -> Autoencoder:
        """A freshly initialised model.

        Raises:
            ConfigError: when config and data do not go together.
        """
        return self.model(config, data)

    def traits_of(self, config: ModelConfig) -> frozenset[str]:
        """The traits of a model of this configuration."""
        return self.traits | self.model.traits_of(config)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of data that one of its networks takes, and one of the corruptions that it may be trained with."""
        corruptions = choices(type(self.config).model_fields["corruption"])
        nets = [NETS[name] for name in choices(type(self.config).model_fields["net"])]
        return tuple(
            kind
            for kind in KINDS
            if any(kind in net.kinds for net in nets)
            and any(name == "none" or kind in CORRUPTIONS[name].kinds for name in corruptions)
        )

    def stages(self, config: ModelConfig, data: DataSpec) -> tuple[tuple[str, float], ...]:
        """The stages of a training by name, with their share of the epochs.

        Raises:
            ConfigError: when config and data do not go together.
        """
        return _outline(self.model, config, data)[0]

    def shapes(self, config: ModelConfig, data: DataSpec) -> dict[str, tuple[int, ...]]:
        """The shapes of a model's weights by name, without allocating them.

        Raises:
            ConfigError: when config and data do not go together.
        """
        return dict(_outline(self.model, config, data)[1])


FAMILIES: dict[str, Family] = {
    f.name: f
    for f in (
        Family(
            "ae", "Autoencoder", "AE", PlainAutoencoder, ModelConfig(),
            "Squeezes each sample through a small code and learns to restore it.",
            r"L = \ell\big(x,\, g(f(x))\big)",
            "Hinton & Salakhutdinov 2006, https://doi.org/10.1126/science.1127647",
        ),
        Family(
            "linear_ae", "Linear autoencoder", "Linear AE", PlainAutoencoder, ModelConfig(hidden=(), loss="mse"),
            "No hidden layer and squared error: its optimum is the subspace of PCA.",
            r"L = \lVert x - (W_2 (W_1 x + b_1) + b_2) \rVert^2",
            "Baldi & Hornik 1989, https://doi.org/10.1016/0893-6080(89)90014-2",
        ),
        Family(
            "overcomplete_ae", "Overcomplete autoencoder", "Overcomplete AE", PlainAutoencoder,
            ModelConfig(latent_dim=1024),
            "A code larger than the sample: nothing forces it to learn structure, so it may copy.",
            r"L = \ell\big(x,\, g(f(x))\big), \quad \dim z \ge \dim x",
            "Vincent et al. 2010, section 2.3, https://jmlr.org/papers/v11/vincent10a.html",
        ),
        Family(
            "dae", "Denoising autoencoder", "DAE", PlainAutoencoder, ModelConfig(corruption="gaussian", level=0.5),
            "Sees a corrupted sample and must restore the clean one.",
            r"L = \ell\big(x,\, g(f(\tilde x))\big), \quad \tilde x \sim C(\tilde x \mid x)",
            "Vincent et al. 2008, https://doi.org/10.1145/1390156.1390294",
        ),
        Family(
            "score_dae", "Score autoencoder", "Score AE", ScoreAutoencoder, ScoreConfig(hidden=(128,)),
            "A denoising autoencoder that learns only the correction: for small Gaussian noise it points to where the "
            "data are denser.",
            r"L = \lVert x - r(\tilde x) \rVert^2, \quad r(\tilde x) = \tilde x + \sigma f(\tilde x) "
            r"\approx \tilde x + \sigma^2 \nabla \log p_\sigma(\tilde x)",
            "Vincent 2011, https://doi.org/10.1162/NECO_a_00142; Alain & Bengio 2014, "
            "https://jmlr.org/papers/v15/alain14a.html",
            # it begins with the sample as it is: what it can learn is to take noise away, and it needs units for each
            # value
            trial=Trial(easy={"level": 1.0, "hidden": (256,)}),
        ),
        Family(
            "sparse_ae", "Sparse autoencoder", "Sparse AE", SparseAutoencoder, SparseConfig(),
            "Many code units, each active only a fraction ρ of the time.",
            r"L = \ell(x, \hat x) + \lambda \sum_k \mathrm{KL}(\rho \,\Vert\, \hat\rho_k)",
            "Ng 2011, https://web.stanford.edu/class/cs294a/sparseAutoencoder.pdf",
            trial=Trial(weighed={"sparsity_weight": "sparsity"}),
        ),
        Family(
            "vae", "Variational autoencoder", "VAE", VAE, VAEConfig(),
            "Encodes each sample as a Gaussian close to a standard normal, so that new samples can be generated.",
            r"L = \mathbb{E}_{q(z|x)}[-\log p(x|z)] + \mathrm{KL}\big(q(z|x) \,\Vert\, \mathcal N(0, I)\big)",
            "Kingma & Welling 2014, https://arxiv.org/abs/1312.6114",
            frozenset({"prior", "normal_prior", "posterior"}),
            trial=Trial(weighed={"beta": "kl"}),
        ),
        Family(
            "beta_vae", "β-VAE", "β-VAE", VAE, VAEConfig(beta=4.0),
            "A VAE whose KL term has the weight β (β = 1 is the VAE): less detail, a tidier latent space.",
            r"L = \mathbb{E}_{q(z|x)}[-\log p(x|z)] + \beta\, \mathrm{KL}\big(q(z|x) \,\Vert\, \mathcal N(0, I)\big)",
            "Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl",
            frozenset({"prior", "normal_prior", "posterior"}),
            trial=Trial(weighed={"beta": "kl"}),
        ),
        Family(
            "cvae", "Conditional VAE", "CVAE", ConditionalVAE, ConditionalConfig(),
            "A VAE whose encoder and decoder are given the class, so that the code keeps the style and samples of one "
            "class can be generated.",
            r"L = \mathbb{E}_{q(z|x,y)}[-\log p(x|z,y)] "
            r"+ \beta\, \mathrm{KL}\big(q(z|x,y) \,\Vert\, \mathcal N(0, I)\big)",
            "Sohn et al. 2015, https://papers.nips.cc/paper/5775",
            frozenset({"prior", "normal_prior", "posterior", "label"}),
            trial=Trial(narrow={"feature_units": 16}, weighed={"beta": "kl"}),
        ),
        Family(
            "hvae", "Hierarchical VAE", "HVAE", HierarchicalVAE, HierarchicalConfig(),
            "Several levels of codes: the coarse levels describe the whole sample, the finer ones its details.",
            r"L = \mathbb{E}_{q(z|x)}[-\log p(x|z)] + \beta \sum_i \mathbb{E}_{q(z_{<i}|x)} "
            r"\mathrm{KL}\big(q(z_i|z_{<i},x) \,\Vert\, p(z_i|z_{<i})\big)",
            "Sønderby et al. 2016, https://arxiv.org/abs/1602.02282",
            frozenset({"prior", "posterior"}),
            trial=Trial(narrow={"level_units": 16}, weighed={"beta": "kl"}),
        ),
        Family(
            "iwae", "Importance-weighted autoencoder", "IWAE", ImportanceWeightedAutoencoder, IWAEConfig(),
            "A VAE trained on a tighter bound: several codes are drawn for each sample, and good ones count more.",
            r"L = -\mathbb{E}_{z_i \sim q(z|x)}\Big[\log \frac 1k \sum_{i=1}^k "
            r"\frac{p(x|z_i)\, p(z_i)}{q(z_i|x)}\Big]",
            "Burda et al. 2016, https://arxiv.org/abs/1509.00519",
            frozenset({"prior", "normal_prior", "posterior"}),
            trial=Trial(easy={"beta": 0.05}),
        ),
        Family(
            "planar_vae", "VAE with planar flows", "Planar VAE", PlanarVAE, PlanarConfig(),
            "A VAE with a flexible posterior: draws from a Gaussian pass through a chain of simple invertible maps.",
            r"L = \mathbb{E}_{q(z|x)}[-\log p(x|z) + \log q(z|x) - \log p(z)], "
            r"\quad z = f_F \circ \dots \circ f_1(\mu + \sigma \epsilon), "
            r"\quad f(z) = z + \hat u \tanh(w^\top z + b)",
            "Rezende & Mohamed 2015, https://arxiv.org/abs/1505.05770",
            frozenset({"prior", "normal_prior", "posterior", "sampled_rate"}),
            trial=Trial(narrow={"flows": 3}, weighed={"beta": "kl"}),
        ),
        Family(
            "flow_vae", "VAE with an autoregressive flow", "Flow VAE", AutoregressiveFlowVAE, FlowConfig(),
            "A VAE whose posterior takes almost any shape: each coordinate is mapped by a spline that depends on those "
            "before it.",
            r"L = \mathbb{E}_{q(z|x)}[-\log p(x|z) + \log q(z|x) - \log p(z)], "
            r"\quad z_i = \mu_i + \sigma_i\, s(\epsilon_i;\, \epsilon_{<i}, x)",
            "Kingma et al. 2016, https://arxiv.org/abs/1606.04934; Durkan et al. 2019, https://arxiv.org/abs/1906.04032",
            frozenset({"prior", "normal_prior", "posterior", "sampled_rate"}),
            trial=Trial(narrow={"flow_units": 8, "context": 4}, weighed={"beta": "kl"}),
        ),
        Family(
            "vamp_vae", "VAE with a VampPrior", "Vamp VAE", VampVAE, VampConfig(),
            "A VAE that learns its prior: a mixture of the posteriors of learned pseudo-inputs.",
            r"L = \mathbb{E}_{q(z|x)}[-\log p(x|z) + \log q(z|x) - \log p(z)], "
            r"\quad p(z) = \frac 1C \sum_{c=1}^C q(z|u_c)",
            "Tomczak & Welling 2018, https://arxiv.org/abs/1705.07120",
            frozenset({"prior", "posterior", "sampled_rate"}),
            trial=Trial(narrow={"pseudo_inputs": 6}, weighed={"beta": "kl"}),
        ),
        Family(
            "multirate_vae", "Multi-rate VAE", "Multi-rate VAE", MultiRateVAE, MultiRateConfig(),
            "One VAE for every β: gates inside the network open and close with β.",
            r"L = \mathbb{E}_{\log\beta}\Big[\mathbb{E}_{q_\beta(z|x)}[-\log p_\beta(x|z)] "
            r"+ \beta\, \mathrm{KL}\big(q_\beta(z|x) \,\Vert\, \mathcal N(0, I)\big)\Big]",
            "Bae et al. 2023, https://arxiv.org/abs/2212.03905",
            frozenset({"prior", "normal_prior", "posterior", "rates"}),
            # while it learns, β is drawn anew for each sample, up to `highest`
            trial=Trial(easy={"beta": 0.01, "highest": 0.011}),
        ),
        Family(
            "aae", "Adversarial autoencoder", "AAE", AdversarialAutoencoder, AdversarialConfig(),
            "A discriminator tells codes from prior samples; the encoder learns to deceive it.",
            r"L = \ell(x, \hat x) - \lambda \log D(f(x)), "
            r"\quad D \text{ tells } z \sim \mathcal N(0, I) \text{ from } f(x)",
            "Makhzani et al. 2015, https://arxiv.org/abs/1511.05644",
            frozenset({"prior", "normal_prior"}),
            trial=Trial(narrow={"critic_units": 16}, weighed={"adversarial_weight": "adversarial"}),
        ),
        Family(
            "vqvae", "VQ-VAE", "VQ-VAE", VQVAE, VQConfig(),
            "Codes are entries of a learned codebook: discrete, like words.",
            r"L = \ell(x, \hat x) + \gamma \sum_p \lVert h_p - \mathrm{sg}[e_{j(p)}] \rVert^2, "
            r"\quad j(p) = \arg\min_j \lVert h_p - e_j \rVert",
            "van den Oord et al. 2017, https://arxiv.org/abs/1711.00937",
            frozenset({"codebook"}),
            trial=Trial(narrow={"positions": 4, "codebook_size": 16}, weighed={"commitment": "commitment"}),
        ),
        Family(
            "fsq", "FSQ autoencoder", "FSQ", FiniteScalarAutoencoder, FSQConfig(),
            "Each value of the code is rounded to one of a few levels: discrete codes without a codebook to learn.",
            r"L = \ell\big(x,\, g(\mathrm{round}(b(f(x))))\big), "
            r"\quad b_i \in \big[-\tfrac{L_i}{2},\, \tfrac{L_i}{2}\big]",
            "Mentzer et al. 2023, https://arxiv.org/abs/2309.15505",
            frozenset({"codebook"}),
            trial=Trial(narrow={"value_levels": (4, 4)}),
        ),
        Family(
            "contractive_ae", "Contractive autoencoder", "Contractive AE", ContractiveAutoencoder, ContractiveConfig(),
            "Penalises codes that change much when the sample changes a little.",
            r"L = \ell(x, \hat x) + \lambda\, \Big\lVert \frac{\partial f(x)}{\partial x} \Big\rVert_F^2",
            "Rifai et al. 2011, https://icml.cc/2011/papers/455_icmlpaper.pdf",
            trial=Trial(weighed={"contraction": "contraction"}),
        ),
        Family(
            "wae", "Wasserstein autoencoder", "WAE", WassersteinAutoencoder, WAEConfig(),
            "Matches all codes together to a standard normal distribution; each sample keeps its own code.",
            r"L = \ell(x, \hat x) + \lambda\, \mathrm{MMD}^2\big(q(z),\, \mathcal N(0, I)\big), "
            r"\quad q(z) = \mathbb{E}_x\, \delta(z - f(x))",
            "Tolstikhin et al. 2018, https://arxiv.org/abs/1711.01558",
            frozenset({"prior", "normal_prior"}),
            trial=Trial(weighed={"mmd_weight": "mmd"}),
        ),
        Family(
            "beta_tcvae", "β-TC-VAE", "β-TC-VAE", TotalCorrelationVAE, TotalCorrelationConfig(),
            "A VAE with a penalty on dependent latent dimensions, so that each can represent one factor.",
            r"L = -\mathrm{ELBO} + \gamma\, \mathrm{KL}\Big(q(z) \,\Big\Vert\, \prod_k q(z_k)\Big), "
            r"\quad \gamma = \beta - 1",
            "Chen et al. 2018, https://arxiv.org/abs/1802.04942",
            frozenset({"prior", "normal_prior", "posterior"}),
            trial=Trial(weighed={"beta": "kl", "tc_weight": "tc"}),
        ),
        Family(
            "factor_vae", "FactorVAE", "FactorVAE", FactorVAE, FactorConfig(),
            "Like the β-TC-VAE, but a discriminator measures how much the dimensions depend on each other.",
            r"L = -\mathrm{ELBO} + \gamma\, \mathbb{E}_{q(z)}\Big[\log \frac{D(z)}{1 - D(z)}\Big], "
            r"\quad D \text{ tells } z \text{ from permuted } z",
            "Kim & Mnih 2018, https://arxiv.org/abs/1802.05983",
            frozenset({"prior", "normal_prior", "posterior"}),
            trial=Trial(narrow={"critic_units": 16}, weighed={"beta": "kl", "tc_weight": "tc"}),
        ),
        Family(
            "student", "Student of another model", "Student", StudentAutoencoder, StudentConfig(hidden=(64,)),
            "A smaller autoencoder that learns the codes and the reconstructions of a trained one; without a teacher "
            "it learns alone.",
            r"L = \ell(x, \hat x) + \lambda\, \lVert z - z_T \rVert^2 + \mu\, \ell(\hat x_T, \hat x)",
            "Hinton et al. 2015, https://arxiv.org/abs/1503.02531",
            frozenset({"teacher"}),
        ),
        Family(
            "progressive_ae", "Progressively grown autoencoder", "Progressive AE", ProgressiveAutoencoder,
            ProgressiveConfig(),
            "Learns small versions of the samples first; each stage doubles the resolution and fades new layers in.",
            r"L = \ell\big(x_r,\, g_r(f_r(x_r))\big), \quad r = r_1, 2 r_1, \ldots",
            "Karras et al. 2018, https://arxiv.org/abs/1710.10196",
            trial=Trial(easy={"loss": "mse"}),  # the cross-entropy of averaged pixels has a high floor
        ),
        Family(
            "m2", "Semi-supervised VAE (M2)", "M2", SemiSupervisedVAE, M2Config(),
            "Learns to classify from few labels: the loss of an unlabelled sample sums over all classes.",
            r"L = \sum_{\text{labelled}} L(x, y) + \sum_{\text{unlabelled}} "
            r"\Big[\sum_y q(y|x)\, L(x, y) - H\big(q(y|x)\big)\Big] - \alpha \sum_{\text{labelled}} \log q(y|x)",
            "Kingma et al. 2014, https://arxiv.org/abs/1406.5298",
            frozenset({"prior", "normal_prior", "posterior", "label"}),
            trial=Trial(
                narrow={"feature_units": 16, "labelled_batch": 8, "warm_start": 0.0},
                weighed={"beta": "kl", "classification_weight": "classification"},
            ),
        ),
    )
}  # fmt: skip


def family(name: str) -> Family:
    """The row named `name`.

    Raises:
        ConfigError: for an unknown name, with the known ones.
    """
    if name not in FAMILIES:
        raise ConfigError(unknown("family", name, FAMILIES))
    return FAMILIES[name]

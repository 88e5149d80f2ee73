"""The terms of the field, each explained once: `TERMS`, the one source of every explanation on pages.

A term is shown as a word that explains itself under the pointer, at a touch, and when the keyboard comes to it.
"""

from __future__ import annotations

import functools
import html
import re
from typing import NamedTuple

import streamlit as st


class Term(NamedTuple):
    """One row of `TERMS`.

    Attributes:
        name: as a heading has it.
        text: an explanation of one or two sentences.
        forms: other forms in which it stands in texts.
    """

    name: str
    text: str
    forms: tuple[str, ...] = ()


TERMS: dict[str, Term] = {
    term.name: term
    for term in (
        Term("active unit", "A dimension of the code that differs from sample to sample: its variance over the test "
             "samples exceeds 0.01. The decoder ignores the other units.", ("active units",)),
        Term("adversarial", "Trained against an opponent: a discriminator learns to tell two kinds of vectors apart, "
             "and the encoder learns to make that impossible.", ("adversary",)),
        Term("aggregate posterior", "The distribution of the codes of all samples together. Samples from the prior "
             "look like data only where it covers the prior.", ("all encoded data",)),
        Term("annealed Langevin dynamics", "Sampling by many small steps along the score with noise added, at a "
             "large σ first and at smaller ones later (Song & Ermon 2019).", ("Langevin dynamics", "Langevin")),
        Term("autoencoder", "A network that squeezes a sample through a small code and learns to restore it.",
             ("autoencoders",)),
        Term("β", "The weight of the KL term in a VAE: larger values ask for a tidier code and leave less detail.",
             ("beta",)),
        Term("bottleneck", "A code that is smaller than the sample, so that the model has to choose what to "
             "keep."),
        Term("codebook", "The list of vectors that a discrete code may consist of; a code is then a list of "
             "their indices.", ("codebooks",)),
        Term("code", "The numbers into which the encoder turns a sample, and the only input of the decoder; also "
             "called latent vector, z.", ("codes", "latent vector")),
        Term("collapse", "A code without information about the sample: the decoder returns the same average for all.",
             ("posterior collapse", "collapsed")),
        Term("corruption", "Noise added to the input, or values removed from it; the model must restore the clean "
             "sample.",
             ("corrupted", "corrupt")),
        Term("cross-entropy", "−log of the probability that the model gives to the true value, added up over the "
             "values of a sample, in nats.", ("Cross-entropy",)),
        Term("decoder", "The half of an autoencoder that turns a code into a sample.",
             ("decode", "decodes", "decoded")),
        Term("denoising", "Restoring a clean sample from a corrupted one.", ("denoise", "denoised", "denoiser")),
        Term("dial", "A series of models trained at increasing values of one knob, between which the app interpolates.",
             ("dials",)),
        Term("discriminator", "A network that tells two kinds of vectors apart, such as codes and draws from the "
             "prior."),
        Term("disentanglement", "A property of codes: each dimension represents one factor, such as position or size."),
        Term("distortion", "The cost of restoring samples from their codes: −log p(x|z), or the squared error."),
        Term("ELBO", "Evidence lower bound: a number below log p(x) that a VAE maximises; −ELBO is reconstruction plus "
             "KL.", ("−ELBO",)),
        Term("encoder", "The half of an autoencoder that turns a sample into a code.",
             ("encode", "encoded", "encodes")),
        Term("epoch", "One pass of the training over all its samples.", ("epochs",)),
        Term("family", "One kind of autoencoder: a loss with its architecture, as a paper introduced it.",
             ("families", "Family")),
        Term("free bits", "An amount of KL, in nats, that costs nothing, so that no unit is "
             "pushed below it.", ("Free bits",)),
        Term("interpolation", "A path from one code to another; its decoded samples show how the latent space is laid "
             "out.",
             ("interpolate", "lerp", "slerp")),
        Term("KL", "Kullback-Leibler divergence: how many nats it costs to describe draws from one distribution with "
             "the code for another; 0 only where both are the same.", ("KL divergence", "KL term")),
        Term("latent space", "The space of codes.", ("latent plane", "latent")),
        Term("learning rate", "The size of a training step: if too small, learning is slow; if too large, it never "
             "settles.",
             ("Learning rate",)),
        Term("MMD", "Maximum mean discrepancy: a distance between two distributions, computed with kernels; 0 "
             "where they agree.", ("MMD²",)),
        Term("mode collapse", "A failure of generators: they make only some of the kinds of samples in the data."),
        Term("MSE", "Mean squared error: the squared difference of each value from the true one, averaged.",
             ("squared error", "Squared error", "mean squared error")),
        Term("nat", "A unit of information: one nat is 1.44 bits. Losses with logarithms to base e are in nats.",
             ("nats",)),
        Term("overfitting", "Learning the training samples by heart: the training loss falls, the validation loss "
             "rises.", ("overfit", "overfits", "Overfitting")),
        Term("PCA", "Principal component analysis: the best linear code for squared error.", ("principal components",
             "principal component")),
        Term("perceptual loss", "The error of the features that a small classifier finds in a picture, added to the "
             "squared error: edges and strokes count for more than the exact brightness of pixels.",
             ("Perceptual loss",)),
        Term("perplexity", "exp of the entropy: the effective number of choices. Of a codebook, how many entries "
             "are used; of t-SNE, about how many neighbours each point has.",
             ("Perplexity",)),
        Term("posterior", "q(z|x), the distribution of codes that a VAE's encoder gives for a sample: mean and "
             "variance.", ("posteriors",)),
        Term("prior", "p(z), the distribution from which codes are drawn to generate samples; for most VAEs N(0, I).",
             ("priors",)),
        Term("PSNR", "Peak signal-to-noise ratio: the squared error in decibels below the largest possible one; higher "
             "is better."),
        Term("rate", "The KL from posterior to prior, averaged over samples: the information in a code, in nats."),
        Term("reconstruction", "The output of the decoder for the code of a sample.",
             ("reconstructions", "reconstruct")),
        Term("residual", "The difference between a sample and its reconstruction.", ("residuals",)),
        Term("score", "The gradient of log p(x): the direction in which the data become denser fastest.", ("scores",)),
        Term("SSIM", "Structural similarity: how well two pictures agree in brightness, contrast and pattern within "
             "small windows; 1 for equal pictures.", ("structural similarity", "Structural similarity")),
        Term("t-SNE", "A map that keeps near neighbours together; sizes and distances of clusters mean nothing."),
        Term("temperature", "Scales the spread of draws from the prior: below 1 they are safer and more alike.",
             ("Temperature",)),
        Term("test split", "Samples that the training never sees; figures are measured on them.",
             ("test samples", "test sample", "test set")),
        Term("total correlation", "How much the dimensions of a code depend on each other, in nats."),
        Term("UMAP", "A map that keeps near neighbours together, faster than t-SNE and with similar limits."),
        Term("validation", "Samples held out from training that decide which epoch was best.", ("Validation",)),
        Term("warm-up", "A training that begins with a small β that rises, so that units do not collapse early.",
             ("β warm-up",)),
        Term("weight decay", "Pulling all weights towards zero a little at each step, against overfitting.",
             ("Weight decay",)),
        Term("dropout", "Setting a share of the hidden units to zero at random in each step, against overfitting.",
             ("Dropout",)),
        Term("early stopping", "Ending the training when the validation loss has not fallen for some epochs, and "
             "keeping the best weights.", ("patience",)),
        Term("anomaly", "A sample unlike the training samples, recognised by a large reconstruction error or a code "
             "far from the others.", ("anomalies", "Anomalies")),
        Term("traversal", "Changing one dimension of a code while the others stay.", ("traverse",)),
    )
}  # fmt: skip


@functools.cache
def _pattern() -> tuple[re.Pattern[str], dict[str, Term]]:
    forms = {form: term for term in TERMS.values() for form in (term.name, *term.forms)}
    longest = sorted(forms, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, longest))})(?![\w-])"), forms


def terms_in(text: str) -> list[Term]:
    """The terms that a text uses, each once, in the order in which they come."""
    pattern, forms = _pattern()
    return list(dict.fromkeys(forms[found] for found in pattern.findall(text)))


@functools.cache
def explained(text: str) -> str:
    """A text as HTML in which the first occurrence of each term explains itself."""
    pattern, forms = _pattern()
    seen: set[str] = set()

    def mark(found: re.Match[str]) -> str:
        term = forms[found[0]]
        if term.name in seen:
            return found[0]
        seen.add(term.name)
        return word(found[0], term.text)

    return pattern.sub(mark, html.escape(text))


def word(shown: str, text: str) -> str:
    """A word as HTML that shows a text under the pointer, at a touch, and when the keyboard comes to it."""
    about, label = html.escape(text, quote=True), html.escape(shown, quote=True)
    return (
        f'<span class="ae-term" tabindex="0" role="button" aria-label="{label}: {about}">{shown}'
        f'<span class="ae-about" aria-hidden="true">{about}</span></span>'
    )


def say(text: str, css: str = "ae-text") -> None:
    """Show a text whose terms explain themselves."""
    st.html(f'<p class="{css}">{explained(text)}</p>')

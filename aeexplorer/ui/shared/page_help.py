"""The help of each page: what one sees and what to try, in two lines that are folded below the title."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from aeexplorer.ui.shared.glossary import say

PAGE = "page.path"


class Help(NamedTuple):
    """The help of a page.

    Attributes:
        seen: what one sees. tried: what to try.
    """

    seen: str
    tried: str


HELP: dict[str, Help] = {
    "home": Help(
        "A latent plane: each point is a code of two numbers, which the decoder turns into a sample. Dots are the "
        "codes of test samples.",
        "Move slowly from one class to another: where does one digit become the other? Then draw a digit of your own.",
    ),
    "start": Help(
        "An autoencoder in one picture: the encoder turns a sample into a code of two numbers, and the decoder turns "
        "the code into a sample.",
        "Drag the code away from where the encoder put it, and watch how soon the reconstruction becomes another "
        "digit.",
    ),
    "glossary": Help(
        "Every term of the field that the pages use, explained once; on pages a term with dots below it shows the same "
        "text.",
        "Search for a word, such as nats.",
    ),
    "families": Help(
        "Every family of autoencoders with its idea, its loss, its source code and its paper.",
        "Filter by a trait, such as a prior, and compare what the loss of each family adds to the reconstruction.",
    ),
    "interpolate": Help(
        "The way from one sample to another in the latent space, beside a cross-fade of pixels.",
        "Compare lerp with the pixel cross-fade halfway: which one still looks like a sample?",
    ),
    "corruption": Help(
        "Corrupted samples and what a denoising autoencoder restores of them, beside a plain autoencoder.",
        "Raise the noise until the reconstruction is another digit: the model guesses what is likely.",
    ),
    "beta": Help(
        "One VAE at every β: reconstructions, samples from the prior, the KL of each dimension, and the point on the "
        "curve of rate against distortion.",
        "Move β up until an active unit dies: what disappears from the reconstructions?",
    ),
    "columns": Help(
        "The meaning of each latent dimension of a table: the columns that change most along it when decoded, "
        "and the error beside PCA.",
        "Pick the dimension with the largest variance and compare its columns with those of the first component of "
        "PCA.",
    ),
    "generate": Help(
        "Samples that the decoder makes from codes drawn from the prior.",
        "Lower the temperature and see the samples become alike; then change one dimension at a time in Traverse.",
    ),
    "reconstruct": Help(
        "One sample, its reconstruction, the residual, and the code between them.",
        "Look for the sample that is restored worst, and ask what the model has never seen in it.",
    ),
    "map": Help(
        "Codes of test samples on maps by PCA, t-SNE or UMAP; one brush marks the same samples on all maps.",
        "Select a cluster on one map and see whether it is one on the others as well.",
    ),
    "data": Help(
        "The samples that models learn from, their classes, and each kind of corruption.",
        "Corrupt a few samples here before you look at how a model restores them.",
    ),
    "train": Help(
        "The settings and the cost of a training; while it runs, losses, reconstructions and codes; afterwards a "
        "diagnosis.",
        "Train once with two and once with 16 latent dimensions, and compare the validation loss.",
    ),
    "runs": Help(
        "Every training with its MSE, KL and active units; several can be selected to compare or delete them.",
        "Select two runs of the same data and press Compare.",
    ),
    "compare": Help(
        "Up to six models and PCA with codes of the same size, on the same test samples.",
        "Sort the table by MSE, then look at prior samples: is the model with the smaller error the better one?",
    ),
    "score": Help(
        "The score that a denoising autoencoder learned as arrows, beside the exact one.",
        "Let a point follow the arrows at a large σ and at a small one; then draw a distribution of your own.",
    ),
    "failures": Help(
        "A training that goes wrong on purpose, named by the diagnosis, beside the same training with one change.",
        "Cover the names and guess from the losses and reconstructions what went wrong.",
    ),
    "overfitting": Help(
        "Training and validation loss of one model at different numbers of samples and with remedies for overfitting.",
        "Take 100 samples and raise dropout: which grows first, the validation loss or the training loss?",
    ),
    "restore": Help(
        "Samples with noise, holes or few pixels, and their reconstruction by a denoising autoencoder and others.",
        "Find a level at which the highest PSNR does not belong to the picture that is recognised best.",
    ),
    "few-labels": Help(
        "Test accuracy of classifiers on codes, PCA and raw values by the number of labels of each class.",
        "Compare a model of few and one of many latent dimensions: at which number of labels do the lines cross?",
    ),
    "disentanglement": Help(
        "The information in each latent dimension about each exact factor, and five scores with one dot per seed.",
        "Compare β of 1, 4 and 16: which factors get a latent dimension of their own, and do the scores agree?",
    ),
    "generate-to-order": Help(
        "New samples of a class, near a sample or moved along an attribute, decoded from new codes.",
        "Raise the spread until the classifier no longer recognises the class: are those codes near the data?",
    ),
    "units": Help(
        "The samples that activate one unit of the code most, and how the reconstruction changes when the unit moves.",
        "Find a unit of the code that is active for one class alone, then draw that class yourself.",
    ),
    "compression": Help(
        "The bytes that a sample takes as a code and the quality lost, beside JPEG and WebP at the same size.",
        "Lower the bits of a code until the reconstruction changes: which numbers can be spared?",
    ),
    "anomalies": Help(
        "An anomaly score of each test sample by a model and by simpler methods, with a threshold that you can move.",
        "Move the threshold until no anomaly is missed, and count the false alarms.",
    ),
}


def page_help() -> None:
    """Show the folded help of the page that is open; nothing for a page that has none."""
    found = HELP.get(st.session_state.get(PAGE, ""))
    if found is None:
        return
    with st.expander("What you see, what to try", type="compact", key="page-help"):
        say(f"What you see: {found.seen}")
        say(f"What to try: {found.tried}")

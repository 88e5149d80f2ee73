"""The parts of Families, all made from the table: filters, one family in detail, a table of all, and their kinship."""

from __future__ import annotations

import html
import inspect
from collections.abc import Sequence
from typing import Any

import streamlit as st

from aeexplorer.data import KINDS
from aeexplorer.families import FAMILIES, Family
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.glossary import say, word
from aeexplorer.ui.shared.knob_form import label_of
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.resources import explorer, openable_runs, opens
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.samples import show as show_samples
from aeexplorer.ui.shared.samples import test_split
from aeexplorer.ui.shared.setting_widgets import select_box
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import Setting

SHOWN = 8
ANY = "any"
PLAINEST = "ae"
TRAITS = {
    "prior": "samples can be drawn",
    "normal_prior": "the prior is N(0, I)",
    "posterior": "codes are distributions",
    "sampled_rate": "the KL is estimated from draws",
    "codebook": "codes are discrete",
    "rates": "one model for every β",
    "label": "conditioned on the class",
}
LOOKS = {
    "codebook": ("how many entries of the codebook are used", "train", "Train"),
    "label": ("samples of one class at a time", "generate", "Generate"),
    "rates": ("what changes as β moves", "beta", "β-VAE"),
    "posterior": ("which dimensions are active, and at what β they collapse", "beta", "β-VAE"),
    "prior": ("samples from the prior, and whether they look like data", "generate", "Generate"),
}
CORRUPTS = ("what is restored as the noise grows", "corruption", "Corruption")
PLAIN = ("the residual, and which samples are restored worst", "reconstruct", "Reconstruct")
SYMBOLS = (
    (r"\ell", "ℓ(x, x̂)", "the reconstruction loss, such as cross-entropy or squared error"),
    (r"\hat x", "x̂", "the reconstruction, g(z)"),
    (r"\tilde x", "x̃", "a corrupted sample"),
    ("f(", "f", "the encoder"),
    ("g(", "g", "the decoder"),
    ("q(z|x", "q(z|x)", "the posterior: the distribution of codes of a sample"),
    ("q(z)", "q(z)", "the aggregate posterior: the codes of all samples"),
    ("p(x|z", "p(x|z)", "the probability of a sample, given a code"),
    ("p(z)", "p(z)", "the prior"),
    (r"\mathcal N", "N(0, I)", "the standard normal distribution"),
    (r"\mathrm{KL}", "KL", "the divergence of one distribution from another, in nats"),
    (r"\beta", "β", "the weight of the KL term"),
    (r"\lambda", "λ", "the weight of the added term"),
    (r"\gamma", "γ", "the weight of the added term"),
    (r"\sigma", "σ", "a standard deviation"),
    (r"\rho", "ρ", "the share of samples for which a unit should be active"),
    ("D(", "D", "the discriminator"),
    (r"\mathbb{E}", "E", "the mean over draws"),
    ("e_", "e", "an entry of the codebook"),
    (r"\mathrm{sg}", "sg", "stop-gradient: the value, without its gradient"),
    (r"\nabla", "∇ log p", "the score: the direction in which the data become denser"),
)


def filtered() -> list[Family]:
    """The families that fit the filters, whose boxes are drawn here."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    key = "families.traits"
    with left:
        wanted = st.pills(
            "Traits", list(TRAITS), key=key, selection_mode="multi", format_func=TRAITS.__getitem__, wrap=True
        )
    with right:
        kinds = {ANY: "any data", **{name: f"{name} data" for name in KINDS}}
        kind = select_box(Setting("families", "kind"), "Data", kinds, ANY)
    fits = [row for row in FAMILIES.values() if set(wanted) <= row.traits_of(row.config)]
    found = [row for row in fits if kind == ANY or kind in row.kinds]
    if not found:
        st.info("No family has all of these traits.", icon=":material/filter_alt:")
    return found


def choose(found: Sequence[Family]) -> Family:
    """The family that the link names or a person chose."""
    names = [row.name for row in found]
    setting = Setting("families", "family")
    first = "vae" if "vae" in names else names[0]
    key = setting.begin(first, names)
    st.pills("Family", names, key=key, format_func=lambda name: FAMILIES[name].short, required=True, wrap=True)
    return FAMILIES[setting.end(first)]


def show(row: Family) -> None:
    """One family: idea, loss, symbols, hints, samples of a trained model, and the source code of the model."""
    left, right = st.columns([1.15, 1])
    with left, st.container(border=True, height="stretch"):
        st.subheader(row.title, anchor=False)
        say(row.summary)
        st.markdown(f"${row.equation}$")
        _symbols(row.equation)
        adds = own_knobs(row)
        if adds:
            st.caption(f"Additional knobs: {', '.join(label_of(name) for name in adds)}.")
        citation, _, link = row.paper.rpartition(", ")
        st.markdown(f"[{as_text(citation)}]({link})" if citation else as_text(row.paper))
        with st.container(horizontal=True):
            page_link("train", "Train one", "model_training", family=row.name)
    with right, st.container(border=True, height="stretch"):
        _picture(row)
    with st.container(border=True, key="model-code"):
        st.markdown(f"**Source code of the model**, from `{row.model.__module__}`")
        st.code(model_code(row), language="python", wrap_lines=True)


def _symbols(equation: str) -> None:
    """The symbols of an equation, each of which explains itself."""
    used = [word(html.escape(shown), text) for part, shown, text in SYMBOLS if part in equation]
    if used:
        st.html(f'<p class="ae-text">Symbols: {" · ".join(used)}</p>')


def look_at(row: Family) -> tuple[str, str, str]:
    """Hints on a model of the family: words, page, and title of the page."""
    if row.config.corruption != "none":
        return CORRUPTS
    traits = row.traits_of(row.config)
    return next((look for trait, look in LOOKS.items() if trait in traits), PLAIN)


def _picture(row: Family) -> None:
    """Samples, reconstructions and draws of a trained model of the family, pretrained ones first."""
    what, page, title = look_at(row)
    run = example(row)
    say(f"Look at {what}.")
    if run is None:
        st.caption("No model of this family is trained here yet.")
        page_link("train", "Train one on digits", "model_training", family=row.name, dataset="digits")
        return
    model = explorer(run)
    split = test_split(model)
    rows = []
    if split is not None:
        x = split.x[:SHOWN]
        rows = [("original", x), ("reconstruction", model.reconstruct(x))]
    drawn = "drawn" if "prior" in model.traits else "drawn (fitted)"
    rows.append((drawn, model.sample(SHOWN, seed=0)))
    show_samples(rows, run.spec.data, tile_width=60)
    st.caption(as_text(run_name(run)))
    page_link(page, f"Open it on {title}", "explore", **({"family": row.name} if page == "train" else {"run": run.id}))


def example(row: Family) -> Run | None:
    """A trained model of a family: a pretrained one of pictures, else any."""
    runs = [run for run in openable_runs() if run.spec.family == row.name]
    ranked = sorted(runs, key=lambda run: (run.removable, not run.spec.data.row.pixels, run.spec.dataset != "mnist"))
    return next((run for run in ranked if opens(run)), None)


def model_code(row: Family) -> str:
    """The methods that make the model what it is, from its own file: those of its class but the constructor."""
    own = [
        value
        for name, value in vars(row.model).items()
        if inspect.isfunction(value) and (not name.startswith("__") or name == "__init__")
    ]
    wanted = [method for method in own if method.__name__ != "__init__"] or own
    head = f"class {row.model.__name__}({row.model.__mro__[1].__name__}):\n"
    return head + "\n".join(inspect.getsource(method) for method in wanted)


def own_knobs(row: Family) -> list[str]:
    """The knobs that the family adds to those of the family that it builds on."""
    known = set(type((parent(row) or row).config).model_fields)
    return [name for name in type(row.config).model_fields if name not in known]


def parent(row: Family) -> Family | None:
    """The family that it builds on: that whose class its own class extends, or the first of the same class, else the
    autoencoder; of that itself None."""
    for ancestor in row.model.__mro__:
        for other in FAMILIES.values():
            if other.model is ancestor and (ancestor is not row.model or _earlier(other, row)):
                return other
    return None if row.name == PLAINEST else FAMILIES[PLAINEST]


def _earlier(one: Family, other: Family) -> bool:
    names = list(FAMILIES)
    return names.index(one.name) < names.index(other.name)


def overview(found: Sequence[Family]) -> None:
    """The families in a table."""
    rows: list[dict[str, Any]] = []
    for row in found:
        traits = row.traits_of(row.config)
        rows.append(
            {
                "Family": row.title,
                "Idea": row.summary,
                "Paper": row.paper.rpartition(", ")[0],
                "Prior": "prior" in traits,
                "Posterior": "posterior" in traits,
                "Discrete": "codebook" in traits,
                "Data": ", ".join(row.kinds),
            }
        )
    with st.expander(f"All {len(rows)} side by side"):
        st.dataframe(rows, hide_index=True, alt="Table of families")


def tree() -> None:
    """Draw the families as a tree: each below the one that it extends."""
    with st.container(border=True):
        st.markdown("**How they relate:** each family changes or extends the one above it.")
        st.html(f'<ul class="ae-tree">{"".join(_branch(row) for row in FAMILIES.values() if parent(row) is None)}</ul>')


def _branch(row: Family) -> str:
    below = "".join(_branch(other) for other in FAMILIES.values() if parent(other) is row)
    adds = ", ".join(label_of(name) for name in own_knobs(row)[:4]) if parent(row) else ""
    note = f"<small>adds {html.escape(adds)}</small>" if adds else ""
    inner = f"<ul>{below}</ul>" if below else ""
    return f"<li><b>{html.escape(row.title)}</b>{note}{inner}</li>"

"""The parts of Compare: which runs, their pictures on the same samples, and their maps with one brush."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from aeexplorer.data import DataSpec, load_dataset
from aeexplorer.interpolation import interpolate
from aeexplorer.live.components import Colouring, latent_map
from aeexplorer.metrics import PCACode, pca_code
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.pictures import Rows
from aeexplorer.ui.shared.resources import CodeSet, direct_map, explorer, map_codes, openable_runs, opens, written
from aeexplorer.ui.shared.run_names import title_or_short
from aeexplorer.ui.shared.run_picker import asked_run, run_labels
from aeexplorer.ui.shared.samples import is_plane, missing_data, show
from aeexplorer.ui.shared.setting_widgets import buttons, number_box
from aeexplorer.ui.shared.text import as_text, shortened
from aeexplorer.ui.shared.view_state import Setting, names, whole

MOST = 6
SHOWN = 16
MAPPED = 2_000
LONGEST = 40
"""Characters of a name beside its pictures."""
FIRST = ("digits-ae", "digits-dae", "digits-vae")
RUNS = Setting("compare", "runs", names, ",".join)
ROWS = {name: name for name in ("Reconstructions", "Residuals", "Prior samples", "Interpolations")}


def choose_runs() -> list[Run]:
    """The runs that the link names or a person chose; all are of the data of the first."""
    every = {run.id: run for run in openable_runs()}
    if not every:
        st.info("There is no trained model yet. Train one: training on digits takes seconds.", icon=":material/info:")
        page_link("train", "Train a model", "model_training")
        return []
    first = _beginning(every)
    chosen = [name for name in RUNS.value(first) if name in every] or first
    kin = _alike(every, every[chosen[0]])
    key = RUNS.begin(first)
    st.session_state[key] = [name for name in st.session_state[key] if name in kin][:MOST]
    labels = run_labels(every.values())
    st.multiselect(
        "Models",
        list(every) if not st.session_state[key] else list(kin),
        key=key,
        format_func=labels.__getitem__,
        max_selections=MOST,
        help="Up to six models of the same data. Remove all to compare models of other data.",
    )
    picked = [kin[name] for name in RUNS.end(first) if name in kin]
    damaged = [run for run in picked if not opens(run)]
    for run in damaged:
        st.warning(as_text(f"{labels[run.id]} cannot be opened and is left out."), icon=":material/warning:")
    return [run for run in picked if run not in damaged]


def _alike(every: dict[str, Run], run: Run) -> dict[str, Run]:
    """The runs on the data of one of them."""
    spec = run.spec
    return {n: o for n, o in every.items() if (o.spec.dataset, o.spec.data.shape) == (spec.dataset, spec.data.shape)}


def _beginning(every: dict[str, Run]) -> list[str]:
    """The run that was picked on another page and two others of its data, else the first pretrained ones."""
    asked = asked_run()
    if asked in every:
        return [asked, *(name for name in _alike(every, every[asked]) if name != asked)][:3]
    known = [name for name in FIRST if name in every]
    return known if len(known) > 1 else list(_alike(every, next(iter(every.values()))))[:3]


def called(runs: Sequence[Run]) -> dict[str, str]:
    """Names by id: the title that a person gave, else the short name; runs that would share one are told apart by their
    ids."""
    found = {run.id: shortened(title_or_short(run), LONGEST) for run in runs}
    twice = {name for name in found.values() if list(found.values()).count(name) > 1}
    return {run.id: run.id if found[run.id] in twice else found[run.id] for run in runs}


def sizes_of(runs: Sequence[Run]) -> list[int]:
    """The sizes of codes that PCA can have as well; none of symbols, whose error is no squared one."""
    spec = runs[0].spec.data
    if spec.row.symbols:
        return []
    return sorted({run.config.latent_dim for run in runs if run.config.latent_dim < spec.size})


@st.cache_resource(max_entries=24, show_spinner="Computing PCA")
def principal_code(dataset: str, dimensions: int) -> PCACode:
    """PCA of a dataset."""
    return pca_code(load_dataset(dataset).train.x, dimensions)


# pictures


def sample_rows(runs: Sequence[Run]) -> None:
    """Rows of pictures, one for each run and each size of PCA."""
    boxes = st.columns([3, 1], vertical_alignment="bottom")
    with boxes[0]:
        rows = buttons(Setting("compare", "rows"), "Rows", ROWS, "Reconstructions", wrap=True)
    model, spec = explorer(runs[0]), runs[0].spec.data
    if rows == "Prior samples":
        with boxes[1]:
            seed = number_box(Setting("compare", "seed", whole(0, 10_000)), "Seed", int, (0, 10_000), 0)
        show(_prior(runs, int(seed)), spec, tile_width=56)
        return
    if missing_data(model, "Prior samples and maps need no data."):
        return
    test = load_dataset(runs[0].spec.dataset).test
    with boxes[1]:
        limit = max(len(test) - SHOWN, 0)
        start = number_box(Setting("compare", "start", whole(0, limit)), "First sample", int, (0, limit), 0)
    x = test.x[int(start) : int(start) + SHOWN]
    with st.container(border=True):
        show(_interpolated(runs, x) if rows == "Interpolations" else _restored(runs, x, rows), spec, tile_width=56)
        if rows == "Interpolations":
            st.caption("From the first sample to the second, linearly in the code.")


def _restored(runs: Sequence[Run], x: np.ndarray, rows: str) -> Rows:
    named = called(runs)
    found = [(named[run.id], explorer(run).reconstruct(x)) for run in runs]
    dataset = runs[0].spec.dataset
    found += [(f"PCA · {k}-D", principal_code(dataset, k).reconstruct(x)) for k in sizes_of(runs)]
    spec = runs[0].spec.data
    if rows == "Residuals" and not is_plane(spec) and not spec.row.symbols:
        found = [(name, np.abs(y - spec.values(x))) for name, y in found]
    return [("original", x), *((name, _bounded(y, spec)) for name, y in found)]


def _interpolated(runs: Sequence[Run], x: np.ndarray) -> Rows:
    named, ends = called(runs), x[:2] if len(x) > 1 else np.repeat(x, 2, axis=0)
    rows = []
    for run in runs:
        model = explorer(run)
        z = model.encode(ends)
        rows.append((named[run.id], model.decode(interpolate(z[0], z[1], steps=SHOWN))))
    for k in sizes_of(runs):
        pca = principal_code(runs[0].spec.dataset, k)
        z = pca.encode(ends)
        rows.append((f"PCA · {k}-D", pca.decode(interpolate(z[0], z[1], steps=SHOWN), x.shape[1:])))
    return [(name, _bounded(y, runs[0].spec.data)) for name, y in rows]


def _bounded(x: np.ndarray, spec: DataSpec) -> np.ndarray:
    """Values as they can be shown: those of pictures within 0 and 1, which PCA leaves."""
    return np.clip(x, 0, 1) if spec.row.pixels else x


def _prior(runs: Sequence[Run], seed: int) -> Rows:
    """Draws from the prior, of models without one from a Gaussian fitted to the codes."""
    named = called(runs)
    return [(f"{named[run.id]}{'' if _has_prior(run) else ' (fitted)'}", _draws(run, seed)) for run in runs]


def _has_prior(run: Run) -> bool:
    return "prior" in run.family.traits_of(run.config)


def _draws(run: Run, seed: int) -> np.ndarray:
    return explorer(run).sample(SHOWN, seed)


# maps


def maps(runs: Sequence[Run]) -> None:
    """A map of each run's codes of the same samples; hover, selection and hidden classes are those of all."""
    spec = runs[0].spec.data
    st.caption(
        "Principal components of the codes of the same test samples. A sample that you hover over, pick or select "
        "on one map is marked on all maps."
    )
    named = called(runs)
    for line in (runs[:3], runs[3:]):
        if not line:
            continue
        for box, run in zip(st.columns(3 if len(runs) > 2 else 2), line, strict=False):
            with box, st.container(border=True, gap="xsmall"):
                _map(run, named[run.id], spec.classes)


def _map(run: Run, name: str, classes: tuple[str, ...]) -> None:
    code_set = CodeSet(min(MAPPED, len(explorer(run).codes.z)))
    codes = map_codes(run, code_set)
    flat = run.config.latent_dim <= 2
    points = direct_map(run, "raw" if flat else "pca", code_set).points
    if points.shape[1] == 1:
        points = np.concatenate([points, np.zeros_like(points)], axis=1)
    latent_map(
        scene_name(run),
        key=f"compare.map.{run.id}.{written(run, 'codes.safetensors')}",
        points=points,
        index=codes.index,
        colouring=Colouring(codes.labels, classes, "class") if classes else None,
        title=name,
        group="compare",
        height=300,
        label=f"Latent map of {name}",
    )


def as_python(runs: Sequence[Run]) -> str:
    """The lines that reconstruct the same samples."""
    names = ", ".join(repr(run.reference) for run in runs)
    return (
        f"import aeexplorer as ae\nfrom aeexplorer.metrics import paired\n\nmodels = [ae.open_run(name) for name in "
        f"({names},)]\nx = models[0].dataset.test.x\nerrors = [model.errors(x) for model in models]\n"
        "for model, error in zip(models, errors):\n    print(model.run.title, error.mean(), paired(error, errors[0]))\n"
    )

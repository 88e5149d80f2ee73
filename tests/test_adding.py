"""docs/adding.md: all recipes are carried out in one copy of the project, each touches the places that it promises, and
one process shows that they work."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = {
    part.split("\n", 1)[0].split(":")[0]: part
    for part in (ROOT / "docs" / "adding.md").read_text("utf-8").split("\n## ")[1:]
}

SHOWS = {
    "A family": """
run = ae.train("small_code_ae", ae.load_dataset("digits"), epochs=1, shrinkage=0.5, bar=False)
assert ae.open_run(run.path).evaluate()["mse"] > 0 and run.family.title == "Small-code autoencoder"
assert "shrinkage" in run.epochs()[0]["validation"]
from aeexplorer.__main__ import main
from streamlit.testing.v1 import AppTest
assert main(["train", "--dataset", "digits", "--family", "small_code_ae", "--epochs", "1", "--shrinkage", "0.5"]) == 0
other = ae.train("ae", ae.load_dataset("digits"), epochs=1, bar=False)
app = AppTest.from_file("aeexplorer/ui/shell.py", default_timeout=120).run()
def words(page, **query):
    app.switch_page(f"../../pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    tables = " ".join(table.value.to_string() for table in app.dataframe)
    return tables + " ".join(str(part.proto) for kind in ("subheader", "html", "code") for part in app.get(kind))
told = words("families", family="small_code_ae")
assert "Small-code autoencoder" in told and "def terms" in told and "Shrinkage" in told
assert "Small-code AE" in words("compare", runs=f"{run.id},{other.id}", view="Table")
""",
    "A network": """
run = ae.train("vae", ae.load_dataset("digits"), epochs=1, net="shallow", units=9, bar=False)
assert ae.open_run(run.path)._model.encoder[1].out_features == 9
from aeexplorer.nets import foreign_knobs
assert "units" in foreign_knobs("mlp") and "units" not in foreign_knobs("shallow")
try:
    ae.train("vae", ae.load_dataset("heartbeats"), net="shallow", bar=False)
except ae.ConfigError as error:
    assert "net must be mlp or conv" in str(error)
""",
    "A loss": """
run = ae.train("vae", ae.load_dataset("wine"), epochs=1, loss="huber", bar=False)
assert ae.open_run(run.path)._model.loss.name == "huber"
""",
    "A dataset": """
run = ae.train("vae", ae.load_dataset("rings"), epochs=1, bar=False)
assert ae.open_run(run.path).evaluate()["mse"] > 0
from aeexplorer.data import sources
assert "rings" in sources()
""",
    "A corruption": """
run = ae.train("dae", ae.load_dataset("digits"), epochs=1, corruption="fade", level=0.5, bar=False)
x = ae.load_dataset("digits").test.x[:3]
assert abs(ae.corrupt(x, "fade", 0.5, seed=0) - x / 255 / 2).max() < 1e-6
""",
    "A knob that a dial turns": """
from aeexplorer.runs.request import new_run
from aeexplorer.runs.recording import train_run
from aeexplorer.training.plan import DialSpec
data = ae.load_dataset("digits")
run = train_run(new_run("ae", data, epochs=1, dial=DialSpec(knob="dropout", stops=(0.0, 0.5), epochs_per_stop=1)), data, bar=False)
model = ae.open_run(run.path)
assert model.at(0.25).config.dropout == 0.25 and len(model.dial.curve["loss"]) == 5
""",
    "A page": """
from streamlit.testing.v1 import AppTest
run = ae.train("ae", ae.load_dataset("digits"), epochs=1, bar=False)
app = AppTest.from_file("aeexplorer/ui/shell.py", default_timeout=120).run()
app.switch_page("../../pages/latent_size.py")
app.query_params["run"] = run.id
app.run()
assert not app.exception and app.metric[0].value == "16 numbers for 64", app.metric
""",
    "A scene": """
from aeexplorer.live.scenes import render
run = ae.train("ae", ae.load_dataset("digits"), epochs=1, bar=False)
assert render("length", {"run": run.id, "z": [3.0, 4.0]}).readouts == {"length": 5.0, "latent_dim": 16}
""",
}
PLACES = {
    "A family": 2,
    "A network": 2,
    "A loss": 1,
    "A dataset": 2,
    "A corruption": 1,
    "A knob that a dial turns": 1,
    "A page": 3,
    "A scene": 2,
}


def carry_out(section: str, root: Path) -> set[str]:
    """Follow the recipe of a section in a copy of the project; returns the files that were made or changed."""
    touched = set()
    for how, where, body in re.findall(r"```python\n# (new|row|line): (.*?)\n(.*?)```", section, flags=re.S):
        path, _, table = where.partition(" ")
        touched.add(path)
        file = root / path
        if how == "new":
            assert not file.exists()
            file.write_text(body, "utf-8")
            continue
        text = file.read_text("utf-8")
        imports = [line for line in body.splitlines() if line.startswith(("from ", "import "))]
        row = "\n".join(line for line in body.splitlines() if line.strip() and line not in imports)
        if how == "line":
            begin = text.index(f"{table}: [") + len(f"{table}: [")
            text = f"{text[:begin]}{row}{text[begin:]}"
        else:
            end = text.index("\n    )\n}", text.index(f"\n{table}: dict"))
            text = f"{text[:end]}\n{row}{text[end:]}"
        future = "from __future__ import annotations\n"
        text = text.replace(future, future + "\n".join(imports) + "\n", 1)
        if "mean_terms(" in row:
            text = text.replace("TrainingConfig, train", "TrainingConfig, mean_terms, train", 1)
        file.write_text(text, "utf-8")
    return touched


SHOW_ALL = """
import json, sys, traceback
import aeexplorer as ae
shows, faults = json.load(sys.stdin), {}
for name, code in shows.items():
    try:
        exec(code, {"ae": ae})
    except BaseException:
        faults[name] = traceback.format_exc()
print(json.dumps({"file": ae.__file__, "shown": list(shows), "faults": faults}))
"""


class Outcome(NamedTuple):
    """By section: the files that its recipe touched, and how it failed."""

    touched: dict[str, set[str]]
    faults: dict[str, str]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All recipes in one copy of the package and its pages, shown by one process."""
    base = tmp_path_factory.mktemp("copy")
    root = base / "project"
    for name in ("aeexplorer", "pages"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    touched = {name: carry_out(SECTIONS[name], root) for name in SHOWS}
    environment = {**os.environ, "PYTHONPATH": str(root), "AEEXPLORER_HOME": str(base / "home")}
    command = [sys.executable, "-c", SHOW_ALL]
    done = subprocess.run(command, cwd=root, env=environment, input=json.dumps(SHOWS), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["file"].startswith(str(root)) and result["shown"] == list(SHOWS)
    return Outcome(touched, result["faults"])


def test_every_recipe_is_tried() -> None:
    assert set(SECTIONS) == set(SHOWS) == set(PLACES)


@pytest.mark.long
@pytest.mark.parametrize("name", SHOWS)
def test_a_recipe_does_what_it_promises(name: str, outcome: Outcome) -> None:
    assert len(outcome.touched[name]) == PLACES[name]
    assert name not in outcome.faults, outcome.faults[name][-3000:]

"""The command line: every knob a flag, a JSON object last, a refusal one sentence."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aeexplorer.__main__ import main
from aeexplorer.families import FAMILIES
from aeexplorer.training.config import TrainingConfig

TRAIN = [
    "train",
    "--dataset",
    "digits",
    "--family",
    "vae",
    "--hidden",
    "16",
    "--latent-dim",
    "2",
    "--epochs",
    "2",
    "--json",
]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def last_json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def trained(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(TRAIN) == 0
    return last_json(capsys)


def test_train_reports_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    result = trained(capsys)
    assert {"run", "dataset", "family", "seconds", "epochs", "test"} <= set(result)
    assert (result["dataset"], result["family"], result["epochs"]) == ("digits", "vae", 2)
    test = result["test"]
    assert test["neg_elbo"] == pytest.approx(test["reconstruction"] + test["kl"])
    assert 0 < test["mse"] < 1


def test_evaluate_agrees_with_train(capsys: pytest.CaptureFixture[str]) -> None:
    result = trained(capsys)
    assert main(["evaluate", result["run"], "--json"]) == 0
    assert last_json(capsys)["test"] == pytest.approx(result["test"])


def test_evaluate_estimates_the_likelihood(capsys: pytest.CaptureFixture[str]) -> None:
    result = trained(capsys)
    assert main(["evaluate", result["run"], "--nll", "5", "--json"]) == 0
    figures = last_json(capsys)["test"]
    assert figures["nll"] <= figures["neg_elbo"]


def test_the_same_seed_gives_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert trained(capsys)["test"] == trained(capsys)["test"]


def test_project_writes_points(capsys: pytest.CaptureFixture[str]) -> None:
    result = trained(capsys)
    assert main(["project", result["run"], "--method", "pca", "--n", "200", "--json"]) == 0
    said = last_json(capsys)
    assert {"seconds", "knn_recall", "label_accuracy", "path"} <= set(said)
    with np.load(said["path"], allow_pickle=False) as arrays:
        assert arrays["points"].shape == (200, 2)
        assert arrays["labels"].shape == arrays["index"].shape == (200,)


def test_export(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = trained(capsys)["run"]
    assert main(["export", run, "--out", str(tmp_path / "run.zip")]) == 0
    names = {Path(n).name for n in zipfile.ZipFile(tmp_path / "run.zip").namelist()}
    assert {"spec.json", "weights.safetensors", "events.jsonl"} <= names
    assert main(["export", run, "--what", "codes", "--out", str(tmp_path / "codes.csv")]) == 0
    with open(tmp_path / "codes.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["index", "label", "z0", "z1"] and len(rows) == 1 + 270


def test_families_and_data_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["families", "--json"]) == 0
    families = last_json(capsys)
    assert set(families) == set(FAMILIES)
    assert (families["vae"]["traits"], families["vae"]["levels"]) == (["normal_prior", "posterior", "prior"], [16])
    assert (
        families["vae"]["kinds"] == ["image", "sequence", "vector", "tokens"] and len(families["hvae"]["levels"]) == 2
    )
    assert main(["data", "--json"]) == 0
    assert last_json(capsys)["digits"]["available"]
    assert main(["data", "shapes", "--json"]) == 0
    assert last_json(capsys)["factors"]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_knob_is_a_flag(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--family", name, "--help"])
    text = capsys.readouterr().out
    for knob in [*type(FAMILIES[name].config).model_fields, *TrainingConfig.model_fields]:
        assert f"--{knob.replace('_', '-')}" in text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--latent-dim", "0"], "latent_dim must be greater than or equal to 1, got 0"),
        (["--latent-dim", "1e6"], "latent_dim must be less than or equal to 4096, got 1000000"),
        (["--epochs", "1e9"], "epochs must be less than or equal to 10000, got 1000000000"),
        (["--learning-rate", "nan"], "learning_rate must be a finite number, got nan"),
        (["--level", "2"], "level must be less than or equal to 1, got 2"),
        (["--batch-size", "5000"], "batch_size must be at most 1257, the training samples of digits, got 5000"),
        (["--family", "vaee"], "unknown family 'vaee', did you mean vae?"),
        (["--dataset", "digit"], "unknown dataset 'digit', did you mean digits?"),
        (["--dataset", "wine", "--net", "conv"], "net must be mlp for the vector data of wine, got conv"),
        (
            ["--dataset", "wine", "--batch-size", "16", "--loss", "bce"],
            "loss must be mse, mae or learned_variance for wine",
        ),
    ],
)
def test_refusals_name_field_limit_and_value(
    flags: list[str], said: str, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert main([*TRAIN, *flags]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not home.exists() or not list((home / "runs").glob("*"))


def test_mnist_without_files_or_network_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import socket

    def no_network(*_: Any, **__: Any) -> None:
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setenv("AEEXPLORER_DATA_DIR", str(tmp_path))
    from aeexplorer import data

    data._load.cache_clear()
    assert main(["train", "--dataset", "mnist", "--family", "ae"]) == 2
    error = capsys.readouterr().err
    assert "mnist" in error and "http" in error and "Traceback" not in error


def test_unknown_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "../../etc/passwd"]) == 2
    assert "unknown run" in capsys.readouterr().err


def test_a_map_is_reported_under_the_name_of_its_file(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(TRAIN) == 0
    run = last_json(capsys)["run"]
    written = []
    for extra in (
        ["--out", str(tmp_path / "mymap")],
        ["--out", str(tmp_path / "my.map")],
        [],
        ["--split", "train"],
        ["--components", "3"],
    ):
        assert main(["project", run, "--method", "pca", "--n", "50", "--json", *extra]) == 0
        path = Path(last_json(capsys)["path"])
        assert path.is_file() and np.load(path)["points"].shape == (50, 3 if "--components" in extra else 2)
        written.append(path)
    assert written[0] == tmp_path / "mymap.npz" and written[1] == tmp_path / "my.map.npz"
    assert len(set(written)) == 5


@pytest.mark.long
def test_output_to_a_code_page_without_greek_is_utf_8(home: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "AEEXPLORER_HOME": str(home)}
    for line in (["families"], ["train", "--family", "vae", "--help"], [*TRAIN, "--title", "β at 1 · \udcff"]):
        done = subprocess.run(
            [sys.executable, "-m", "aeexplorer", *line], env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "β" in done.stdout.decode("utf-8") or (line[0] == "train" and "--json" in line)


@pytest.mark.long
def test_a_refusal_on_a_code_page_without_greek_is_one_sentence(home: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "AEEXPLORER_HOME": str(home)}
    line = ["evaluate", "β"]
    done = subprocess.run(
        [sys.executable, "-m", "aeexplorer", *line], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 2 and done.stderr.decode("utf-8").startswith("aeexplorer: unknown run 'β'")

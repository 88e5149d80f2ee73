"""Training speed beside peers: this loop, the usual DataLoader loop, and pythae's trainer, on MNIST in one run.

    pip install -r benchmarks/requirements.txt
    python benchmarks/training.py [--quick] [--json] [--net mlp|conv] [--batch-size 128]

Every measurement is a process of its own, and contenders take turns, so that a noisy machine treats them alike. Quoted
are medians of samples per second and of peak memory (resident, whole process), as ratios to pythae; then the test
-ELBO that each reaches after the same epochs with the same data, widths, batch size and constant learning rate.

    python benchmarks/training.py --device cuda [--quick] [--json]

compares this loop on a GPU with itself on one core of the CPU: both nets, batches of 128 to 4,096 samples.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTENDERS = ("aeexplorer", "dataloader", "pythae")
WIDTHS = {"mlp": (400,), "conv": (32, 64)}
RATE = 1e-3


def model_config(net: str) -> Any:
    from aeexplorer.models.vae import VAEConfig

    return VAEConfig(net=net, latent_dim=20, **{"hidden" if net == "mlp" else "channels": WIDTHS[net]})


def loaded(samples: int) -> Any:
    import aeexplorer as ae

    data = ae.load_dataset("mnist")
    return data.train.x[: samples or len(data.train)], data


def run_aeexplorer(net: str, batch_size: int, epochs: int, samples: int, device: str = "cpu") -> tuple[float, float]:
    import torch

    from aeexplorer.models.vae import VAE
    from aeexplorer.training.loop import TrainingConfig, train

    x, data = loaded(samples)
    torch.manual_seed(0)
    model = VAE(model_config(net), data.spec)
    config = TrainingConfig(
        epochs=epochs, batch_size=batch_size, learning_rate=RATE, schedule="constant", samples=len(x), device=device
    )
    begun = time.perf_counter()
    for _ in train(model, data, config):
        pass
    seconds = time.perf_counter() - begun
    return len(x) * epochs / seconds, negative_elbo(data, model.cpu().terms)


def negative_elbo(data: Any, terms: Any) -> float:
    """Test -ELBO in nats, one posterior sample each, the same for every contender."""
    import torch

    from aeexplorer.models.base import Batch
    from aeexplorer.tensors import to_float, to_tensor

    torch.manual_seed(1)
    x = to_float(to_tensor(data.test.x, data.spec))
    with torch.no_grad():
        total = sum(float(sum(terms(Batch(b, b, b)).values())) * len(b) for b in x.split(500))
    return total / len(x)


def run_dataloader(net: str, batch_size: int, epochs: int, samples: int) -> tuple[float, float]:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from aeexplorer.models.base import Batch
    from aeexplorer.models.vae import VAE
    from aeexplorer.tensors import to_float, to_tensor

    x, data = loaded(samples)
    torch.manual_seed(0)
    model = VAE(model_config(net), data.spec)
    train = DataLoader(TensorDataset(to_float(to_tensor(x, data.spec))), batch_size=batch_size, shuffle=True)
    held_out = DataLoader(TensorDataset(to_float(to_tensor(data.validation.x, data.spec))), batch_size=500)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    begun = time.perf_counter()
    for _ in range(epochs):
        model.train()
        for (batch,) in train:
            loss = sum(model.terms(Batch(batch, batch, batch)).values())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for (batch,) in held_out:
                model.terms(Batch(batch, batch, batch))
    seconds = time.perf_counter() - begun
    return len(x) * epochs / seconds, negative_elbo(data, model.terms)


def run_pythae(net: str, batch_size: int, epochs: int, samples: int) -> tuple[float, float]:
    import logging

    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from torch import nn

    from aeexplorer.losses import gaussian_kl
    from aeexplorer.nets import make_decoder, make_encoder
    from aeexplorer.tensors import to_float, to_tensor

    logging.disable(logging.CRITICAL)
    x, data = loaded(samples)
    torch.manual_seed(0)
    # the same layers; two heads and a sigmoid, as its encoders and decoders have them
    trunk = list(make_encoder(data.spec, 20, model_config(net)))
    head = trunk.pop()

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(*trunk)
            self.mean, self.log_var = nn.Linear(head.in_features, 20), nn.Linear(head.in_features, 20)

        def forward(self, batch: Any) -> Any:
            hidden = self.body(batch)
            return ModelOutput(embedding=self.mean(hidden), log_covariance=self.log_var(hidden))

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(make_decoder(data.spec, 20, model_config(net)), nn.Sigmoid())

        def forward(self, z: Any) -> Any:
            return ModelOutput(reconstruction=self.body(z))

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=20, reconstruction_loss="bce")
    model = VAE(config, encoder=Encoder(), decoder=Decoder())

    def dataset(part: Any) -> Any:
        return BaseDataset(to_float(to_tensor(part, data.spec)), torch.zeros(len(part)))

    with tempfile.TemporaryDirectory() as folder:
        trainer = BaseTrainer(
            model, dataset(x), dataset(data.validation.x),
            BaseTrainerConfig(
                output_dir=folder, num_epochs=epochs, per_device_train_batch_size=batch_size,
                per_device_eval_batch_size=500, learning_rate=RATE, no_cuda=True,
            ),
        )  # fmt: skip
        begun = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begun
    best = trainer._best_model.eval()

    def terms(batch: Any) -> dict[str, Any]:
        out = best.encoder(batch.x)
        mean, log_var = out.embedding, out.log_covariance
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        probability = best.decoder(z).reconstruction
        cross = nn.functional.binary_cross_entropy(probability, batch.x, reduction="sum") / len(batch.x)
        return {"reconstruction": cross, "kl": gaussian_kl(mean, log_var).sum() / len(mean)}

    return len(x) * epochs / seconds, negative_elbo(data, terms)


def measure(
    contender: str, net: str, batch_size: int, epochs: int, samples: int, device: str = "cpu"
) -> dict[str, float]:
    """One contender in a process of its own."""
    command = [sys.executable, __file__, "--contender", contender, "--net", net, "--batch-size", str(batch_size)]
    command += ["--epochs", str(epochs), "--samples", str(samples), "--device", device]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{contender} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compare_devices(quick: bool) -> dict[str, Any]:
    """Samples per second and test -ELBO on a GPU beside one core, by net and batch size."""
    rows = {}
    for net in WIDTHS:
        for batch_size in (128, 4096) if quick else (128, 512, 1024, 4096):
            epochs, samples = (1, 10_000) if quick else (5, 0)
            found = {on: measure("aeexplorer", net, batch_size, epochs, samples, on) for on in ("cpu", "cuda")}
            ratio = found["cuda"]["samples_per_second"] / found["cpu"]["samples_per_second"]
            rows[f"{net}-{batch_size}"] = {**found, "ratio": ratio}
            print(f"{net:5} batch {batch_size:5,}  {ratio:6.2f}x " + "  ".join(
                f"{on} {f['samples_per_second']:9,.0f}/s, -ELBO {f['neg_elbo']:.2f}" for on, f in found.items()
            ))  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer samples and rounds: within a minute")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--net", choices=sorted(WIDTHS), default="mlp")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: this loop on both devices")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, default=0, help="for the comparison of -ELBO (default: 10)")
    parser.add_argument("--samples", type=int, default=0, help=argparse.SUPPRESS)
    a = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if a.contender:
        import torch
        import torch._dynamo  # every optimiser loads it when first made; a second that is nobody's speed

        torch.set_num_threads(1)
        on = {"device": a.device} if a.contender == "aeexplorer" else {}
        rate, elbo = globals()[f"run_{a.contender}"](a.net, a.batch_size, a.epochs, a.samples, **on)
        print(json.dumps({"samples_per_second": rate, "neg_elbo": elbo, "peak_mb": peak_megabytes()}))
        return
    if a.device == "cuda":
        result = compare_devices(a.quick)
        if a.json:
            print(json.dumps(result))
        return
    rounds = a.rounds or (2 if a.quick else 5)
    epochs, samples = (1, 10_000) if a.quick else (2, 0)
    seen: dict[str, list[dict[str, float]]] = {c: [] for c in CONTENDERS}
    for i in range(rounds):
        for contender in CONTENDERS:
            seen[contender].append(measure(contender, a.net, a.batch_size, epochs, samples))
        print(
            f"round {i + 1}/{rounds}: "
            + ", ".join(f"{c} {seen[c][-1]['samples_per_second']:,.0f}/s" for c in CONTENDERS)
        )
    result = {"net": a.net, "batch_size": a.batch_size, "rounds": rounds}
    for contender in CONTENDERS:
        final = seen[contender][-1] if a.quick else measure(contender, a.net, a.batch_size, a.epochs or 10, 0)
        result[contender] = {
            "samples_per_second": statistics.median(r["samples_per_second"] for r in seen[contender]),
            "peak_mb": statistics.median(r["peak_mb"] for r in seen[contender]),
            "neg_elbo": final["neg_elbo"],
        }
    peer = result["pythae"]
    for contender in CONTENDERS:
        row = result[contender]
        row["speed_ratio"] = row["samples_per_second"] / peer["samples_per_second"]
        row["memory_ratio"] = row["peak_mb"] / peer["peak_mb"]
        print(
            f"{contender:12} {row['samples_per_second']:9,.0f} samples/s  {row['speed_ratio']:.2f}x   "
            f"{row['peak_mb']:6.0f} MB  {row['memory_ratio']:.2f}x   -ELBO {row['neg_elbo']:.2f}"
        )
    if a.json:
        print(json.dumps(result))


def peak_megabytes() -> float:
    """Peak resident memory of this process."""
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


if __name__ == "__main__":
    main()

"""Maps of codes beside peers: t-SNE and UMAP of trained models' codes, whole jobs with imports, quality beside time.

    python benchmarks/projection.py [--quick] [--json] [--n 1797,10000,60000] [--dataset mnist,fashion-mnist]
    python benchmarks/projection.py --served [--json]

Every contender is a process of its own on one thread: it imports, reads the codes, draws its map and writes it. Time is
from start to end of that process, CPU time what it computed of that (for a busy machine), memory its peak (resident).
scikit-learn is left out above 20,000 codes, where it takes the better part of an hour. Codes are those of the VAEs in
pretrained/, of the test split, and of training samples too where that is too small, each class with its share. Quality
is kNN recall@15 against all codes and the leave-one-out accuracy of the labels, measured the same way for all.

umap-learn compiles its inner loops in every process. So did ours once on this computer, and kept the result: the row
"aeexplorer first ever" pays for that, with an empty folder.

--served instead starts the queue on an empty home, gives its worker time to get ready, and asks for the maps of a
digits run as a page does: seconds until each is there, and how long it takes to find it again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PEERS = ("scikit-learn TSNE", "openTSNE", "umap-learn")
OURS = ("aeexplorer t-SNE", "aeexplorer UMAP", "aeexplorer both", "aeexplorer first ever")
SLOW = 20_000
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
FIGURES = ("seconds", "cpu_seconds", "peak_mb")
TARGETS = {"time": 0.30, "recall": 0.98, "seconds_60k": 120.0, "memory_60k": 4000.0}


def draw(contender: str, z: np.ndarray) -> dict[str, np.ndarray]:
    """The maps of a contender, each (n, 2)."""
    if contender == "scikit-learn TSNE":
        from sklearn.manifold import TSNE

        return {"t-SNE": TSNE(random_state=0, n_jobs=1).fit_transform(z)}
    if contender == "openTSNE":
        from openTSNE import TSNE as Open

        return {"t-SNE": np.asarray(Open(random_state=0, n_jobs=1).fit(z))}
    if contender == "umap-learn":
        from umap import UMAP

        return {"UMAP": UMAP(random_state=0, n_jobs=1).fit_transform(z)}
    from aeexplorer.metrics import neighbours
    from aeexplorer.projection import project

    if contender == "aeexplorer t-SNE":
        return {"t-SNE": project(z, "tsne").points}
    if contender == "aeexplorer UMAP":
        return {"UMAP": project(z, "umap").points}
    graph = neighbours(z, min(90, len(z) - 1))
    return {"t-SNE": project(z, "tsne", graph=graph).points, "UMAP": project(z, "umap", graph=graph).points}


def measure(contender: str, codes: Path, folder: Path) -> dict[str, Any]:
    """One contender in a process of its own: seconds, megabytes, and its maps."""
    out = folder / "maps.npz"
    environment = os.environ | dict.fromkeys(THREADS, "1")
    with tempfile.TemporaryDirectory() as empty:
        if contender == "aeexplorer first ever":
            environment["NUMBA_CACHE_DIR"] = empty
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-W", "ignore", __file__, "--contender", contender, str(codes), str(out)],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
    if done.returncode:
        sys.exit(f"{contender} failed:\n{done.stderr[-2000:]}")
    with np.load(out, allow_pickle=False) as maps:
        return {"seconds": seconds, **json.loads(done.stdout), "maps": dict(maps)}


def codes_of(dataset: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n, 16) and labels (n,) of the dataset's pretrained VAE."""
    from aeexplorer.explorer import open_run
    from aeexplorer.jobs.codes import codes_for_map

    explorer = open_run(f"pretrained/{dataset}-vae")
    found = codes_for_map(explorer, n, "test" if n <= len(explorer.dataset.test) else "all")
    return found.z, found.labels


def compare(dataset: str, n: int, rounds: int, contenders: tuple[str, ...]) -> dict[str, Any]:
    """All contenders on the same codes, taking turns."""
    from aeexplorer.metrics import neighbours
    from aeexplorer.projection import quality

    z, labels = codes_of(dataset, n)
    graph = neighbours(z, 15)
    seen: dict[str, list[dict[str, Any]]] = {c: [] for c in contenders}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "codes.npz", z=z)
        for _ in range(rounds):
            for contender in contenders:
                seen[contender].append(measure(contender, folder / "codes.npz", folder))
    result: dict[str, Any] = {"dataset": dataset, "n": len(z), "rounds": rounds}
    print(f"\n{dataset}, {len(z):,} codes of {z.shape[1]} numbers, median of {rounds}")
    for contender in contenders:
        row: dict[str, Any] = {k: statistics.median(r[k] for r in seen[contender]) for k in FIGURES}
        for name, points in seen[contender][0]["maps"].items():
            figures = quality(z, points, labels, graph=graph)
            row[name] = {"recall": figures["knn_recall"], "labels": figures["label_accuracy"]}
        result[contender] = row
        kept = "  ".join(
            f"{m} recall {row[m]['recall']:.4f} labels {row[m]['labels']:.3f}" for m in ("t-SNE", "UMAP") if m in row
        )
        print(
            f"  {contender:22} {row['seconds']:7.1f} s  CPU {row['cpu_seconds']:7.1f} s  {row['peak_mb']:6.0f} MB  "
            f"{kept}",
            flush=True,
        )
    result["ratios"] = ratios(result)
    for said, value in result["ratios"].items():
        print(f"  {said}: {value:.3f}")
    return result


def ratios(result: dict[str, Any]) -> dict[str, float]:
    """What is held against the targets."""
    found, both = {}, result.get("aeexplorer both")
    if both is None:
        return {}
    for peer, method in (("scikit-learn TSNE", "t-SNE"), ("openTSNE", "t-SNE"), ("umap-learn", "UMAP")):
        if peer in result:
            found[f"{method} recall / {peer}"] = both[method]["recall"] / result[peer][method]["recall"]
    for tsne in PEERS[:2]:
        if tsne in result and "umap-learn" in result:
            theirs = result[tsne]["seconds"] + result["umap-learn"]["seconds"]
            found[f"time of both / ({tsne} + umap-learn)"] = both["seconds"] / theirs
            cpu = result[tsne]["cpu_seconds"] + result["umap-learn"]["cpu_seconds"]
            found[f"CPU time of both / ({tsne} + umap-learn)"] = both["cpu_seconds"] / cpu
            if OURS[3] in result:
                found[f"time of both, first ever / ({tsne} + umap-learn)"] = result[OURS[3]]["seconds"] / theirs
    if result["n"] >= 60_000:
        found["seconds of both"], found["GB of both"] = both["seconds"], both["peak_mb"] / 1000
    return found


def serve(run_name: str, sizes: tuple[tuple[int, str], ...], ready: float) -> dict[str, Any]:
    """Maps through the queue of an empty home: seconds from asking to done, and to find them again."""
    from aeexplorer import jobs
    from aeexplorer.runs.listing import find_run

    result: dict[str, Any] = {"run": run_name, "ready_after": ready}
    for number, (n, split) in enumerate(sizes):
        with tempfile.TemporaryDirectory() as home:
            os.environ["AEEXPLORER_HOME"] = home
            run = find_run(run_name)
            jobs.supervise()
            time.sleep(ready)
            for method in ("tsne", "umap"):
                asked = {"components": 2, "seed": 0, "split": split}
                begun = time.perf_counter()
                job = jobs.request_map(run, method, n, **asked)
                while (state := job.status.state) in ("queued", "running"):
                    time.sleep(0.02)
                drawn = time.perf_counter() - begun
                if state != "done":
                    sys.exit(f"{method} ended {state}: {job.status.reason}")
                begun = time.perf_counter()
                found = jobs.find_map(run, method, n, **asked)[1]
                points = len(found.finished().points) if found else 0
                again = time.perf_counter() - begun
                result[f"{method} {points}"] = {"seconds": drawn, "again": again}
                print(f"  {method} of {points:,}: {drawn:.2f} s, found again in {1000 * again:.0f} ms", flush=True)
            jobs.stop_supervising()
            time.sleep(1 if number + 1 < len(sizes) else 0)
    return result


def peak_megabytes() -> float:
    """Peak resident memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():  # the figure of `resource` begins there with that of the parent
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1e3
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,797 codes of one dataset, once: within minutes")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--n", help="numbers of codes (default: 1797,10000,60000)")
    parser.add_argument("--dataset", help="mnist, fashion-mnist or both (default)")
    parser.add_argument("--rounds", type=int, default=0, help="default: 3 up to 2,000 codes, else 1")
    parser.add_argument("--only", help="contenders by name, a comma between them")
    parser.add_argument("--slow", action="store_true", help="scikit-learn above 20,000 codes too")
    parser.add_argument("--served", action="store_true", help="maps of a digits run through the queue, from its start")
    parser.add_argument("--ready", type=float, default=20.0, help="seconds that the worker has to get ready")
    parser.add_argument("--contender", nargs=3, help=argparse.SUPPRESS)
    a = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    if a.contender:
        name, codes, out = a.contender
        with np.load(codes, allow_pickle=False) as file:
            maps = draw(name, file["z"])
        np.savez(out, **maps)
        print(json.dumps({"cpu_seconds": time.process_time(), "peak_mb": peak_megabytes()}))
        return
    if a.served:
        found = serve("pretrained/digits-vae", ((270, "test"), (1_797, "all")), a.ready)
        if a.json:
            print(json.dumps(found))
        return
    sizes = [int(n) for n in (a.n or ("1797" if a.quick else "1797,10000,60000")).split(",")]
    datasets = (a.dataset or ("mnist" if a.quick else "mnist,fashion-mnist")).split(",")
    results = []
    measure_nothing = Path(tempfile.mkdtemp()) / "codes.npz"
    np.savez(measure_nothing, z=np.random.default_rng(0).standard_normal((50, 4)))
    measure("aeexplorer UMAP", measure_nothing, measure_nothing.parent)  # what is compiled once is compiled now
    for dataset in datasets:
        for n in sizes:
            contenders = tuple(a.only.split(",")) if a.only else (*PEERS, *OURS)
            if n > SLOW and not a.slow:
                contenders = tuple(c for c in contenders if c != PEERS[0])
            rounds = a.rounds or (1 if a.quick or n > 2_000 else 3)
            results.append(compare(dataset, n, rounds, contenders))
    if a.json:
        print(json.dumps({"targets": TARGETS, "results": results}))


if __name__ == "__main__":
    main()

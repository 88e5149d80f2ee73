"""The name of a run on pages: the short one that all pages give it, or the title that a person gave it."""

from __future__ import annotations

from aeexplorer.runs.run import Run

SHORT_KINDS = {"gaussian": "σ", "salt_and_pepper": "salt & pepper", "masking": "masking", "masking_blocks": "blocks"}


def run_name(run: Run) -> str:
    """ "MNIST · VAE · 2-D" for a run with the title that it was given by itself, else its title."""
    return f"{run.spec.data.title} · {short_name(run)}" if _is_plain(run) else run.title


def title_or_short(run: Run) -> str:
    """The same without the dataset, where all runs shown have one."""
    return short_name(run) if _is_plain(run) else run.title


def short_name(run: Run) -> str:
    """A run without its dataset: "VAE · 2-D · β dial"."""
    parts = [run.family.short, f"{run.config.latent_dim}-D"]
    if run.spec.dial:
        knob = "β" if run.spec.dial.knob == "beta" else SHORT_KINDS.get(run.config.corruption, run.config.corruption)
        parts.append(f"{knob} dial")
    return " · ".join(parts)


def _is_plain(run: Run) -> bool:
    given = f"{run.spec.data.title} · {run.family.title} · {run.config.latent_dim}-d"
    return run.title == given or (run.spec.dial is not None and run.title.startswith(f"{given} · "))

"""Samples made of symbols as drawings: text with the probability of each symbol, music as a piano roll or as sound."""

from __future__ import annotations

import html
import io
import math
import re
import wave
from typing import NamedTuple

import numpy as np

from aeexplorer.data import DataSpec
from aeexplorer.plots.theme import Theme

LINE = 16  # symbols in a line of text
HEIGHT = 20  # of a line, where a symbol is 10 wide
FAINT = 0.12  # opacity of a symbol without any probability
MASKED = "▯"
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
RATE = 16_000  # values of a sound per second
STEP = 0.3  # seconds of a time step


class Note(NamedTuple):
    """A note of a voice from one time step to another, with the mean probability of its symbols."""

    voice: int
    pitch: int
    begin: int
    end: int
    weight: float


def lines_of(spec: DataSpec) -> tuple[int, int]:
    """Symbols in a line of text, and lines; as in live/static/shared/tokens.js."""
    lines = max(1, math.ceil((spec.shape[0] - 4) / LINE))
    return math.ceil(spec.shape[0] / lines), lines


def drawing_size(spec: DataSpec) -> tuple[int, int]:
    """Width and height of a drawing, in units of its own."""
    columns, lines = lines_of(spec)
    return (100, 60) if spec.voices else (10 * max(columns, 8), HEIGHT * lines)


def symbol_drawing(sample: np.ndarray, spec: DataSpec, theme: Theme) -> str:
    """One sample, indices (steps,) or probabilities (steps, symbols), as SVG."""
    width, height = drawing_size(spec)
    marks = _roll(sample, spec, theme) if spec.voices else _text(sample, spec, theme)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{marks}</svg>'


def _text(sample: np.ndarray, spec: DataSpec, theme: Theme) -> str:
    columns, _ = lines_of(spec)
    marks = []
    for step, (symbol, weight) in enumerate(zip(*map(np.ndarray.tolist, spec.symbols(sample)), strict=True)):
        masked = weight == 0
        written = MASKED if masked else html.escape(spec.vocabulary[symbol])
        if written:
            x, y = 10 * (step % columns) + 5, HEIGHT * (step // columns) + 14
            opacity = 1 if masked else max(FAINT, weight)
            colour = theme.secondary if masked else theme.ink
            marks.append(f'<text x="{x}" y="{y}" fill="{colour}" opacity="{opacity:.2f}">{written}</text>')
    style = "text{font:600 14px ui-monospace,monospace;text-anchor:middle}"
    return f"<style>{style}</style>{''.join(marks)}"


def _roll(sample: np.ndarray, spec: DataSpec, theme: Theme) -> str:
    colours = (theme.mark, theme.accent, theme.colour(4, 8), theme.secondary)
    pitches = [pitch for name in spec.vocabulary if (pitch := pitch_of(name)) is not None]
    low, high = min(pitches) - 1, max(pitches) + 2
    wide, tall = 100 * spec.voices / spec.shape[0], 60 / (high - low)
    return "".join(
        f'<rect x="{note.begin * wide:.2f}" y="{(high - note.pitch - 1) * tall:.2f}" '
        f'width="{(note.end - note.begin) * wide - 0.6:.2f}" height="{2 * tall:.2f}" '
        f'fill="{colours[note.voice % len(colours)]}" opacity="{max(FAINT, note.weight):.2f}"/>'
        for note in notes_of(sample, spec)
    )


def pitch_of(name: str) -> int | None:
    """The MIDI number of a note such as "C#4"; None of a rest."""
    found = re.fullmatch(r"([A-G])(#?)(-?\d+)", name)
    return None if found is None else 12 * (int(found[3]) + 1) + SEMITONES[found[1]] + len(found[2])


def notes_of(sample: np.ndarray, spec: DataSpec) -> list[Note]:
    """The notes of a sample of music; equal ones that follow each other in a voice become one."""
    symbols, weights = (part.reshape(-1, spec.voices) for part in spec.symbols(sample))
    notes = []
    for voice in range(spec.voices):
        begin = 0
        for end in range(1, len(symbols) + 1):
            if end < len(symbols) and symbols[end, voice] == symbols[begin, voice]:
                continue
            pitch = pitch_of(spec.vocabulary[symbols[begin, voice]])
            weight = float(weights[begin:end, voice].mean())
            if pitch is not None and weight > 0:
                notes.append(Note(voice, pitch, begin, end, weight))
            begin = end
    return notes


def sound_of(sample: np.ndarray, spec: DataSpec) -> bytes:
    """A sample of music as the bytes of a WAV file, one channel of 16 bits."""
    total = np.zeros(int(RATE * (STEP * spec.shape[0] / spec.voices + 0.2)))
    for note in notes_of(sample, spec):
        time = np.arange(int(RATE * STEP * (note.end - note.begin))) / RATE
        frequency = 440 * 2 ** ((note.pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * k * frequency * time) / k**2 for k in (1, 3, 5))  # nearly a triangle
        volume = np.minimum(1, np.minimum(time / 0.02, (time[-1] - time) / 0.08))
        start = int(RATE * STEP * note.begin)
        total[start : start + len(time)] += tone * volume
    loudest = max(float(np.abs(total).max()), 1.0)
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes((total / loudest * 28_000).astype("<i2").tobytes())
    return file.getvalue()

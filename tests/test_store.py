"""Files are either old or new, never half, and what cannot be read is refused with a sentence."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from aeexplorer import store
from aeexplorer.store import Damaged, load_arrays, save_arrays


class Failing:
    """An operating system call that fails the n-th time it is made."""

    def __init__(self, call: Callable[..., object], n: int, code: int) -> None:
        self.call, self.left, self.code = call, n, code

    def __call__(self, *arguments: object, **options: object) -> object:
        self.left -= 1
        if self.left == 0:
            raise OSError(self.code, os.strerror(self.code))
        return self.call(*arguments, **options)


class FullDisk:
    """A file that takes the first bytes and no more."""

    def __init__(self, file: object) -> None:
        self.file = file

    def __enter__(self) -> FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()  # type: ignore[attr-defined]

    def write(self, content: bytes) -> None:
        self.file.write(content[:3])  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "status.json"
    store.write_atomic(path, b"old")
    monkeypatch.setattr(os, call, Failing(getattr(os, call), 1, errno.ENOSPC))
    with pytest.raises(OSError, match=r"the disk is full, status\.json could not be saved"):
        store.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["status.json"]


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "status.json"
    store.write_atomic(path, b"old")
    fdopen = os.fdopen
    monkeypatch.setattr(os, "fdopen", lambda *a: FullDisk(fdopen(*a)))
    with pytest.raises(OSError, match="the disk is full"):
        store.write_atomic(path, b"new content")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["status.json"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", Failing(os.replace, 1, errno.EROFS))
    with pytest.raises(OSError, match=f"{tmp_path.name} cannot be written to"):
        store.write_atomic(tmp_path / "x", b"new")


def test_other_errors_are_left_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.write_atomic(tmp_path / "missing" / "x", b"new")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_new_directory_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    n = 2 if call == "replace" else 1
    monkeypatch.setattr(os, call, Failing(getattr(os, call), n, errno.EIO))
    with pytest.raises(OSError), store.new_directory(tmp_path / "run") as folder:
        store.write_json(folder / "spec.json", {})
    assert list(tmp_path.iterdir()) == []


def test_a_new_directory_appears_at_the_end(tmp_path: Path) -> None:
    with store.new_directory(tmp_path / "deep" / "run") as folder:
        (folder / "a").write_text("x")
        assert not (tmp_path / "deep" / "run").exists()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["run"] and (tmp_path / "deep/run/a").exists()


def test_json_round_trip(tmp_path: Path) -> None:
    value = {"title": "β-VAE \u202e", "n": 1.5, "deep": [1, None]}
    store.write_json(tmp_path / "a.json", value)
    assert store.read_json(tmp_path / "a.json") == value


def test_json_never_holds_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "missing"), (b"", "not valid JSON"), (b"{", "not valid JSON"), (b"\xff\xfe", "not valid JSON"),
     (b"[" * 100_000, "not valid JSON"), (b"[1]", "must hold an object, found a list")],
)  # fmt: skip
def test_broken_json_is_damaged(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "spec.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Damaged, match=f"spec.json .*{said}"):
        store.read_json(path)


def test_events_from_where_one_left_off(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert store.read_events(path) == ([], 0)
    store.append_event(path, {"n": 1})
    first, offset = store.read_events(path)
    store.append_event(path, {"n": 2, "text": "two\u2028lines\r\n"}, durable=True)
    second, end = store.read_events(path, offset)
    assert first == [{"n": 1}] and second == [{"n": 2, "text": "two\u2028lines\r\n"}]
    assert store.read_events(path, end) == ([], end) and end == path.stat().st_size


def test_an_unterminated_last_line_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2')
    events, offset = store.read_events(path)
    assert events == [{"n": 1}] and offset == 9
    with open(path, "ab") as file:
        file.write(b"2}\n")
    assert store.read_events(path, offset)[0] == [{"n": 22}]


def test_lines_that_are_no_events_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": {"n": 2}\n\xff\xfe\n[1]\n\n{"n": 3}\n')
    assert store.read_events(path)[0] == [{"n": 1}, {"n": 3}]


def test_tensors_and_arrays_round_trip(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4).T, "step": torch.tensor(2.0), "state": torch.arange(5, dtype=torch.uint8)}
    store.save_tensors(tmp_path / "t", tensors)
    loaded = store.load_tensors(tmp_path / "t")
    assert all(torch.equal(loaded[k], tensors[k]) and loaded[k].dtype == tensors[k].dtype for k in tensors)
    arrays = {"codes": np.arange(6, dtype=np.float16).reshape(2, 3)[:, ::2], "labels": np.array([1, -1], np.int16)}
    store.save_arrays(tmp_path / "a", arrays)
    for name, array in store.load_arrays(tmp_path / "a").items():
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == arrays[name].dtype


class Payload:
    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.sentinel,)


def damaged_files(tmp_path: Path) -> dict[str, bytes | None]:
    store.save_tensors(tmp_path / "good", {"a": torch.zeros(100)})
    good = (tmp_path / "good").read_bytes()
    declared = b'{"a":{"dtype":"F32","shape":[100000000000],"data_offsets":[0,400000000000]}}'
    return {
        "missing": None, "empty": b"", "garbage": b"garbage" * 100, "truncated": good[:-7], "header": good[:20],
        "huge header": (2**60).to_bytes(8, "little") + b"{}", "pickle": pickle.dumps(Payload(tmp_path / "sentinel")),
        "declared": len(declared).to_bytes(8, "little") + declared,
    }  # fmt: skip


@pytest.mark.parametrize("load", [store.load_tensors, store.load_arrays])
@pytest.mark.parametrize(
    "damage", ["missing", "empty", "garbage", "truncated", "header", "huge header", "pickle", "declared"]
)
def test_damaged_tensors_are_refused(tmp_path: Path, load: Callable[[Path], object], damage: str) -> None:
    path = tmp_path / "weights.safetensors"
    content = damaged_files(tmp_path)[damage]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Damaged, match=r"weights\.safetensors .*(missing|not a readable safetensors file)"):
        load(path)
    assert not (tmp_path / "sentinel").exists()


def test_the_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    assert store.home() == home
    monkeypatch.setenv("AEEXPLORER_HOME", "")
    assert store.home().name == "aeexplorer"
    monkeypatch.setenv("AEEXPLORER_HOME", "~/x")
    assert store.home() == Path.home() / "x"


@pytest.mark.parametrize("change", [1, 32, 128])
def test_a_changed_byte_anywhere_in_arrays_is_found(tmp_path: Path, change: int) -> None:
    path = tmp_path / "arrays.safetensors"
    save_arrays(path, {"z": np.arange(12.0).reshape(3, 4)})
    written = path.read_bytes()
    for at in range(len(written)):
        path.write_bytes(written[:at] + bytes([written[at] ^ change]) + written[at + 1 :])
        with pytest.raises(Damaged):
            load_arrays(path)


def test_arrays_of_another_program_have_no_check_sum(tmp_path: Path) -> None:
    path = tmp_path / "arrays.safetensors"
    path.write_bytes(save({"z": np.ones(3)}, {"format": "np"}))
    assert load_arrays(path)["z"].tolist() == [1, 1, 1]

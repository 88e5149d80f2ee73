"""The reader of data that people bring: each file of the messy ones, and the same kinds made here."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from aeexplorer.__main__ import main
from aeexplorer.config import ConfigError
from aeexplorer.data.own import own_data
from aeexplorer.data.reading import Choices, Proposal, Samples, read
from aeexplorer.data.reading.duplicates import fingerprint, near_duplicates

MESSY = Path(os.environ.get("AEEXPLORER_DATA_DIR", Path(__file__).parents[2] / "shared" / "data")) / "messy"
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def messy(name: str) -> Path:
    path = MESSY / name
    if not path.exists():
        pytest.skip(f"{name} is not on this computer")
    return path


def reading(name: str, **choices: object) -> tuple[Proposal, Samples]:
    proposal, samples = read(messy(name), Choices(**choices))
    assert samples is not None, proposal.refusal
    return proposal, samples


def roles(proposal: Proposal) -> dict[str, str]:
    return {column.name: column.role for column in proposal.columns}


def told(proposal: Proposal) -> str:
    return " ".join(proposal.notices)


# messy files, one test each


def test_hotels_have_a_decimal_comma_and_accents() -> None:
    proposal, samples = reading("hotels_decimal_comma_latin1.csv")
    assert (proposal.samples, len(proposal.columns)) == (638, 8)
    assert "read as Windows-1252" in told(proposal) and "decimal comma" in told(proposal)
    assert samples.x[0, samples.features.index("Occupancy rate")] == pytest.approx(0.611553068)
    assert {"Année", "Average Price", "RevPAR"} <= set(samples.features)
    assert "Quartier = Quartier Européen" in samples.features


def test_elections_are_utf_16_and_have_no_number() -> None:
    proposal, samples = read(messy("elections_utf16.txt"))
    assert samples is None and "no numeric column is left to train on" in proposal.refusal
    assert len(proposal.columns) == 11 and "read as UTF-16" in told(proposal)
    empty = next(item["count"] for item in proposal.left_out if item["what"] == "rows")
    assert proposal.samples + empty == 50
    chosen, found = read(
        messy("elections_utf16.txt"), Choices(columns={"Country": "one-hot"}, label="CANDIDATE NAME 2")
    )
    assert found is not None and "Hugo Chávez" in dict(chosen.classes)


def test_payments_have_thousands_a_footer_and_an_identifier() -> None:
    proposal, samples = reading("payments_thousands.csv")
    amounts = samples.x[:, samples.features.index("Amount")]
    assert len(amounts) == 53 and amounts[0] == 43774.58 and amounts[-1] == -25728
    left = {item["what"]: item["why"] for item in proposal.left_out}
    assert "Report created October 10" in left["last line"]
    assert "the same value" in left["Department Family"] and "the same value" in left["Entity"]
    assert "identifier" in left["Transaction No."]


def test_temperatures_have_a_title_and_13_missing_cells() -> None:
    proposal, samples = reading("temperature_header_line_2.csv")
    assert samples.x.shape == (143, 19) and np.isnan(samples.x).sum() == 13
    assert sum(column.missing for column in proposal.columns) == 13
    assert "Land-Ocean: Global Means" in proposal.left_out[0]["why"] and samples.x[0, 1] == -0.18
    assert {"D-N: 2 cells missing.", "Jun: 1 cell missing."} <= set(proposal.notices)


def test_heart_data_miss_numbers_and_have_a_label() -> None:
    proposal, samples = reading("heart (1).data")
    assert (proposal.samples, len(proposal.columns), roles(proposal)["Target"]) == (303, 14, "label")
    missing = np.isnan(samples.x).sum(axis=0)
    assert dict(zip(samples.features, missing.tolist(), strict=True)) | {"NOMV": 4, "Thal": 2} == dict(
        zip(samples.features, missing.tolist(), strict=True)
    )
    assert missing.sum() == 6 and [name for name, _ in proposal.classes] == ["0", "1", "2", "3", "4"]


@pytest.mark.long
def test_a_table_of_9074_columns_may_be_turned() -> None:
    proposal, samples = read(messy("wide_9073_columns.csv"))
    assert (
        samples is None
        and "3 samples are too few" in proposal.refusal
        and "may have to be transposed" in proposal.refusal
    )
    turned, found = reading("wide_9073_columns.csv", turn=True)
    assert found.x.shape == (9073, 3) and turned.samples == 9073


@pytest.mark.long
def test_a_constant_series_has_nothing_to_learn() -> None:
    proposal, samples = read(messy("flatline_constant.csv"))
    assert samples is None and "value, is constant, so there is nothing to learn" in proposal.refusal


def test_columns_of_one_name_are_all_there() -> None:
    proposal, samples = read(messy("duplicate_headers.csv"))
    assert samples is None and "2 samples are too few" in proposal.refusal
    assert [column.name for column in proposal.columns] == ["id", "name", "id.2", "age", "id.3"]
    assert "same name" in told(proposal)


def test_the_sheets_of_a_workbook_are_listed_and_can_be_chosen() -> None:
    proposal, _ = read(messy("sheets_with_index.xlsx"))
    assert proposal.parts == ("Sheet1", "Sheet2", "Sheet3", "Sheet4") and "this one is read" in told(proposal)
    chosen, _ = read(messy("sheets_with_index.xlsx"), Choices(part="Sheet4"))
    assert chosen.samples == 2
    with pytest.raises(ConfigError, match="unknown sheet 'Sheet9'"):
        read(messy("sheets_with_index.xlsx"), Choices(part="Sheet9"))


def in_folder(path: Path, tmp_path: Path, n: int = 14) -> Path:
    """A folder with a messy picture among plain ones."""
    folder = tmp_path / "set"
    folder.mkdir()
    for i in range(n):
        Image.fromarray(np.full((20, 20, 3), 17 * i, np.uint8)).save(folder / f"plain{i}.png")
    (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_a_portrait_is_turned_upright(tmp_path: Path) -> None:
    folder = in_folder(messy("portrait_exif_6.jpg"), tmp_path)
    proposal, samples = read(folder, Choices(size=64, ground="black"))
    assert samples is not None and "turned upright" in told(proposal)
    portrait = samples.x[-1].astype(int)
    assert portrait[:, :8].sum() < 30_000 < portrait[:, 32].sum(), "1200 x 1800: empty at the sides"


def test_a_picture_in_cmyk_is_no_negative(tmp_path: Path) -> None:
    folder = in_folder(messy("cmyk.jpg"), tmp_path)
    _, samples = read(folder, Choices(size=96))
    assert samples is not None
    colours = samples.x[0].reshape(-1, 3).astype(int)
    assert np.median(colours) < 40, "a black ground"
    red = colours[colours[:, 0] > 150]
    assert len(red) and (red[:, 1:].mean() < 100)


def test_a_picture_that_is_cut_off_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    proposal, samples = read(in_folder(messy("truncated.png"), tmp_path))
    assert samples is not None and proposal.samples == 14
    assert proposal.left_out == [{"what": "truncated.png", "why": "it is cut off", "count": 1}]


def test_a_name_that_leads_outside_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "inside" / "dotdot_path.zip"
    path.parent.mkdir()
    path.write_bytes(messy("dotdot_path.zip").read_bytes())
    proposal, samples = read(path)
    assert samples is None and "Dotdot_path.zip holds no pictures." in proposal.notices
    assert proposal.left_out[0] == {"what": "../xt", "why": "its name leads outside of the archive", "count": 1}
    assert main(["data", "add", str(path), "--name", "dots"]) == 2
    assert "../xt (its name leads outside" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["inside"]


def test_objects_in_an_npz_are_refused() -> None:
    with pytest.raises(ConfigError, match="object array, which is a pickle and never loaded"):
        read(messy("pickled_objects.npz"))


# made here: pictures


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(orientation: int, tmp_path: Path) -> None:
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :12], upright[8:, :12], upright[:8, 12:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    undo = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
            5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1), 7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
            8: lambda a: np.rot90(a, -1)}  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    for i in range(14):
        Image.fromarray(np.ascontiguousarray(undo[orientation](upright))).save(tmp_path / f"{i}.png", exif=exif)
    _, samples = read(tmp_path)
    assert samples is not None
    np.testing.assert_array_equal(samples.x[0], upright)


RAMP = np.linspace(0, 255, 16 * 16).reshape(16, 16).astype(np.uint8)
COLOUR = np.stack([RAMP, RAMP.T, 255 - RAMP], axis=2)
MODES: dict[str, Callable[[], Image.Image]] = {
    "1": lambda: Image.fromarray(RAMP > 100),
    "L": lambda: Image.fromarray(RAMP),
    "LA": lambda: Image.fromarray(np.dstack([RAMP, np.full_like(RAMP, 255)]), "LA"),
    "P": lambda: Image.fromarray(COLOUR).quantize(64),
    "RGB": lambda: Image.fromarray(COLOUR),
    "RGBA": lambda: Image.fromarray(np.dstack([COLOUR, np.full_like(RAMP, 255)])),
    "I;16": lambda: Image.fromarray(RAMP.astype(np.uint16) * 257),
}


@pytest.mark.filterwarnings("ignore:.*mode.*:DeprecationWarning")
@pytest.mark.parametrize("mode", MODES)
def test_every_colour_type_of_png_is_read(mode: str, tmp_path: Path) -> None:
    picture = MODES[mode]()
    for i in range(14):
        picture.save(tmp_path / f"{i}.png")
    proposal, samples = read(tmp_path)
    assert samples is not None and proposal.samples == 14
    wanted = {"1": np.where(RAMP > 100, 255, 0), "RGB": COLOUR, "RGBA": COLOUR, "P": COLOUR}.get(mode, RAMP)
    assert samples.x.shape[1:] == wanted.shape
    assert np.abs(samples.x[0].astype(int) - wanted).mean() < (12 if mode == "P" else 1)


def test_transparency_lies_on_the_chosen_ground(tmp_path: Path) -> None:
    for i in range(14):
        Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(tmp_path / f"{i}.png")
    for ground, level in (("white", 255), ("black", 0), ("grey", 128)):
        proposal, samples = read(tmp_path, Choices(ground=ground))
        assert samples is not None and (samples.x == level).all()
        assert any(f.choice == "ground" and f.count == 14 for f in proposal.findings)


def test_moving_pictures_damaged_ones_and_what_macs_add(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "._0.png").write_bytes(b"x")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    random = np.random.default_rng(0)
    for i in range(14):
        frames = [Image.fromarray(random.integers(0, 255, (12, 12, 3), dtype=np.uint8)) for _ in range(3)]
        frames[0].save(tmp_path / "ab"[i % 2] / f"{i}.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "b" / "notes.txt").write_text("hello")
    (tmp_path / "b" / "empty.png").write_bytes(b"")
    proposal, samples = read(tmp_path)
    assert samples is not None and proposal.classes == (("a", 7), ("b", 7))
    assert {item["what"] for item in proposal.left_out} == {"b/notes.txt", "b/empty.png"}
    assert "the first frame is read" in told(proposal)


def test_heic_is_read_where_its_package_is_and_named_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heif = pytest.importorskip("pillow_heif")
    for i in range(14):
        heif.from_pillow(Image.fromarray(np.full((64, 64, 3), 16 * i, np.uint8))).save(tmp_path / f"{i}.heic")
    proposal, samples = read(tmp_path)
    assert samples is not None and proposal.samples == 14
    monkeypatch.setattr("aeexplorer.data.reading.pictures._with_heif", lambda: False)
    without, nothing = read(tmp_path)
    assert nothing is None and "need the package pillow-heif" in without.left_out[0]["why"]


def test_pictures_are_fitted_filled_or_stretched(tmp_path: Path) -> None:
    wide = np.zeros((20, 40, 3), np.uint8)
    wide[:, 10:30] = 255
    for i in range(14):
        Image.fromarray(wide).save(tmp_path / f"{i}.bmp")
    shares = {}
    for fit in ("fit", "fill", "stretch"):
        _, samples = read(tmp_path, Choices(size=20, fit=fit, ground="black"))
        assert samples is not None
        shares[fit] = float(samples.x[0].mean() / 255)
    assert shares["fill"] > 0.95 and shares["stretch"] == pytest.approx(0.5, abs=0.03)
    assert shares["fit"] == pytest.approx(0.25, abs=0.03)


def test_near_duplicates_share_a_group() -> None:
    random = np.random.default_rng(0)
    blurred = [
        np.asarray(Image.fromarray(random.integers(0, 255, (4, 4, 3), dtype=np.uint8)).resize((48, 48)))
        for _ in range(6)
    ]
    again = np.clip(blurred[2].astype(int) + random.integers(-3, 4, (48, 48, 3)), 0, 255).astype(np.uint8)
    groups = near_duplicates([fingerprint(picture) for picture in [*blurred, again]])
    assert groups[2] == groups[6] and len(set(groups.tolist())) == 6


# made here: tables


@FEW
@given(
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    ending=st.sampled_from(["\n", "\r\n"]),
    seed=st.integers(0, 999),
)
def test_a_table_is_read_whatever_its_encoding_dialect_and_decimal_sign(
    encoding: str, delimiter: str, decimal: str, ending: str, seed: int, tmp_path: Path
) -> None:
    random = np.random.default_rng(seed)
    values = np.round(random.normal(0, 50, (20, 3)), 4)
    out = io.StringIO(newline="")
    table = csv.writer(out, delimiter=delimiter, lineterminator=ending)
    table.writerow(["Größe", "weight [kg]", "c", "kind"])
    for i, row in enumerate(values):
        table.writerow([*(f"{value:.4f}".replace(".", decimal) for value in row), "été" if i % 2 else "hiver"])
    content = out.getvalue().encode(encoding)
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    proposal, samples = read(path)
    assert samples is not None, proposal.refusal
    assert samples.features == ("Größe", "weight [kg]", "c")
    np.testing.assert_allclose(samples.x, values)
    assert proposal.classes == (("hiver", 10), ("été", 10)) or proposal.classes == (("hiver", 10), ("été", 10))[::-1]


def written(tmp_path: Path, text: str, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_units_below_the_header_are_kept(tmp_path: Path) -> None:
    rows = "\n".join(f"{i * 0.7:.2f},{i * i % 7}" for i in range(20))
    _, samples = read(written(tmp_path, f"length,mass\nmm,kg\n{rows}\n"))
    assert samples is not None and samples.features == ("length [mm]", "mass [kg]") and len(samples.x) == 20


def test_marks_of_missing_values_are_offered_and_taken_when_chosen(tmp_path: Path) -> None:
    rows = "\n".join(f"{-999 if i == 3 else i * 0.5},{i % 5}.25" for i in range(20))
    path = written(tmp_path, f"a,b\n{rows}\n")
    proposal, samples = read(path)
    assert samples is not None and not np.isnan(samples.x).any()
    assert [(f.what, f.count) for f in proposal.findings if f.choice == "missing"] == [("a", 1)]
    _, chosen = read(path, Choices(missing=("-999",)))
    assert chosen is not None and np.isnan(chosen.x).sum() == 1
    _, fewer = read(path, Choices(missing=("-999",), fill="leave out"))
    assert fewer is not None and len(fewer.x) == 19


def test_roles_of_columns_can_be_chosen(tmp_path: Path) -> None:
    rows = "\n".join(f"{i * 0.5},{'ab'[i % 2]},2020-01-{i + 1:02d},x{i % 3}" for i in range(20))
    path = written(tmp_path, f"a,class,day,city\n{rows}\n")
    proposal, samples = read(path)
    assert samples is not None
    assert roles(proposal) == {"a": "number", "class": "label", "day": "kept", "city": "one-hot"}
    assert [factor.name for factor in samples.factors] == ["day"] and samples.columns is not None
    _, chosen = read(path, Choices(label="city", columns={"class": "one-hot", "day": "leave out"}))
    assert chosen is not None and chosen.features == ("a", "class = a", "class = b")
    with pytest.raises(ConfigError, match="unknown column 'clas', did you mean class"):
        read(path, Choices(label="clas"))
    with pytest.raises(ConfigError, match="column 'day' cannot be number: it can be kept, time, leave out"):
        read(path, Choices(columns={"day": "number"}))


def test_a_long_series_becomes_windows_that_no_gap_crosses(tmp_path: Path) -> None:
    times = [np.datetime64("2024-01-01T00:00") + 5 * i + (600 if i >= 100 else 0) for i in range(200)]
    rows = "\n".join(f"{time},{np.sin(i / 5):.4f},{int(i > 150)}" for i, time in enumerate(times))
    proposal, samples = read(written(tmp_path, f"time,value,anomaly\n{rows}\n"), Choices(window=20, stride=10))
    assert samples is not None and proposal.kind == "sequence" and samples.x.shape == (18, 20)
    assert "1 gap in the time" in told(proposal) and proposal.classes == (("0", 13), ("1", 5))
    table, _ = read(written(tmp_path, f"time,value,anomaly\n{rows}\n"), Choices(kind="vector"))
    assert table.kind == "vector"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,b\n1,2\0\n", "must be text, got a NUL byte in line 2"),
        (b"%PDF-1.4 junk", "must be a picture, CSV, Excel, Parquet or NumPy file"),
        (b"\x80\x04\x95junk", "must be a picture, CSV"),
        (b"PK\x03\x04 cut off", "not a complete zip archive"),
    ],
)
def test_what_is_no_data_is_refused_with_a_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        read(path)


# made here: archives, arrays, workbooks


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def png(i: int = 0) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(i).integers(0, 255, (8, 8), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


def test_an_archive_is_not_trusted(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (marker.write_text, ("ran",))

    files = {f"set/{'ab'[i % 2]}/{i}.png": png(i) for i in range(16)}
    odd = {"../evil.png": png(), "/etc/evil.png": png(), "C:/evil.png": png(), "set/inner.zip": b"PK", "set/p.pkl": pickle.dumps(Payload()),
           "set/zeros.png": bytes(12_000_000)}  # fmt: skip
    path = zipped(tmp_path / "set.zip", files | odd)
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("set/a/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    proposal, samples = read(path)
    assert samples is not None and proposal.samples == 16 and proposal.classes == (("a", 8), ("b", 8))
    left = {item["what"]: item["why"] for item in proposal.left_out}
    assert left.keys() == {*odd, "set/a/link.png"} and left["set/a/link.png"] == "it is a link"
    assert left["set/zeros.png"] == "it unpacks to more than 200 times its size"
    assert not marker.exists() and not (tmp_path.parent / "evil.png").exists()


def test_an_archive_of_too_many_files_or_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "many.zip", {f"{i}.png": png(i) for i in range(30)})
    monkeypatch.setattr("aeexplorer.data.reading.archives.MOST_FILES", 20)
    with pytest.raises(ConfigError, match=r"many\.zip must hold at most 20 files, got 30"):
        read(path)
    monkeypatch.setattr("aeexplorer.data.reading.archives.MOST_FILES", 200)
    monkeypatch.setattr("aeexplorer.data.reading.archives.MOST_UNPACKED_BYTES", 1_000)
    with pytest.raises(ConfigError, match=r"many\.zip must unpack to at most 1,000 bytes"):
        read(path)
    monkeypatch.setattr("aeexplorer.data.reading.archives.MOST_DIRECTORY_BYTES", 1_000)
    with pytest.raises(ConfigError, match="must list its files in at most 1,000 bytes"):
        read(path)


def test_a_picture_of_too_many_pixels_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.data.reading.pictures.MOST_PIXELS", 100)
    for i in range(14):
        (tmp_path / f"{i}.png").write_bytes(png(i))
    Image.new("L", (50, 50)).save(tmp_path / "bomb.png")
    proposal, samples = read(tmp_path)
    assert samples is not None and proposal.samples == 14
    assert proposal.left_out[0]["why"] == "it must have at most 100 pixels, got 50 × 50"


def test_arrays_are_read_by_their_headers(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pictures = random.random((20, 3, 9, 9))
    np.savez(tmp_path / "a.npz", x=pictures, labels=np.arange(20) % 2, classes=np.array(["cat", "dog"]))
    proposal, samples = read(tmp_path / "a.npz")
    assert samples is not None and proposal.shape == (9, 9, 3) and proposal.classes == (("cat", 10), ("dog", 10))
    np.save(tmp_path / "b.npy", random.standard_normal((20, 50, 2)))
    assert read(tmp_path / "b.npy")[0].kind == "sequence"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 100)})
    (tmp_path / "huge.npy").write_bytes(header.getvalue())
    with pytest.raises(ConfigError, match="must hold the 800,000,000,000 bytes that it declares"):
        read(tmp_path / "huge.npy")


def test_parquet_is_a_table(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"a": [i * 0.5 for i in range(20)], "b": [None, *range(19)], "species": ["x", "y"] * 10}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    proposal, samples = read(tmp_path / "t.parquet")
    assert samples is not None and samples.features == ("a", "b") and np.isnan(samples.x).sum() == 1
    assert proposal.classes == (("x", 10), ("y", 10))


# the command line


def test_the_command_adds_lists_exports_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = zipped(tmp_path / "set.zip", {f"set/{'ab'[i % 2]}/{i}.png": png(i) for i in range(20)} | {"set/x.txt": b"x"})
    assert main(["data", "add", str(path), "--name", "mine", "--size", "16", "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {k: said[k] for k in ("name", "kind", "samples", "shape", "classes")} == {
        "name": "own/mine", "kind": "image", "samples": 20, "shape": [16, 16], "classes": ["a", "b"]
    }  # fmt: skip
    assert said["left_out"] == [{"what": "set/x.txt", "why": "it is not a picture", "count": 1}]
    assert main(["data", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["own/mine"]["access"] == "private"
    assert main(["data", "own/mine", "--json"]) == 0 and '"image"' in capsys.readouterr().out
    out = tmp_path / "mine.zip"
    assert main(["data", "export", "mine", "--out", str(out)]) == 0
    assert main(["data", "remove", "mine"]) == 0 and not own_data()
    assert main(["data", "add", str(out)]) == 0 and list(own_data()) == ["own/mine"]
    assert main(["data", "add", str(tmp_path / "nothing.csv"), "--name", "x"]) == 2
    assert "nothing.csv is neither a file nor a folder" in capsys.readouterr().err


def test_another_owner_on_the_command_line_sees_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "a,b\n" + "\n".join(f"{i}.5,{i * i}" for i in range(20)))
    assert main(["data", "add", str(path), "--name", "mine"]) == 0
    monkeypatch.setenv("AEEXPLORER_OWNER", "somebody else's token")
    capsys.readouterr()
    for command in (["own/mine"], ["export", "mine"], ["remove", "mine"], ["share", "mine"]):
        assert main(["data", *command]) == 2
        assert "unknown dataset 'own/mine'" in capsys.readouterr().err
    assert main(["train", "--dataset", "own/mine", "--family", "ae"]) == 2
    assert main(["data", "list", "--json"]) == 0 and json.loads(capsys.readouterr().out) == {}

"""JavaScript modules predict what the model does, or refuse what it refuses: Node runs them."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import FileError, PlanError, TableError
from creche.exporting.javascript import write
from creche.exporting.javascript.write import build_module
from creche.model.calibration import Calibration
from creche.plan.activations import ACTIVATIONS
from tests.models_to_export import (
    CALIBRATIONS,
    FEATURES,
    HEADS,
    LAYERS,
    PREPROCESSINGS,
    ROLES,
    calibrated,
    ensemble,
    fitted,
    fitted_with_intervals,
    is_clear,
    table,
    train,
    with_custom_losses,
)
from tests.unit.cli.commands import main
from tests.unit.exporting.node import run_modules

ROWS = table().with_columns(pl.col("day").dt.to_string("iso"))


def check(models: Sequence[Any], folder: Path, frame: pl.DataFrame = ROWS) -> None:
    """Compare all rows of the table in Node with each model."""
    rows = frame.select(FEATURES).to_dicts()
    paths = [folder / f"m{i}.mjs" for i in range(len(models))]
    for model, path in zip(models, paths, strict=True):
        model.to_javascript(path)
    found = run_modules(folder, dict.fromkeys(paths, rows))
    for model, path in zip(models, paths, strict=True):
        agree(model, found[path])


def agree(model: Any, found: list[dict[str, Any]]) -> None:
    names = [str(outcome).lower() if isinstance(outcome, bool) else str(outcome) for outcome in model.labels.outcomes]
    if model.labels.task == "regression":
        expected = model.predict(table()).reshape(len(found), -1)
        got = [row["prediction"] for row in found]
        values = np.array([[row[name] for name in names] if isinstance(row, dict) else [row] for row in got])
        scale = model.labels.repeat(np.array(model.labels.scale)) if model.labels.scale else 1.0
        assert (np.abs(values - expected) <= 2e-6 * (scale + np.abs(expected))).all()
    else:
        probabilities = model.predict_proba(table())
        values = np.array([[row["probabilities"][name] for name in names] for row in found])
        assert np.abs(values - probabilities).max() < 1e-6
        chosen = [row["label"] for row in found]
        if model.labels.is_multilabel:
            chosen = [[label[name] for name in names] for label in chosen]
        assert chosen == model.predict(table()).tolist()
    if isinstance(model, cr.Ensemble):
        disagreement = np.array([row["disagreement"] for row in found])
        assert np.abs(disagreement - model.disagreement(table())).max() < 1e-5 * max(model.labels.scale or (1,))


def test_every_preprocessing(tmp_path: Path) -> None:
    hashed = [{"max_categories": 4, "infrequent": 1}, {"max_categories": 2, "infrequent": 1, "buckets": 3}]
    check([train(preprocessing=cr.Preprocessing(**p), epochs=1) for p in (*PREPROCESSINGS, *hashed)], tmp_path)


def test_every_activation(tmp_path: Path) -> None:
    models = [train(activation=word, epochs=1) for word in ACTIVATIONS.words]
    check([*models, *(train(activation=word, epochs=1, precision="float64") for word in ("gelu", "mish"))], tmp_path)


def test_every_kind_of_layer(tmp_path: Path) -> None:
    check([train(**arguments) for arguments in LAYERS], tmp_path)


def test_every_head(tmp_path: Path) -> None:
    single = [train(label, **arguments, epochs=1) for label, arguments in HEADS]
    check([*single, *(train(label, **arguments, epochs=1, submodels=2) for label, arguments in HEADS)], tmp_path)


def test_a_custom_loss_is_needed_for_training_only(tmp_path: Path) -> None:
    check(with_custom_losses(), tmp_path)


def test_ensembles_of_every_task(tmp_path: Path) -> None:
    labels: list[Any] = ["amount", ["amount", "second"], ["flag", "other"], "flag"]
    several = [cr.Ensemble([train(label, seed=seed, epochs=1) for seed in range(2)]) for label in labels]
    check([ensemble(), ensemble(temperature=2.0), *several], tmp_path)


def test_every_kind_of_calibration(tmp_path: Path) -> None:
    models = [calibrated(calibration) for calibration in CALIBRATIONS]
    bounded = cr.Ensemble([train("amount", epochs=1)])
    bounded.calibration = Calibration(lowest=(90.0,), highest=(110.0,))
    check([*models, bounded], tmp_path)


def test_thresholds_choose_the_label(tmp_path: Path) -> None:
    model = train("flag", epochs=5)
    likely = float(np.quantile(model.predict_proba(table())[:, 1], 0.8))
    several = train(["flag", "other"]).with_threshold({"flag": 0.2, "other": 0.8})
    check([model.with_threshold(likely), several], tmp_path)


def test_intervals_and_sets_are_those_of_the_model(tmp_path: Path) -> None:
    rows, models = ROWS.select(FEATURES).to_dicts(), fitted_with_intervals()
    paths = [tmp_path / f"m{i}.mjs" for i in range(len(models))]
    for model, path in zip(models, paths, strict=True):
        model.to_javascript(path, interval=0.8)
    found = run_modules(tmp_path, dict.fromkeys(paths, rows))
    for model, path in zip(models, paths, strict=True):
        agree(model, found[path])
        limits, names = model.predict(table(), interval=0.8)[1], model.labels.names
        if model.labels.task == "regression":
            expected = limits.reshape(len(rows), len(names), 2)
            for place, side in enumerate(["low", "high"]):
                got = [row[side] if len(names) > 1 else {names[0]: row[side]} for row in found[path]]
                values = np.array([[row[name] for name in names] for row in got])
                assert np.abs(values - expected[..., place]).max() < 2e-4 * max(model.labels.scale)
            continue
        outcomes = [str(each).lower() if isinstance(each, bool) else str(each) for each in model.labels.outcomes]
        sets = np.array([[row["inSet"][name] for name in outcomes] for row in found[path]])
        assert (sets == limits)[is_clear(model, 0.8)].all()
        assert sets.any(axis=1).all()


def test_a_model_of_an_array_takes_numbers(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    model = cr.train(x, x[:, 0] > 0, epochs=5, threads=1).model
    path = tmp_path / "m.mjs"
    model.to_javascript(path)
    wrong: list[Any] = [[1.0, 2.0], [1.0, None, 2.0], {"x0": 1, "x1": 2}, {"x0": 1, "x1": 2, "x2": 3}]
    found = run_modules(tmp_path, {path: [*x.tolist(), *wrong]})[path]
    expected = model.predict_proba(x)
    for row, p in zip(found, expected, strict=False):
        assert abs(row["probabilities"]["true"] - p[1]) < 1e-6
    assert [row.get("error") for row in found[60:]] == [
        "the row has 2 numbers; the model reads 3", "column 'x1' is null; needs a number",
        "column 'x2' is not in the row; give null for a missing value", None,
    ]  # fmt: skip


CELLS: dict[str, list[Any]] = {
    "price": ["1.234,5 €", "7,25", "€ 8", "1.5", "1234", " 9 ", "-3,5", "NA", "x", "12 $", "1.23", "", "1e2", 12.5, 1],
    "share": ["12 %", "7", "3.5%", "0.2", 0.2, "%", "1,5 %", "n/a"],
    "area": ["1 250", "12 50", "1 234 567", "-5", "+5", "5.", ".5", "inf", "nan", "1_000", -999, "-999", None, 1e300],
    "day": ["3.2.2021", "3/2/2021", "2021-02-03", "30.2.2021", "31.12.1969", "2021-2-3 14:05", "2021-02-03T24:00",
            "2021-02-03T10:20:30.5+02:00", "2021-02-03 10:20Z", "soon", "", 20210203, "20210203", "10:20",
            {"date": "2021-02-03T10:20:30Z"}, "2021/02/03", "03-02-2021", "2021-02-03 25:00", "2021.2.3, 9:15"],
    "code": ["12", 12, 12.0, "12.0", "+12", "012", "1.2e1", "13", None, "NA", "?", True, 1e22, 0.5, "1e-7", 1e-7],
    "sort": ["münster", " münster ", "mu\u0308nster", "Münster", "a\u00a0", "true", True, False, 1, "TRUE", "", "weiß"],
    "yes": ["yes", "No", "TRUE", 1, 0.0, 2, "1.0", "maybe", None, False, "", 0.5],
}  # fmt: skip


def written_table(folder: Path) -> Path:
    """A file in which cells are written as people of Europe do."""
    random = np.random.default_rng(5)
    n = 80
    day = [datetime.date(2021, 1, 1) + datetime.timedelta(int(k)) for k in random.integers(0, 700, n)]
    frame = pl.DataFrame(
        {
            "price": [f"{int(v) // 1000}.{int(v) % 1000:03d},{int(k)} €" for v, k in
                      zip(random.integers(1000, 9999, n), random.integers(0, 9, n), strict=True)],
            "share": [f"{int(v)} %" for v in random.integers(0, 99, n)],
            "area": ["-999" if k % 9 == 0 else f"{int(v) // 1000} {int(v) % 1000:03d}" for k, v in
                     enumerate(random.integers(1000, 9999, n))],
            "day": [f"{d.day}.{d.month}.{d.year}" for d in day],
            "code": [str(int(v)) for v in random.integers(5, 30, n)],
            "sort": [["münster", "weiß", "true", "?"][int(k)] for k in random.integers(0, 4, n)],
            "yes": [["yes", "no", ""][int(k)] for k in random.integers(0, 3, n)],
            "label": [["a", "b"][int(k)] for k in random.integers(0, 2, n)],
        }
    )  # fmt: skip
    path = folder / "rows.csv"
    frame.write_csv(path, separator=";")
    return path


def test_cells_are_read_as_the_training_table_writes_them_or_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = cr.train(
            written_table(tmp_path), label="label", epochs=1, threads=1, hidden=[5],
            schema={"code": "categorical", "area": "numeric"}, read_options=cr.ReadOptions(missing_values=("-999",)),
            preprocessing=cr.Preprocessing(max_categories=3, infrequent=1, buckets=5),
        ).model  # fmt: skip
    assert {kind.role for kind in model.features.columns} == {"numeric", "categorical", "datetime"}
    base = {
        "price": 2000.5,
        "share": "50 %",
        "area": 2000,
        "day": "3.2.2021",
        "code": "12",
        "sort": "weiß",
        "yes": True,
    }
    cells = [(column, cell) for column, values in CELLS.items() for cell in values]
    path = tmp_path / "m.mjs"
    model.to_javascript(path)
    found = run_modules(tmp_path, {path: [{**base, column: cell} for column, cell in cells]})[path]
    read = 0
    for (column, cell), got in zip(cells, found, strict=True):
        expected = predict_one(model, {**base, column: revive(cell)})
        if "error" in got:
            assert got["column"] == column
            # What is written otherwise than in the table may be refused, but is never read as something else.
            assert expected is None or (column, cell) in LEFT_TO_PYTHON, (column, cell, got)
            continue
        assert expected is not None, (column, cell, got)
        assert abs(got["probabilities"]["b"] - expected) < 1e-6, (column, cell)
        read += 1
    assert read > 60


# Cells that only Creche reads: times without a date.
LEFT_TO_PYTHON = {("day", "10:20")}


def revive(cell: Any) -> Any:
    return datetime.datetime.fromisoformat(cell["date"]).replace(tzinfo=None) if isinstance(cell, dict) else cell


def predict_one(model: Any, row: dict[str, Any]) -> float | None:
    """The probability of the second class, None if the model refuses the row."""
    try:
        return float(model.predict_proba(row)[0, 1])
    except TableError:
        return None


def test_refusals_name_the_column_and_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "m.mjs"
    train().to_javascript(path)
    good = ROWS.select(FEATURES).row(0, named=True)
    wrong = [
        {**good, "number": "heavy"}, {**good, "number": "inf"}, {**good, "number": 1e308}, {**good, "day": "tomorrow"},
        {**good, "yes": 2}, {**good, "words": {"a": 1}}, {**good, "skewed": [1]},
        {key: good[key] for key in FEATURES[1:]}, [1.0, 2.0],
    ]  # fmt: skip
    found = run_modules(tmp_path, {path: wrong})[path]
    assert [row["error"] for row in found] == [
        "column 'number' is 'heavy'; needs a number, or null where it is missing",
        "column 'number' is 'inf'; needs a number, or null where it is missing",
        "column 'number' is 1e+308, which is too large for the network",
        "column 'day' is 'tomorrow'; needs a Date, or a date such as 2020-01-31 or 2020-01-31T16:30Z, or null where it "
        "is missing",
        "column 'yes' is 2; needs yes or no (also true, false, 1, 0), or null where it is missing",
        "column 'words' is [object Object]; needs a word, a number, true or false, or null where it is missing",
        "column 'skewed' is 1; needs a number, or null where it is missing",
        "column 'number' is not in the row; give null for a missing value",
        "column 'number' is not in the row; give null for a missing value",
    ]
    assert [row["column"] for row in found[:8]] == ["number"] * 3 + ["day", "yes", "words", "skewed", "number"]


HOSTILE = """
import { predict } from "./m.mjs";
const thrower = { toString() { throw new Error("mine"); } };
const bare = Object.create(null);
const values = [Symbol("s"), bare, thrower, () => 1, new Date(NaN), 10n ** 400n, [], undefined];
const names = ["number", "words", "day", "yes"];
const rows = [...values.flatMap((value) => names.map((name) => ({ ...GOOD, [name]: value })))];
rows.push(Symbol("row"), null, 7, "row", undefined);
const run = (row) => { try { predict(row); return "predicted"; } catch (e) { return [e.name, e.message]; } };
console.log(JSON.stringify(rows.map(run)));
"""


def test_values_that_cannot_be_shown_are_refused_too(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    train(epochs=1).to_javascript(tmp_path / "m.mjs")
    good = json.dumps(ROWS.select(FEATURES).row(0, named=True))
    (tmp_path / "run.mjs").write_text(HOSTILE.replace("GOOD", good))
    done = subprocess.run([node, tmp_path / "run.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # Only a whole number of any size is a word.
    assert [place for place, each in enumerate(found) if each == "predicted"] == [21]
    assert {each[0] for each in found if each != "predicted"} == {"RowError"}
    assert found[4][1] == "column 'number' is of type object; needs a number, or null where it is missing"


def test_words_with_very_many_spaces_take_no_longer_than_others(evaluate: Callable[[str], Any]) -> None:
    """An expression that looks for spaces at the end from each of them would take hours."""
    cells = '["x" + " ".repeat(3e6) + "y", "( ".repeat(1e6) + "7", " ".repeat(3e6) + "7"]'
    read = "(cell, kind) => { try { return readCell({ name: 'c', kind, missing: [], gaps: [], decimal: ',', "
    read += "thousands: ' ', unit: '€', isAccounting: true }, cell); } catch (e) { return e.name; } }"
    found = evaluate(f"{cells}.map((cell) => ['number', 'datetime', 'boolean'].map((kind) => ({read})(cell, kind)))")
    assert found == [["RowError"] * 3, ["RowError"] * 3, [7, "RowError", "RowError"]]


@pytest.fixture
def evaluate() -> Callable[[str], Any]:
    """Evaluate an expression with the inner functions of a module."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    text = re.sub("^export ", "", build_module(train(epochs=1)), flags=re.MULTILINE)

    def run(expression: str) -> Any:
        program = f"{text}\nconsole.log(JSON.stringify({expression}));"
        done = subprocess.run([node, "-e", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_hashes_and_numbers_are_written_as_python_does(evaluate: Callable[[str], Any]) -> None:
    words = ["", "a", "münster", "x" * 127, "y" * 128, "z" * 300]
    numbers = [0.1, 1e-5, 1.5e-7, 123456.75, 1e16, 1.5e300, 2.0**53, 1 / 3, -0.00012345, 5e-324, 12.0]
    found = evaluate(f"[{json.dumps(words)}.map((w) => String(hashWord(w))), {json.dumps(numbers)}.map(writeNumber)]")
    digests = [hashlib.blake2b(word.encode(), digest_size=8).digest() for word in words]
    assert found[0] == [str(int.from_bytes(digest, "little")) for digest in digests]
    assert found[1] == [str(int(n)) if n.is_integer() and abs(n) < 2**53 else repr(n) for n in numbers]


def test_the_module_tells_its_columns_and_needs_nothing(evaluate: Callable[[str], Any]) -> None:
    model = train(epochs=1)
    columns, classes = evaluate("[columns, classes]")
    assert [column["name"] for column in columns] == list(FEATURES)
    assert columns[3] == {"name": "words", "kind": "words", "categories": sorted(columns[3]["categories"])}
    assert classes == ["high", "low", "middle"]
    text = build_module(model)
    assert "import " not in re.sub(r"/\*\*.*?\*/", "", text, flags=re.DOTALL)
    assert not re.search(r"https?://|fetch|require\(|process\.|document", text)
    assert "<" not in text.splitlines()[10][:2000]
    exported = re.findall(r"^export (?:const|class|function) (\w+)", text, flags=re.MULTILINE)
    assert exported == ["RowError", "columns", "classes", "predict"]
    assert build_module(model) == text


def test_names_cannot_break_the_module(tmp_path: Path) -> None:
    names = ["*/ alert(1) /*", "</script>", "__proto__", "con\u2028structor", "toString"]
    random = np.random.default_rng(0)
    frame = pl.DataFrame({name: random.normal(size=40) for name in names} | {"y": ["__proto__", "toString"] * 20})
    model = cr.train(frame, label="y", epochs=1, threads=1).model
    path = tmp_path / "m.mjs"
    model.to_javascript(path)
    assert "</script>" not in path.read_text().replace(" * Predicts", "", 1).split("\n", 2)[2]
    rows = [dict.fromkeys(names, 0.5)]
    found = run_modules(tmp_path, {path: rows})[path]
    expected = model.predict_proba(pl.DataFrame(rows))
    assert abs(found[0]["probabilities"]["toString"] - expected[0, 1]) < 1e-6


def test_a_large_model_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(write, "MOST_PARAMETERS", 100)
    with pytest.raises(
        PlanError, match=r"the model has \d+ parameters, and a JavaScript module holds at most 100; exp"
    ):
        train().to_javascript(tmp_path / "m.js")
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"is the name of a table \(\.csv\); a JavaScript module ends in \.js"):
        train().to_javascript(tmp_path / "m.csv")


def test_columns_that_networks_read_differently_are_refused(tmp_path: Path) -> None:
    mixed = cr.Ensemble([train(), train(schema={**ROLES, "code": "numeric"})])
    with pytest.raises(PlanError, match="column 'code': some networks take it as numbers and others as words"):
        mixed.to_javascript(tmp_path / "m.js")


def test_the_command_writes_what_the_ending_says(tmp_path: Path) -> None:
    model = train()
    model.save(tmp_path / "m.creche")
    assert main(["export", str(tmp_path / "m.creche"), str(tmp_path / "m.mjs")]) == 0
    assert (tmp_path / "m.mjs").read_text() == build_module(model)
    fitted("class").save(tmp_path / "f.creche")
    assert main(["export", str(tmp_path / "f.creche"), str(tmp_path / "f.js"), "--interval", "0.8"]) == 0
    assert (tmp_path / "f.js").read_text() == build_module(fitted("class"), 0.8)


def test_options_of_onnx_are_refused_for_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train().save(tmp_path / "m.creche")
    assert main(["export", str(tmp_path / "m.creche"), str(tmp_path / "m.js"), "--tolerance", "1e-3"]) == 2
    assert capsys.readouterr().err == "creche: --tolerance: a JavaScript module has no such option; leave it out\n"
    assert [path.name for path in tmp_path.iterdir()] == ["m.creche"]

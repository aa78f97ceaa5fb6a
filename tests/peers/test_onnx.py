"""ONNX files predict what the model does: in ONNX Runtime, and in the evaluator of the package onnx."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import CrecheError, PlanError
from creche.exporting.onnx.features import add_features, add_raw_columns, input_names
from creche.exporting.onnx.feeds import build_feeds, make_sample_rows, read_rows
from creche.exporting.onnx.graph import Graph
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
    table,
    train,
    with_custom_losses,
)

pytestmark = pytest.mark.peers

Run = Callable[[Mapping[str, Any]], dict[str, Any]]


@pytest.fixture(autouse=True)
def needs_onnx() -> None:
    pytest.importorskip("onnxruntime", reason="needs onnx and onnxruntime: pip install '.[peers]'")


def open_file(path: Path) -> Run:
    from onnxruntime import InferenceSession

    session = InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, dict(feeds)), strict=True))


def feeds_of(frame: pl.DataFrame) -> dict[str, Any]:
    """What a program without Creche makes of the rows."""
    feeds: dict[str, Any] = {}
    for name in FEATURES:
        series = frame[name]
        if series.dtype == pl.String:
            values: Any = np.array(series.fill_null("").to_list(), dtype=object)
        elif isinstance(series.dtype, pl.Datetime):
            values = series.to_numpy().astype("datetime64[us]").astype(np.int64)
        else:
            values = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        feeds[name] = values[:, None]
    return feeds


def agree(model: Any, path: Path, frame: pl.DataFrame | None = None, **more: Any) -> dict[str, Any]:
    """Export, and compare all rows of the table in ONNX Runtime with the model."""
    frame = table() if frame is None else frame
    model.to_onnx(path, **more)
    found = open_file(path)(feeds_of(frame))
    if "prediction" in found:
        expected = model.predict(frame).reshape(len(frame), -1)
        scale = model.labels.repeat(np.array(model.labels.scale))
        assert (np.abs(found["prediction"] - expected) <= 1e-5 * (scale + np.abs(expected - 100))).all()
        return found
    expected = model.predict_proba(frame)
    assert np.abs(found["probabilities"] - expected).max() < 1e-6
    best = np.sort(expected, axis=1)
    is_clear = best[:, -1] - best[:, -2] > 1e-6
    if not model.labels.is_multilabel:
        assert (found["label"] == model.predict(frame))[is_clear].all()
    return found


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("preprocessing", PREPROCESSINGS, ids=str)
def test_encoded_inputs_have_the_bits_of_ours(preprocessing: dict[str, Any], precision: str, tmp_path: Path) -> None:
    model = train(preprocessing=cr.Preprocessing(**preprocessing), epochs=1, precision=precision)
    graph = Graph(input_names(model.features))
    encoded = add_features(graph, add_raw_columns(graph, [model.features]), model.features, precision)
    graph.add_output(encoded, "inputs", "float" if precision == "float32" else "double", [model.features.width], "")
    path = tmp_path / "m.onnx"
    path.write_bytes(graph.serialize("", "", {}))
    run = open_file(path)
    assert run(feeds_of(table()))["inputs"].tobytes() == model.encode_rows(table()).tobytes()
    sample = make_sample_rows(model)
    assert run(build_feeds(model, sample))["inputs"].tobytes() == model.encode_rows(sample).tobytes()


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS.words)
def test_every_activation(activation: str, precision: str, tmp_path: Path) -> None:
    agree(train(activation=activation, precision=precision), tmp_path / "m.onnx")


@pytest.mark.parametrize("arguments", LAYERS, ids=str)
def test_every_kind_of_layer(arguments: dict[str, Any], tmp_path: Path) -> None:
    agree(train(**arguments), tmp_path / "m.onnx")


@pytest.mark.parametrize("submodels", [1, 2])
@pytest.mark.parametrize(("label", "arguments"), HEADS, ids=str)
def test_every_head(label: Any, arguments: dict[str, Any], submodels: int, tmp_path: Path) -> None:
    features = {"schema": {**ROLES}}
    agree(train(label, **features, **arguments, submodels=submodels), tmp_path / "m.onnx")


def test_a_custom_loss_is_needed_for_training_only(tmp_path: Path) -> None:
    for model in with_custom_losses():
        agree(model, tmp_path / "m.onnx")


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_ensembles_tell_how_much_their_networks_disagree(temperature: float, tmp_path: Path) -> None:
    model = ensemble(temperature=temperature)
    found = agree(model, tmp_path / "m.onnx")
    assert np.abs(found["disagreement"] - model.disagreement(table())).max() < 1e-6


@pytest.mark.parametrize("label", ["amount", ["amount", "second"], ["flag", "other"], "flag"], ids=str)
def test_ensembles_of_every_task(label: Any, tmp_path: Path) -> None:
    model = cr.Ensemble([train(label, seed=seed) for seed in range(3)])
    found = agree(model, tmp_path / "m.onnx")
    assert np.abs(found["disagreement"] - model.disagreement(table())).max() < 1e-5


@pytest.mark.parametrize("label", ["class", "flag", "amount"])
def test_fitted_models_with_their_calibration_and_intervals(label: str, tmp_path: Path) -> None:
    model = fitted(label)
    found = agree(model, tmp_path / "m.onnx", interval=0.8)
    expected = model.predict(table(), interval=0.8)[1]
    if label == "amount":
        limits = np.hstack([found["low"], found["high"]])
        assert np.abs(limits - expected).max() < 1e-4 * model.labels.scale[0]
    else:
        assert (found["in_set"] != expected).mean() < 0.01


@pytest.mark.parametrize("calibration", CALIBRATIONS, ids=str)
def test_every_kind_of_calibration(calibration: dict[str, Any], tmp_path: Path) -> None:
    agree(calibrated(calibration), tmp_path / "m.onnx")


def test_thresholds_choose_the_label(tmp_path: Path) -> None:
    model = train("flag", epochs=20)
    likely = float(np.quantile(model.predict_proba(table())[:, 1], 0.8))
    found = agree(model.with_threshold(likely), tmp_path / "m.onnx")
    assert 0 < found["label"].sum() < agree(model, tmp_path / "m.onnx")["label"].sum()
    several = train(["flag", "other"]).with_threshold({"flag": 0.2, "other": 0.8})
    found = agree(several, tmp_path / "m.onnx")
    assert (found["label"] == several.predict(table())).all()


def test_a_model_of_an_array_has_one_input(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(100, 4))
    model = cr.train(x, x[:, 0] > 0, epochs=5, threads=1).model
    model.to_onnx(tmp_path / "m.onnx", check=x)
    found = open_file(tmp_path / "m.onnx")({"X": x})
    assert np.abs(found["probabilities"] - model.predict_proba(x)).max() < 1e-6
    assert found["label"].tolist() == model.predict(x).tolist()


def test_the_evaluator_of_onnx_agrees_without_a_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for model in (ensemble(), train("amount"), train(number_embedding="periodic", category_embedding=2)):
        model.to_onnx(tmp_path / "m.onnx")


def test_versions_and_metadata_are_those_promised(tmp_path: Path) -> None:
    import json

    import onnx

    model = train()
    model.to_onnx(tmp_path / "m.onnx")
    model.save(tmp_path / "m.creche")
    loaded = onnx.load(tmp_path / "m.onnx")
    assert (loaded.ir_version, [(o.domain, o.version) for o in loaded.opset_import]) == (
        8,
        [("", 18), ("ai.onnx.ml", 3)],
    )
    facts = {entry.key: entry.value for entry in loaded.metadata_props}
    assert json.loads(facts["creche.classes"]) == ["high", "low", "middle"]
    assert json.loads(facts["creche.label"]) == ["class"]
    assert [column["name"] for column in json.loads(facts["creche.columns"])] == list(FEATURES)
    assert facts["creche.model"].encode() in (tmp_path / "m.creche").read_bytes()
    assert [each.name for each in loaded.graph.output] == ["label", "probabilities"]
    first = (tmp_path / "m.onnx").read_bytes()
    model.to_onnx(tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == first


def test_what_runtimes_make_of_missing_cells_is_missing(tmp_path: Path) -> None:
    """ONNX Runtime writes None as 'None' and NaN as 'nan'; both are words for missing values in files of text."""
    csv = tmp_path / "rows.csv"
    table().select(*FEATURES, "class").write_csv(csv)
    model = cr.train(csv, label="class", epochs=2, threads=1, schema=ROLES).model
    model.to_onnx(tmp_path / "m.onnx", check=csv)
    run, feeds = open_file(tmp_path / "m.onnx"), feeds_of(table().head(1))
    feeds["words"] = np.array([[""]], dtype=object)
    expected = run(feeds)["probabilities"]
    for cell in (None, float("nan"), "NA", "n/a", "<NA>", "null"):
        feeds["words"] = np.array([[cell]], dtype=object)
        assert (run(feeds)["probabilities"] == expected).all(), cell
    feeds["words"] = np.array([["south"]], dtype=object)
    assert (run(feeds)["probabilities"] != expected).any()


def test_other_spellings_of_numbers_are_the_same_category(tmp_path: Path) -> None:
    model = train()
    model.to_onnx(tmp_path / "m.onnx")
    run = open_file(tmp_path / "m.onnx")
    feeds = feeds_of(table().head(20))
    expected = run(feeds)["probabilities"]
    feeds["code"] = np.array([[f"{code}.0"] for code in feeds["code"][:, 0]], dtype=object)
    assert (run(feeds)["probabilities"] == expected).all()


def test_a_word_with_a_space_before_it_is_unseen(tmp_path: Path) -> None:
    """No operator trims words: docs/export.md tells so."""
    model = train(epochs=20)
    model.to_onnx(tmp_path / "m.onnx")
    run, rows = open_file(tmp_path / "m.onnx"), table().head(1)
    feeds = feeds_of(rows)
    feeds["words"] = np.array([[" south"]], dtype=object)
    unseen = rows.with_columns(pl.lit("a word of no training row").alias("words"))
    assert np.abs(run(feeds)["probabilities"] - model.predict_proba(unseen)).max() < 1e-6


def test_an_infinite_number_is_not_refused(tmp_path: Path) -> None:
    model = train(preprocessing=cr.Preprocessing(scaling="standard"))
    model.to_onnx(tmp_path / "m.onnx")
    feeds = feeds_of(table().head(1))
    feeds["number"] = np.array([[np.inf]])
    assert "label" in open_file(tmp_path / "m.onnx")(feeds)


def test_numbers_that_mean_missing_are_missing(tmp_path: Path) -> None:
    csv = tmp_path / "rows.csv"
    frame = table().select(*FEATURES, "class").with_columns(pl.col("number").fill_null(-999))
    frame.write_csv(csv)
    options = cr.ReadOptions(missing_values=["-999.0"])
    model = cr.train(csv, label="class", epochs=2, threads=1, schema=ROLES, read_options=options).model
    model.to_onnx(tmp_path / "m.onnx")
    run = open_file(tmp_path / "m.onnx")
    assert (run(feeds_of(frame))["probabilities"] == run(feeds_of(table()))["probabilities"]).all()


def test_whole_numbers_must_be_cast(tmp_path: Path) -> None:
    model = train()
    model.to_onnx(tmp_path / "m.onnx")
    feeds = feeds_of(table())
    feeds["count"] = feeds["count"].astype(np.int64)
    with pytest.raises(Exception, match="Unexpected input data type"):
        open_file(tmp_path / "m.onnx")(feeds)


def test_columns_with_the_names_of_outputs(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    rows = {name: random.normal(size=40) for name in ("label", "probabilities", "creche/1")}
    model = cr.train(pl.DataFrame({**rows, "what": ["a", "b"] * 20}), label="what", epochs=2, threads=1).model
    model.to_onnx(tmp_path / "m.onnx")
    feeds = {name: values[:, None] for name, values in rows.items()}
    assert set(open_file(tmp_path / "m.onnx")(feeds)) == {"predicted_label", "predicted_probabilities"}


def test_hashed_categories_need_rows_that_have_them(tmp_path: Path) -> None:
    model = train(preprocessing=cr.Preprocessing(max_categories=4, infrequent=1))
    with pytest.raises(PlanError, match=r"column 'code': its rare categories share 16 inputs.*max_categories"):
        model.to_onnx(tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []
    agree(model, tmp_path / "m.onnx", check=table())


def test_a_graph_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.onnx").write_bytes(b"of before")
    model = train()
    monkeypatch.setattr("creche.exporting.onnx.network.VARIANCE_EPSILON", 0.5)
    for normalization in ("layer", "batch"):
        with pytest.raises(CrecheError, match=r"differs from the model: in row 1, probabilities is .* instead of"):
            train(normalization=normalization).to_onnx(tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == b"of before"
    model.to_onnx(tmp_path / "m.onnx")


def test_rows_that_the_model_refuses_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CrecheError, match="number"):
        train().to_onnx(tmp_path / "m.onnx", check=table().with_columns(number=pl.lit("heavy")))
    with pytest.raises(PlanError, match=r"interval: got 0\.9 for a model that"):
        train().to_onnx(tmp_path / "m.onnx", interval=0.9)
    with pytest.raises(PlanError, match="tolerance: got 0; needs"):
        train().to_onnx(tmp_path / "m.onnx", tolerance=0)


def test_random_models(tmp_path: Path) -> None:
    """All at once: the choices of each test above, drawn together."""
    random = np.random.default_rng(11)

    def pick(*choices: Any) -> Any:
        return choices[int(random.integers(len(choices)))]

    for _ in range(25):
        arguments = {
            "preprocessing": cr.Preprocessing(**pick(*PREPROCESSINGS)), "activation": pick(*ACTIVATIONS.words),
            "precision": pick("float32", "float64"), "submodels": pick(1, 1, 2), "scale_inputs": pick(True, False),
            "parametric_activation": pick(True, False), "normalization": pick("none", "layer"),
            "number_embedding": pick(None, None, "periodic", "linear"), "category_embedding": pick(None, 2),
            "hidden": pick([5], [6, 6], [3, 4, 4]), "seed": int(random.integers(100)), "epochs": 1,
        }  # fmt: skip
        agree(train(pick("class", "flag", "amount", ["flag", "other"]), **arguments), tmp_path / "m.onnx")


def test_rows_of_a_file_are_read_as_for_predictions() -> None:
    model = train()
    rows = read_rows(model, table().head(3))
    assert build_feeds(model, rows)["words"][:, 0].tolist() == table()["words"].head(3).fill_null("").to_list()


def test_the_page_of_the_documentation_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.test_documentation import test_the_commands_run, test_the_python_code_runs_and_prints_what_is_shown

    monkeypatch.chdir(tmp_path)
    test_the_python_code_runs_and_prints_what_is_shown("export.md", tmp_path)
    test_the_commands_run("export.md", monkeypatch)

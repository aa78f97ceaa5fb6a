"""Fitted models: their predictions from their parts, their intervals, and their files."""

from __future__ import annotations

import pickle
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import creche as cr
from tests.unit._system.forge import sealed
from tests.unit._system.mutations import in_parts
from tests.unit.fitting.small_fits import make_tiny, weights_of
from tests.unit.small_runs import line, two_classes

X, Y = two_classes(rows=60, columns=2)
XN, YN = line(rows=60)


@pytest.fixture(scope="module")
def classifier() -> cr.FittedModel:
    with pytest.MonkeyPatch.context() as patch:
        make_tiny(patch)
        return cr.fit(X, np.where(Y == 1, "yes", "no"), metric="f1", effort="fast", threads=1)


@pytest.fixture(scope="module")
def regressor() -> cr.FittedModel:
    with pytest.MonkeyPatch.context() as patch:
        make_tiny(patch)
        return cr.fit(XN, YN, effort="fast", threads=1)


@pytest.fixture(scope="module")
def file(classifier: cr.FittedModel, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("fitted") / "model.creche"
    classifier.save(path)
    return path.read_bytes()


def load(content: bytes, folder: Path) -> Any:
    (folder / "model.creche").write_bytes(content)
    return cr.load(folder / "model.creche")


def test_predictions_are_the_calibrated_mean_of_its_networks(
    classifier: cr.FittedModel, regressor: cr.FittedModel
) -> None:
    mean = np.tensordot(classifier.shares, [model.predict_proba(X) for model in classifier.models], axes=1)
    np.testing.assert_allclose(classifier.predict_proba(X), classifier.calibration.apply(mean), rtol=1e-6)
    mean = np.tensordot(regressor.shares, [model.predict(XN) for model in regressor.models], axes=1)
    np.testing.assert_allclose(regressor.predict(XN), np.clip(mean, YN.min(), YN.max()), rtol=1e-6)
    assert regressor.shares.sum() == pytest.approx(1)


def test_intervals_and_sets_grow_with_the_coverage(classifier: cr.FittedModel, regressor: cr.FittedModel) -> None:
    coverages = [0.1, 0.5, 0.9, 0.98]
    widths = [float(np.ptp(regressor.predict(XN, interval=c)[1], axis=1).max()) for c in coverages]
    assert widths == sorted(widths)
    assert widths[0] > 0
    sizes = [int(classifier.predict(X, interval=c)[1].sum()) for c in coverages]
    assert sizes == sorted(sizes)
    assert sizes[0] >= len(X)


def test_the_score_of_a_coverage_is_its_rank_among_the_rows(regressor: cr.FittedModel) -> None:
    scores = regressor.scores
    assert len(scores) == 60
    for coverage in (0.05, 0.5, 0.9, 60 / 61):
        rank = int(np.ceil(61 * coverage - 1e-9))
        assert regressor.conformal_scores(coverage).tolist() == [scores[rank - 1]]


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 1.5, True, "0.9", float("nan")])
def test_a_coverage_that_is_none_is_refused(regressor: cr.FittedModel, coverage: Any) -> None:
    with pytest.raises(cr.PlanError, match=r"needs a coverage above 0 and below 1, such as 0\.9"):
        regressor.predict(XN, interval=coverage)


def test_a_coverage_beyond_what_the_rows_tell_is_refused(regressor: cr.FittedModel) -> None:
    with pytest.raises(cr.PlanError, match=r"got 0.99, but 60 out-of-fold predictions tell of at most 0\.984"):
        regressor.predict(XN, interval=0.99)


@pytest.mark.parametrize("which", ["classifier", "regressor"])
def test_a_model_survives_a_file_and_pickle(
    which: str, classifier: cr.FittedModel, regressor: cr.FittedModel, tmp_path: Path
) -> None:
    model, x = (classifier, X) if which == "classifier" else (regressor, XN)
    model.save(tmp_path / "m.creche")
    for again in (cr.load(tmp_path / "m.creche", threads=2), pickle.loads(pickle.dumps(model))):
        assert isinstance(again, cr.FittedModel)
        assert weights_of(again) == weights_of(model)
        assert again.record == model.record
        assert again.threshold == model.threshold
        predicted, certain = again.predict(x, interval=0.9)
        expected, expected_certain = model.predict(x, interval=0.9)
        np.testing.assert_array_equal(predicted, expected)
        np.testing.assert_array_equal(certain, expected_certain)
        assert again.find_training_rows(x) is not None
        assert again.provenance is not None
        assert again.provenance.to_dict() == model.provenance.to_dict()  # type: ignore[union-attr]
    again = cr.load(tmp_path / "m.creche")
    again.save(tmp_path / "n.creche")
    assert (tmp_path / "m.creche").read_bytes() == (tmp_path / "n.creche").read_bytes()


def test_another_number_of_threads_keeps_everything(classifier: cr.FittedModel) -> None:
    other = classifier.with_threads(2)
    assert weights_of(other) == weights_of(classifier)
    assert (other.record, other.threshold) == (classifier.record, classifier.threshold)
    np.testing.assert_array_equal(other.predict_proba(X), classifier.predict_proba(X))


def test_the_table_of_what_was_tried(classifier: cr.FittedModel) -> None:
    table = classifier.record.table()
    assert table["f1"].to_list() == sorted(table["f1"], reverse=True)
    assert table["weight"].sum() == pytest.approx(1)
    assert dict(table.select("name", "hidden").iter_rows()) == {"small": "8", "linear": ""}


def test_what_it_is_called(classifier: cr.FittedModel, regressor: cr.FittedModel) -> None:
    for model, score in ((classifier, "F1 0."), (regressor, "root mean squared error ")):
        kept = len(model) // model.record.folds
        configurations = f"{kept} configuration{'s' if kept > 1 else ''}"
        assert repr(model).startswith(f"FittedModel({len(model)} networks of {configurations}; y; {score}")
        assert repr(model).endswith(" out of fold)")


DAMAGE: list[tuple[str, Any]] = [
    ("labels", None),
    ("labels", []),
    ("calibration", {}),
    ("record", None),
    ("record", {"effort": "best"}),
    ("threshold", 2.0),
    ("threshold", "0.5"),
    ("threshold", 1),
    ("training", []),
]


@pytest.mark.parametrize(("part", "value"), DAMAGE)
def test_parts_that_are_not_what_they_should_be_are_refused(file: bytes, tmp_path: Path, part: str, value: Any) -> None:
    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        envelope["header"]["fit"][part] = value
        return data

    with pytest.raises(cr.FileError, match="contradicts itself"):
        load(in_parts(file, change), tmp_path)


@pytest.mark.parametrize("part", ["labels", "calibration", "record", "threshold"])
def test_a_part_that_is_missing_is_refused(file: bytes, tmp_path: Path, part: str) -> None:
    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        del envelope["header"]["fit"][part]
        return data

    with pytest.raises(cr.FileError, match="does not describe how it was fitted"):
        load(in_parts(file, change), tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rounds", []),
        ("rounds", [{"first": 0}]),
        ("tried", {}),
        ("effort", 3),
        ("effort", "more"),
        ("tried", [{"number": 0}]),
        ("judged_rows", 0),
        ("judged_rows", -3),
        ("importance", {"a": "b"}),
        ("seconds", None),
        ("folds", True),
        ("time_limit", "60"),
    ],
)
def test_a_record_that_is_not_what_it_should_be_is_refused(file: bytes, tmp_path: Path, field: str, value: Any) -> None:
    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        envelope["header"]["fit"]["record"][field] = value
        return data

    with pytest.raises(cr.FileError, match="contradicts itself"):
        load(in_parts(file, change), tmp_path)


def test_a_flip_of_a_byte_with_a_right_digest_is_refused_or_harmless(file: bytes, tmp_path: Path) -> None:
    from creche.pages.fit import fitted_data, fitted_page

    random = Random(0)
    for _ in range(60):
        changed = bytearray(file)
        changed[random.randrange(len(file))] ^= random.randrange(1, 256)
        try:
            model = load(sealed(bytes(changed)), tmp_path)
        except cr.FileError:
            continue
        try:
            model.predict(X)
        except cr.CrecheError:
            continue
        fitted_page(model)
        fitted_data(model)

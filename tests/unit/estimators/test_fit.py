from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, r2_score

import creche as cr
from creche.estimators import DNNClassifier, DNNRegressor
from tests.unit.estimators.small_tables import QUICK, a_number, same_weights, three_classes


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_fit_gives_the_weights_of_train(kind: Any) -> None:
    x, y = three_classes() if kind is DNNClassifier else a_number()
    task = "classification" if kind is DNNClassifier else "regression"
    fitted = kind([6, 5], activation="tanh", optimizer="nadam", epochs=5, dropout=0.1, random_state=3).fit(x, y)
    run = cr.train(
        x, y, hidden=[6, 5], activation="tanh", optimizer="nadam", epochs=5, dropout=0.1, seed=3, task=task,
        precision="float64", validation_fraction=0,
    )  # fmt: skip
    for (weights, bias), coefs, intercepts in zip(run.model.weights, fitted.coefs_, fitted.intercepts_, strict=True):
        np.testing.assert_array_equal(weights, coefs)
        np.testing.assert_array_equal(bias, intercepts)
    np.testing.assert_array_equal(fitted.predict(x), run.model.predict(x))
    assert fitted.loss_curve_ == run.history.train_loss.tolist()
    assert fitted.loss_ == run.history.train_loss[-1]
    assert fitted.n_iter_ == 5


def test_the_score_is_high() -> None:
    x, y = three_classes(300)
    classifier = DNNClassifier(random_state=0, threads=1).fit(x[:200], y[:200])
    assert classifier.score(x[200:], y[200:]) == accuracy_score(y[200:], classifier.predict(x[200:])) > 0.8
    x, numbers = a_number(300)
    regressor = DNNRegressor(random_state=0, threads=1).fit(x[:200], numbers[:200])
    assert regressor.score(x[200:], numbers[200:]) == r2_score(numbers[200:], regressor.predict(x[200:])) > 0.6


def test_an_int_gives_the_same_weights_again_and_none_others() -> None:
    x, y = three_classes()
    assert same_weights(DNNClassifier(**QUICK).fit(x, y), DNNClassifier(**QUICK).fit(x, y))
    assert not same_weights(DNNClassifier(**QUICK).fit(x, y), DNNClassifier(**QUICK | {"random_state": 1}).fit(x, y))
    fresh = DNNClassifier(**QUICK | {"random_state": None})
    first = fresh.fit(x, y).coefs_[0].copy()
    assert not np.array_equal(first, fresh.fit(x, y).coefs_[0])


def test_a_random_state_continues_from_fit_to_fit() -> None:
    x, y = three_classes()
    twice = [DNNClassifier(**QUICK | {"random_state": np.random.RandomState(5)}) for _ in range(2)]
    first = [network.fit(x, y).coefs_[0].tobytes() for network in twice]
    second = [network.fit(x, y).coefs_[0].tobytes() for network in twice]
    assert first[0] == first[1]
    assert second[0] == second[1] != first[0]


@pytest.mark.parametrize(
    "names",
    [
        np.array(["adelie", "chinstrap", "gentoo"]),
        np.array(["adelie", "chinstrap", "gentoo"], dtype=object),
        np.array([10, 20, 30], dtype=np.int16),
        np.array([-1.0, 0.0, 5.0]),
    ],
    ids=["str", "object", "int16", "float"],
)
def test_predictions_have_the_type_of_the_labels(names: Any) -> None:
    x, numbers = three_classes()
    y = names[numbers]
    fitted = DNNClassifier(**QUICK).fit(x, y)
    np.testing.assert_array_equal(fitted.classes_, names)
    assert fitted.classes_.dtype == y.dtype
    predicted = fitted.predict(x)
    assert predicted.dtype == y.dtype
    np.testing.assert_array_equal(predicted, names[fitted.predict_proba(x).argmax(axis=1)])


def test_boolean_labels() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, y > 0)
    assert fitted.classes_.tolist() == [False, True]
    assert fitted.predict(x).dtype == np.bool_
    one_output = DNNClassifier(**QUICK, loss="binary_cross_entropy").fit(x, y > 0)
    assert one_output.coefs_[-1].shape == (8, 1)
    np.testing.assert_allclose(one_output.predict_proba(x).sum(axis=1), 1)


def test_logarithms_of_probabilities() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, y)
    np.testing.assert_array_equal(fitted.predict_log_proba(x), np.log(fitted.predict_proba(x)))
    sure = DNNClassifier((), epochs=30, learning_rate=10.0, precision="float32", standardize=False, threads=1)
    assert np.isneginf(sure.fit(x * 1e4, y).predict_log_proba(x * 1e4)).any()


@pytest.mark.parametrize(
    ("dtype", "asked", "got"),
    [
        (np.float64, None, "float64"),
        (np.float32, None, "float32"),
        (np.int64, None, "float64"),
        (np.float64, "float32", "float32"),
    ],
)
def test_precision_is_that_of_the_rows(dtype: Any, asked: str | None, got: str) -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK, precision=asked).fit((10 * x).astype(dtype), y)
    assert {array.dtype.name for array in fitted.coefs_ + fitted.intercepts_} == {got}
    assert fitted.predict_proba((10 * x).astype(dtype)).dtype == got


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_a_row_of_weight_0_is_left_out(kind: Any) -> None:
    x, y = three_classes() if kind is DNNClassifier else a_number()
    weights = np.random.default_rng(0).integers(0, 3, len(x)) / 2
    some = weights > 0
    weighted = kind(**QUICK, batch_size=7).fit(x, y, sample_weight=weights)
    assert same_weights(weighted, kind(**QUICK, batch_size=7).fit(x[some], y[some], sample_weight=weights[some]))


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_in_one_batch_a_row_of_weight_2_is_two_rows(kind: Any) -> None:
    x, y = three_classes(60) if kind is DNNClassifier else a_number(60)
    counts = np.random.default_rng(1).integers(0, 4, len(x))
    kwargs = {**QUICK, "epochs": 30, "batch_size": 1000}
    weighted = kind(**kwargs).fit(x, y, sample_weight=counts)
    repeated = kind(**kwargs).fit(np.repeat(x, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=1e-9)


def test_a_class_whose_rows_all_have_weight_0_is_left_out() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, y, sample_weight=(y != 1) * 1.0)
    assert fitted.classes_.tolist() == [0, 2]


def test_class_weights() -> None:
    x, y = three_classes()
    by_class = DNNClassifier(**QUICK, class_weight={0: 1.0, 1: 5.0, 2: 2.0}).fit(x, y)
    shares = np.bincount(by_class.predict(x), minlength=3) / len(x)
    assert shares[1] > np.bincount(DNNClassifier(**QUICK).fit(x, y).predict(x), minlength=3)[1] / len(x)
    counts = np.bincount(y)
    balanced = DNNClassifier(**QUICK, class_weight="balanced").fit(x, y)
    explicit = {c: len(y) / (3 * counts[c]) for c in range(3)}
    assert same_weights(balanced, DNNClassifier(**QUICK, class_weight=explicit).fit(x, y))


def test_all_rows_are_trained_on_unless_early_stopping_needs_some() -> None:
    x, y = three_classes()
    assert np.isnan(DNNClassifier(**QUICK).fit(x, y).validation_loss_curve_).all()
    stopped = DNNClassifier(**QUICK | {"epochs": 500}, early_stopping=3).fit(x, y)
    assert stopped.n_iter_ < 500
    assert np.isfinite(stopped.validation_loss_curve_).all()
    asked = DNNClassifier(**QUICK, early_stopping=3, validation_fraction=0).fit(x, y)
    assert np.isnan(asked.validation_loss_curve_).all()


def test_validation_rows_can_be_given() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x[:80], y[:80], validation_data=(x[80:], y[80:]))
    proba = fitted.predict_proba(x[80:])
    log_loss = -np.log(proba[np.arange(40), y[80:]]).mean()
    assert fitted.validation_loss_curve_[-1] == pytest.approx(log_loss)
    assert same_weights(fitted, DNNClassifier(**QUICK).fit(x[:80], y[:80]))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (5, r"validation_data: got int; needs a pair \(X, y\)"),
        ((np.ones((3, 4)),), "validation_data: got tuple; needs a pair"),
        ((np.ones((3, 3)), [0, 1, 2]), "X has 3 features, but DNNClassifier is expecting 4 features"),
        ((np.ones((3, 4)), [0, 1]), "inconsistent numbers of samples"),
        ((np.ones((3, 4)), [0, 1, 7]), "row 2 is 7, which is not a class of the training rows"),
    ],
    ids=str,
)
def test_invalid_validation_data_is_refused(data: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        DNNClassifier(**QUICK).fit(*three_classes(), validation_data=data)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"hidden": (0,)}, "hidden: got 0"),
        ({"hidden": "wide"}, "hidden: got 'wide'"),
        ({"optimizer": "adamm"}, "did you mean 'adam'"),
        ({"epochs": 1.5}, "epochs: got 1.5"),
        ({"random_state": -1}, "seed: got -1"),
        ({"random_state": "lucky"}, "'lucky' cannot be used to seed"),
        ({"precision": "float16"}, "precision: got 'float16'"),
        ({"class_weight": {9: 1.0}}, "class_weight: got 9, which is not a class"),
        ({"validation_fraction": 2}, "validation_fraction: got 2"),
    ],
    ids=str,
)
def test_parameters_are_checked_when_fitting(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        DNNClassifier(**QUICK | params).fit(*three_classes())


def test_verbose_prints_a_line_for_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK, verbose=1, validation_fraction=0.2).fit(x, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[2].startswith(f"epoch 3 of 8: loss {fitted.loss_curve_[2]:.6g}, validation loss ")
    DNNClassifier(**QUICK).fit(x, y)
    assert capsys.readouterr().out == ""


def test_attributes_exist_only_after_fitting() -> None:
    for name in ("coefs_", "loss_curve_", "loss_", "model_", "classes_"):
        assert not hasattr(DNNClassifier(), name)


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_zero_epochs_leave_the_initial_weights(kind: Any) -> None:
    x, y = three_classes() if kind is DNNClassifier else a_number()
    fitted = kind(**QUICK | {"epochs": 0}).fit(x, y)
    assert (fitted.n_iter_, fitted.loss_curve_) == (0, [])
    assert np.isnan(fitted.loss_)
    assert fitted.predict(x).shape == (120,)


def test_the_model_is_that_of_train() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, y)
    assert isinstance(fitted.model_, cr.Model)
    assert fitted.model_.evaluate(x, y).accuracy == fitted.score(x, y)


def test_several_numbers_at_once() -> None:
    x, y = a_number(300)
    both = np.column_stack([y, 3 - x[:, 2]])
    fitted = DNNRegressor(random_state=0, threads=1).fit(x[:200], both[:200])
    assert fitted.predict(x).shape == (300, 2)
    assert r2_score(both[200:], fitted.predict(x[200:]), multioutput="raw_values").min() > 0.6
    assert fitted.partial_fit(x, both).predict(x).shape == (300, 2)


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_functions_called_after_each_epoch_may_stop_it(kind: Any) -> None:
    x, y = three_classes() if kind is DNNClassifier else a_number()
    seen: list[Any] = []
    fitted = kind(**QUICK, on_epoch=[seen.append, lambda _: len(seen) == 3]).fit(x, y)
    assert fitted.n_iter_ == len(seen) == 3
    warm = kind(**QUICK, on_epoch=seen.append, warm_start=True)
    warm.fit(x, y).fit(x, y)
    assert len(seen) == 3 + 2 * QUICK["epochs"]


def test_labels_in_lists_keep_their_kind_and_value() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, [[7, 2**63 + 1, 2**63 + 3][number] for number in y])
    assert fitted.classes_.tolist() == [7, 2**63 + 1, 2**63 + 3]
    for wrong, message in (
        ([1, "1", *y[2:].tolist()], "row 0 is 1, a whole number, but row 1 is '1', a word"),
        ([True, 1, *y[2:].tolist()], "row 0 is True, a boolean, but row 1 is 1"),
        (np.array([1, "a", *y[2:].tolist()], dtype=object), "row 0 is 1, a whole number, but row 1 is 'a', a word"),
        ([None, *["a", "b", "c"] * 39, "a", "b"], "row 0 is None; leave out rows without a label"),
    ):
        with pytest.raises(ValueError, match=f"y: {message}"):
            DNNClassifier(**QUICK).fit(x, wrong)
    words = ["None", "NA", "x"]
    assert DNNClassifier(**QUICK).fit(x, [words[number] for number in y]).classes_.tolist() == sorted(words)


@pytest.mark.parametrize("dtype", [int, float, bool], ids=repr)
def test_one_hot_labels_are_labels_of_their_own_as_in_scikit_learn(dtype: Any) -> None:
    x, y = three_classes()
    columns = np.eye(3)[y].astype(dtype)
    fitted = DNNClassifier(**QUICK).fit(x, columns)
    for labels in (columns, pl.DataFrame(columns), columns.tolist()):
        again = DNNClassifier(**QUICK).fit(x, labels)
        assert again.predict(x).dtype == columns.dtype
        assert again.predict_proba(x).tobytes() == fitted.predict_proba(x).tobytes()
    with pytest.raises(
        ValueError, match=r"y should be a 1d array, got .* \(120, 3\) instead, whose columns are not all"
    ):
        DNNClassifier(**QUICK).fit(x, columns.astype(int) + 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8], ids=repr)
def test_whole_floats_come_back_as_floats(dtype: Any) -> None:
    x, numbers = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, (numbers > 0).astype(dtype))
    assert fitted.classes_.dtype == dtype
    assert fitted.predict(x).dtype == dtype
    assert fitted.score(x, numbers > 0) > 0.5


def test_a_regressor_refuses_integers_that_it_would_round() -> None:
    x, y = a_number()
    labels = (2**60 + np.arange(len(y))).astype(np.int64)
    with pytest.raises(ValueError, match=f"y: row 1 is {2**60 + 1}, which float64 cannot hold exactly"):
        DNNRegressor(**QUICK).fit(x, labels)
    with pytest.raises(ValueError, match="y: row 0 is 1, a whole number, but row 1 is '2', a word"):
        DNNRegressor(**QUICK).fit(x, [1, "2", *y[2:].tolist()])


@pytest.mark.parametrize("given", ["rows", "a share"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_with_validation_rows_training_stops_early_and_keeps_the_best_epoch(given: str, warm_start: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((120, 8)), rng.integers(0, 2, 120)
    job: dict[str, Any] = {**QUICK, "hidden": (24,), "epochs": 60, "warm_start": warm_start}
    share = {} if given == "rows" else {"validation_fraction": 0.25}
    held_out = {"validation_data": (x[90:], y[90:])} if given == "rows" else {}

    def fitted(**parameters: Any) -> DNNClassifier:
        network = DNNClassifier(**job, **share, **parameters)
        return network.fit(x[:90], y[:90], **held_out)

    whole, stopped = fitted(early_stopping=False, keep="last"), fitted()
    losses = np.array(whole.validation_loss_curve_)
    assert whole.n_iter_ == 60
    patience = 6  # a tenth of the epochs
    last = next(n for n in range(1, 61) if n - 1 - int(losses[:n].argmin()) == patience)
    assert stopped.n_iter_ == last < 60
    shorter = DNNClassifier(**{**job, "epochs": last - patience}, **share, early_stopping=False, keep="last")
    assert same_weights(stopped, shorter.fit(x[:90], y[:90], **held_out))
    kept = fitted(early_stopping=False)
    assert kept.n_iter_ == 60
    assert not same_weights(whole, kept)
    if warm_start:
        epochs = stopped.n_iter_
        assert epochs < stopped.fit(x[:90], y[:90], **held_out).n_iter_ < epochs + 60

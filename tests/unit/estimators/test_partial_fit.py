"""partial_fit and warm_start: training in pieces."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.estimators import DNNClassifier, DNNRegressor
from tests.unit.estimators.small_tables import QUICK, a_number, same_weights, three_classes

KINDS = pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])


def job(kind: Any) -> tuple[Any, Any]:
    return three_classes() if kind is DNNClassifier else a_number()


def pieces(network: Any, x: Any, y: Any, calls: int) -> Any:
    classes = {"classes": [0, 1, 2]} if isinstance(network, DNNClassifier) else {}
    for _ in range(calls):
        network.partial_fit(x, y, **classes)
    return network


@KINDS
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "nadam", "adadelta"])
def test_partial_fits_are_the_epochs_of_one_fit(kind: Any, optimizer: str) -> None:
    x, y = job(kind)
    network = {**QUICK, "optimizer": optimizer, "dropout": 0.2, "batch_size": 16}
    whole = kind(**network).fit(x, y)
    parts = pieces(kind(**network), x, y, calls=QUICK["epochs"])
    assert same_weights(whole, parts)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == QUICK["epochs"]
    np.testing.assert_array_equal(parts.predict(x), whole.predict(x))


@KINDS
@pytest.mark.parametrize("schedule", ["cosine", cr.schedules.Cosine(per="step")])
def test_a_schedule_continues_over_partial_fits(kind: Any, schedule: Any) -> None:
    x, y = job(kind)
    whole = kind(**QUICK, schedule=schedule).fit(x, y)
    assert same_weights(whole, pieces(kind(**QUICK, schedule=schedule), x, y, calls=QUICK["epochs"]))


@KINDS
def test_partial_fits_on_different_rows(kind: Any) -> None:
    x, y = job(kind)
    network = pieces(kind(**QUICK), x[:50], y[:50], calls=1)
    first = network.coefs_[0].copy()
    network.partial_fit(x[50:], y[50:])
    assert not np.array_equal(first, network.coefs_[0])
    assert network.n_iter_ == len(network.loss_curve_) == 2
    other = pieces(kind(**QUICK), x[:50], y[:50], calls=1).partial_fit(x[50:], y[50:])
    assert same_weights(network, other)


def test_partial_fit_learns_from_a_stream() -> None:
    x, y = three_classes(3000)
    network = DNNClassifier((16,), activation="relu", learning_rate=0.01, batch_size=10, random_state=0, threads=1)
    for begin in range(0, 2500, 100):
        rows = slice(begin, begin + 100)
        network.partial_fit(x[rows], y[rows], classes=[0, 1, 2])
    assert network.score(x[2500:], y[2500:]) > 0.8


@KINDS
@pytest.mark.parametrize("through", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_a_copy_continues_as_the_original_does(kind: Any, through: Any) -> None:
    x, y = job(kind)
    network = pieces(kind(**QUICK), x[:60], y[:60], calls=2)
    copied = through(network)
    np.testing.assert_array_equal(copied.predict(x), network.predict(x))
    assert same_weights(network.partial_fit(x[60:], y[60:]), copied.partial_fit(x[60:], y[60:]))


@KINDS
def test_partial_fit_continues_after_a_fit(kind: Any) -> None:
    x, y = job(kind)
    network = kind(**QUICK | {"epochs": 7}).fit(x, y).partial_fit(x, y)
    assert same_weights(network, kind(**QUICK).fit(x, y))


def test_a_batch_need_not_hold_every_class() -> None:
    x, y = three_classes()
    network = DNNClassifier(**QUICK).partial_fit(x[y == 1], y[y == 1], classes=[2, 1, 0])
    assert network.classes_.tolist() == [0, 1, 2]
    assert network.predict_proba(x).shape == (120, 3)
    network.partial_fit(x[y != 1], y[y != 1])


def test_classes_of_partial_fit() -> None:
    x, y = three_classes()
    names = np.array(["a", "bb", "a longer name"])
    with pytest.raises(ValueError, match="classes: is missing; the first call of partial_fit"):
        DNNClassifier(**QUICK).partial_fit(x, names[y])
    network = DNNClassifier(**QUICK).partial_fit(x[y < 2], names[y[y < 2]], classes=names)
    assert network.classes_.tolist() == sorted(names)
    network.partial_fit(x, names[y], classes=names)
    with pytest.raises(ValueError, match=r"classes: got \['a', 'c'\]; they were \['a', 'a longer name', 'bb'\] before"):
        network.partial_fit(x, names[y], classes=["a", "c"])
    with pytest.raises(ValueError, match="row 0 is 'd', which is not a class of the training rows"):
        network.partial_fit(x[:1], ["d"])


def test_balanced_classes_need_all_rows() -> None:
    x, y = three_classes()
    with pytest.raises(ValueError, match="class_weight: 'balanced' needs all rows at once"):
        DNNClassifier(**QUICK, class_weight="balanced").partial_fit(x, y, classes=[0, 1, 2])


def test_weights_count_in_partial_fit() -> None:
    x, y = three_classes()
    weights = np.where(y == 1, 0.0, 1.0)
    weighted = DNNClassifier(**QUICK).partial_fit(x, y, classes=[0, 1, 2], sample_weight=weights)
    some = y != 1
    assert same_weights(weighted, DNNClassifier(**QUICK).partial_fit(x[some], y[some], classes=[0, 1, 2]))


def test_a_failed_partial_fit_changes_nothing() -> None:
    x, y = a_number()
    network = DNNRegressor(**QUICK).partial_fit(x, y)
    before = network.coefs_[0].copy()
    with pytest.raises(cr.DivergedError), np.errstate(over="ignore"):
        network.set_params(learning_rate=1e200).partial_fit(x, y)
    np.testing.assert_array_equal(before, network.coefs_[0])
    network.set_params(learning_rate=0.01).partial_fit(x, y)
    assert network.n_iter_ == 2


@KINDS
def test_a_warm_start_continues(kind: Any) -> None:
    x, y = job(kind)
    warm = kind(**QUICK | {"epochs": 5}, warm_start=True).fit(x, y)
    warm.set_params(epochs=3).fit(x, y)
    assert same_weights(warm, kind(**QUICK).fit(x, y))
    assert warm.n_iter_ == 8
    cold = warm.set_params(warm_start=False, epochs=8).fit(x, y)
    assert same_weights(cold, kind(**QUICK).fit(x, y))


def test_a_warm_start_restarts_early_stopping() -> None:
    x, y = three_classes()
    network = DNNClassifier(**QUICK | {"epochs": 300}, early_stopping=3, warm_start=True).fit(x, y)
    first = network.n_iter_
    assert first < 300
    network.fit(x, y)
    assert network.n_iter_ >= first + 3
    later = np.array(network.validation_loss_curve_[first:])
    proba = network.predict_proba(x)
    assert np.isfinite(proba).all()
    assert len(later) - 1 - int(later.argmin()) <= 3
    network.set_params(early_stopping=None, epochs=2).fit(x, y)
    network.set_params(early_stopping=2, epochs=50).fit(x, y)


def test_parameters_that_may_change_in_a_warm_start() -> None:
    x, y = three_classes()
    network = DNNClassifier(**QUICK, warm_start=True).fit(x, y)
    before = network.coefs_[0].copy()
    network.set_params(learning_rate=1e-12, batch_size=5).fit(x, y)
    np.testing.assert_allclose(network.coefs_[0], before, atol=1e-8)
    for params, says in (
        ({"hidden": (9,)}, "network: was 4-8-3 when training began and is now 4-9-3"),
        ({"optimizer": "sgd"}, "optimizer: was adam when training began and is now sgd"),
    ):
        with pytest.raises(ValueError, match=says):
            pickle.loads(pickle.dumps(network)).set_params(**params).fit(x, y)
    with pytest.raises(ValueError, match="X has 3 features, but DNNClassifier is expecting 4"):
        network.fit(x[:, :3], y)


def test_classes_keep_their_type_and_value() -> None:
    x, y = three_classes()
    for names in (np.array([0.0, 1.0, 2.0]), np.array([7, 2**63 + 1, 2**63 + 3], dtype=np.uint64)):
        fitted = DNNClassifier(**QUICK).partial_fit(x, names[y], classes=names.tolist())
        assert fitted.classes_.dtype == names.dtype
        assert fitted.classes_.tolist() == names.tolist()
        assert fitted.predict(x).dtype == names.dtype

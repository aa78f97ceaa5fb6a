"""Pickled estimators hold parameters and archives; they predict and go on training as before, and damage is told."""

from __future__ import annotations

import copy
import pickle
import pickletools
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche._system.archive import BrokenArchiveError
from creche.errors import CrecheError, FileError
from creche.estimators import TRUSTED, DNNClassifier, DNNRegressor, TabularClassifier
from tests.unit.estimators.small_tables import QUICK, a_number, same_weights, three_classes


def names_in(data: bytes) -> set[str]:
    """The classes and functions that a pickle looks up, by their modules."""
    texts: list[str] = []
    found = set()
    for code, argument, _ in pickletools.genops(data):
        if isinstance(argument, str):
            texts.append(argument)
        if code.name == "STACK_GLOBAL":
            found.add(".".join(texts[-2:]))
        elif code.name == "GLOBAL":
            found.add(str(argument).replace(" ", "."))
    return found


def again(estimator: Any) -> Any:
    return pickle.loads(pickle.dumps(estimator))


def test_a_pickle_holds_no_class_of_ours_but_the_estimator() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, y)
    found = {name for name in names_in(pickle.dumps(fitted)) if name.startswith("creche")}
    assert found == {"creche.estimators.classifier.DNNClassifier"}
    assert found < set(TRUSTED)


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_it_predicts_and_goes_on_training_with_the_same_bits(kind: Any) -> None:
    x, y = three_classes() if kind is DNNClassifier else a_number()
    fitted = kind(**QUICK, warm_start=True).fit(x, y)
    restored = again(fitted)
    np.testing.assert_array_equal(restored.predict(x), fitted.predict(x))
    assert restored.history_.to_dict() == fitted.history_.to_dict()
    assert restored.get_params() == fitted.get_params()
    assert same_weights(restored.fit(x, y), fitted.fit(x, y))
    assert restored.n_iter_ == fitted.n_iter_


def test_words_thresholds_and_names_are_kept() -> None:
    table = cr.datasets.penguins().drop_nulls().to_pandas()
    x, y = table.drop(columns="sex"), table["sex"]
    fitted = DNNClassifier(**QUICK, threshold=0.3).fit(x, y)
    restored = again(fitted)
    np.testing.assert_array_equal(restored.predict(x), fitted.predict(x))
    assert restored.model_.threshold == 0.3
    assert restored.feature_names_in_.tolist() == x.columns.tolist()


def test_a_fitted_table_keeps_its_record() -> None:
    x, y = three_classes()
    fitted = TabularClassifier(effort="fast", random_state=0, threads=1).fit(x, y)
    restored = again(fitted)
    np.testing.assert_array_equal(restored.predict_proba(x), fitted.predict_proba(x))
    assert restored.record_.to_dict() == fitted.record_.to_dict()


def test_estimators_that_are_not_fitted_and_custom_losses_are_pickled_as_they_are() -> None:
    assert again(DNNRegressor([3], epochs=7)).epochs == 7
    x, y = a_number()
    fitted = DNNRegressor(**{**QUICK, "loss": squared}).fit(x, y)
    np.testing.assert_array_equal(again(fitted).predict(x), fitted.predict(x))
    np.testing.assert_array_equal(copy.deepcopy(fitted).predict(x), fitted.predict(x))


def squared(outputs: Any, labels: Any) -> tuple[Any, Any]:
    difference = outputs - labels.reshape(outputs.shape)
    return (difference**2).mean(axis=1), 2 * difference / outputs.shape[1]


def test_a_pickle_of_an_earlier_version_is_read() -> None:
    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, y)
    restored = DNNClassifier()
    restored.__setstate__(dict(fitted.__dict__))  # what versions without archives pickled
    np.testing.assert_array_equal(restored.predict(x), fitted.predict(x))


def test_damage_and_newer_versions_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = three_classes()
    state = DNNClassifier(**QUICK).fit(x, y).__getstate__()
    data = state["_model_archive"]
    for damaged in (data[:-1] + bytes([data[-1] ^ 1]), data[: len(data) // 2], b"", b"PK\3\4"):
        with pytest.raises(BrokenArchiveError, match="the pickled estimator"):
            DNNClassifier().__setstate__({**state, "_model_archive": damaged})
    monkeypatch.setattr("creche._system.archive.VERSION", 0)
    with pytest.raises(FileError, match="which reads up to version 0") as caught:
        DNNClassifier().__setstate__(state)
    assert isinstance(caught.value, CrecheError)

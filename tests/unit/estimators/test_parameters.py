from __future__ import annotations

import pytest
from sklearn.base import clone

import creche as cr
from creche.estimators import DNNClassifier, DNNRegressor
from tests.unit.estimators.small_tables import QUICK, same_weights, three_classes


def test_a_clone_has_the_same_parameters_and_is_not_fitted() -> None:
    x, y = three_classes()
    network = DNNClassifier(**QUICK, optimizer=cr.SGD(momentum=0.8), early_stopping=cr.EarlyStopping(5)).fit(x, y)
    cloned = clone(network)
    assert cloned.get_params() == network.get_params()
    assert not hasattr(cloned, "model_")
    assert same_weights(cloned.fit(x, y), network)


def test_classifier_and_regressor_differ_in_what_suits_one_task_only() -> None:
    classifier, regressor = DNNClassifier().get_params(), DNNRegressor().get_params()
    of_classes = {name: classifier.pop(name) for name in ("class_weight", "ordered", "threshold")}
    assert of_classes == {"class_weight": None, "ordered": False, "threshold": None}
    assert regressor.pop("quantiles") is None
    assert classifier == regressor


def test_parameters_of_components_can_be_read_and_set() -> None:
    network = DNNClassifier(optimizer=cr.Adam(beta1=0.8), loss=cr.CrossEntropy())
    assert network.get_params()["optimizer__beta1"] == 0.8
    assert "optimizer__beta1" not in network.get_params(deep=False)
    network.set_params(optimizer__beta2=0.99, hidden=(5,))
    assert network.optimizer == cr.Adam(beta1=0.8, beta2=0.99)
    assert network.hidden == (5,)


def test_parameters_of_words_can_be_set() -> None:
    network = DNNClassifier().set_params(optimizer="sgd", optimizer__momentum=0.7, early_stopping=True)
    assert network.optimizer == cr.SGD(momentum=0.7)
    assert network.set_params(early_stopping__patience=4).early_stopping == cr.EarlyStopping(4)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("optimizer__beta7", "optimizer__beta7: there is no such parameter of optimizer=Adam.*did you mean 'beta[12]'"),
        ("early_stopping__patience", "no such parameter of early_stopping=None"),
        ("widths", "Invalid parameter 'widths' for estimator DNNClassifier"),
    ],
)
def test_an_unknown_parameter_is_refused(name: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        DNNClassifier(hidden=(5,)).set_params(**{name: 3})


def test_repr_shows_only_parameters_that_are_not_default() -> None:
    assert repr(DNNClassifier((5, 5), epochs=7)) == "DNNClassifier(epochs=7, hidden=(5, 5))"


def test_a_seed_is_called_random_state_here() -> None:
    with pytest.raises(cr.CrecheError, match="seed: unknown argument of DNNClassifier; did you mean 'random_state'"):
        cr.DNNClassifier(seed=1)  # type: ignore[call-arg]

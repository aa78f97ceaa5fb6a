"""scikit-learn's own checks of estimators, all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from creche.estimators import DNNClassifier, DNNRegressor, TabularClassifier, TabularRegressor
from creche.fitting.configuration import Configuration
from tests.unit.fitting.small_fits import make_tiny

KINDS = (DNNClassifier, DNNRegressor, TabularClassifier, TabularRegressor)
ESTIMATORS = [DNNClassifier(), DNNRegressor(), TabularClassifier(effort="fast"), TabularRegressor(effort="fast")]


# Whether it is an estimator does not depend on how many networks it tries.
ONE = (Configuration("small", (16,), "silu", 0.0, 0.02, epochs=40, batch_size=16),)


@pytest.fixture(scope="module", autouse=True)
def one_configuration() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_tiny(patch, ONE)
        yield


def expected_failures(estimator: Any) -> dict[str, str]:
    """What holds for no estimator that splits its rows: scikit-learn's own that cross-validate declare the same."""
    if isinstance(estimator, TabularClassifier | TabularRegressor):
        reason = "a repeated row can lie in several folds, a row of weight 2 lies in one"
        return {"check_sample_weight_equivalence_on_dense_data": reason}
    return {}


# Tables of a few rows and constant columns are warned about, as they should be.
@pytest.mark.filterwarnings("default")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_failures)
def test_it_is_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


NAMES = {check.func.__name__ for kind in KINDS for _, check in estimator_checks_generator(kind())}


def test_no_check_is_left_out() -> None:
    """scikit-learn leaves out its checks of the array API unless this is set before it is imported."""
    assert len(NAMES) > 50
    script = f"""
import sys
import warnings
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from creche.estimators import DNNClassifier, DNNRegressor, TabularClassifier, TabularRegressor
from tests.unit.fitting.small_fits import make_tiny
warnings.simplefilter("ignore")
make_tiny(pytest.MonkeyPatch())
names = set()
few = {{"effort": "fast"}}
kinds = DNNClassifier(), DNNRegressor(), TabularClassifier(**few), TabularRegressor(**few)
for kind in kinds:
    for estimator, check in estimator_checks_generator(kind):
        name = check.func.__name__
        names.add(name)
        if "array_api" in name:
            check(estimator)
            print(name)
assert names == {NAMES!r}, names
"""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()

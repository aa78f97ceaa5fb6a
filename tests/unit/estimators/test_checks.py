"""scikit-learn's own checks of estimators, all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from creche.estimators import DNNClassifier, DNNRegressor


# Tables of a few rows and constant columns are warned about, as they should be.
@pytest.mark.filterwarnings("default")
@parametrize_with_checks([DNNClassifier(), DNNRegressor()])
def test_it_is_an_estimator(estimator: Any, check: Any) -> None:
    check(estimator)


def test_no_check_is_left_out() -> None:
    """scikit-learn leaves out its check of the array API unless this is set before it is imported."""
    script = """
import warnings
from sklearn.utils.estimator_checks import check_estimator
from creche.estimators import DNNClassifier, DNNRegressor
warnings.simplefilter("ignore")
for estimator in (DNNClassifier(), DNNRegressor()):
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    print(*{f"{result['check_name']}:{result['status']}" for result in results if result["status"] != "passed"})
    print(len(results))
"""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    failed_or_skipped, count, *rest = done.stdout.split("\n")
    assert failed_or_skipped == rest[0] == ""
    assert int(count) > 50

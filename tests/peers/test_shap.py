"""SHAP's explainers work with the estimators: values sum to the prediction and identify the important columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = [
    pytest.mark.peers,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:.*NumPy global RNG"),
]


@pytest.fixture
def shap() -> Any:
    pytest.importorskip("sklearn", reason="needs scikit-learn: pip install '.[peers]'")
    return pytest.importorskip("shap", reason="needs shap: pip install '.[peers]'")


def create_data() -> tuple[Any, Any]:
    x = np.random.default_rng(0).standard_normal((200, 4))
    return x, 3 * x[:, 0] - x[:, 1]


def test_kernel_explainer_on_a_regressor(shap: Any) -> None:
    from creche.estimators import DNNRegressor

    x, y = create_data()
    fitted = DNNRegressor((16,), epochs=60, learning_rate=0.01, random_state=0, threads=1).fit(x, y)
    values = np.asarray(shap.KernelExplainer(fitted.predict, x[:50]).shap_values(x[:10], silent=True))
    assert values.shape == (10, 4)
    np.testing.assert_allclose(values.sum(axis=1), fitted.predict(x[:10]) - fitted.predict(x[:50]).mean(), atol=1e-6)
    size = np.abs(values).mean(axis=0)
    assert size[0] > size[1] > 3 * size[2:].max()


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_kernel_explainer_on_a_classifier_of_words_and_missing_cells(shap: Any) -> None:
    import creche as cr

    pytest.importorskip("pandas")
    table = cr.datasets.penguins().to_pandas()
    x, y = table.drop(columns="species"), table["species"]
    fitted = cr.DNNClassifier([8], epochs=30, random_state=0, threads=1).fit(x, y)
    background = x.head(20)
    explainer = shap.KernelExplainer(fitted.predict_proba, background)
    values = np.asarray(explainer.shap_values(x.iloc[[3, 50]], silent=True, nsamples=60))
    expected = fitted.predict_proba(x.iloc[[3, 50]]) - fitted.predict_proba(background).mean(axis=0)
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=1e-6)


def test_permutation_explainer_on_a_classifier_of_a_table(shap: Any) -> None:
    pd = pytest.importorskip("pandas")
    from creche.estimators import DNNClassifier

    x, y = create_data()
    table = pd.DataFrame(x, columns=["a", "b", "c", "d"])
    fitted = DNNClassifier((16,), epochs=60, learning_rate=0.01, random_state=0, threads=1).fit(table, y > 0)
    explained = shap.explainers.Permutation(fitted.predict_proba, table[:50], seed=0)(table[:5])
    assert explained.values.shape == (5, 4, 2)
    total = explained.base_values + explained.values.sum(axis=1)
    np.testing.assert_allclose(total, fitted.predict_proba(table[:5]), atol=1e-6)
    assert np.abs(explained.values[..., 1]).mean(axis=0).argmax() == 0

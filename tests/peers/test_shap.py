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


def test_kernel_explainer_on_a_model_whose_function_names_the_columns(shap: Any) -> None:
    import creche as cr

    pd = pytest.importorskip("pandas")
    table = cr.datasets.penguins()
    model = cr.train(table, label="species", hidden=[8], epochs=30, threads=1).model
    x = table.drop("species").to_pandas()

    def predict_rows(rows: Any) -> Any:
        return model.predict_proba(pd.DataFrame(rows, columns=x.columns))

    explained = shap.KernelExplainer(predict_rows, x.head(20))(x.iloc[[3, 50]], silent=True)
    assert list(explained.feature_names) == list(x.columns)
    expected = model.predict_proba(x.iloc[[3, 50]]) - model.predict_proba(x.head(20)).mean(axis=0)
    np.testing.assert_allclose(explained.values.sum(axis=1), expected, atol=1e-6)


def test_explainers_of_codes(shap: Any) -> None:
    """The function of docs/company.md, which decodes words."""
    import creche as cr

    table = cr.datasets.penguins().to_pandas()
    x, words = table.drop(columns="species"), ["island", "sex"]
    classifier = cr.DNNClassifier([8], epochs=30, random_state=0, threads=1).fit(x, table["species"])
    categories = {name: [*sorted(x[name].dropna().unique()), None] for name in words}
    codes = x.assign(
        **{name: [categories[name].index(v if isinstance(v, str) else None) for v in x[name]] for name in words}
    )

    def predict_codes(rows: Any) -> Any:
        decoded: dict[str, Any] = dict(zip(x.columns, np.asarray(rows, dtype=float).T, strict=True))
        for name in words:
            decoded[name] = [categories[name][int(code)] for code in decoded[name]]
        return classifier.model_.predict_proba(decoded)

    explained = shap.Explainer(predict_codes, codes.head(20), seed=0)(codes.iloc[[3, 50]])
    expected = classifier.predict_proba(x.iloc[[3, 50]]) - classifier.predict_proba(x.head(20)).mean(axis=0)
    np.testing.assert_allclose(explained.values.sum(axis=1), expected, atol=1e-6)


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

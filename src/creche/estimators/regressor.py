"""The scikit-learn regressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creche.estimators.base import DNNEstimator
from creche.estimators.labels import NumberLabels

__all__ = ["DNNRegressor"]


class DNNRegressor(NumberLabels, DNNEstimator):
    """A deep neural network for regression, with one or several numbers to predict, as a scikit-learn estimator.

    On arrays of float64 it trains in float64, as scikit-learn does; float32 is faster.

    Parameters
    ----------
    hidden : sequence of int, default (32, 32)
        Widths of the hidden layers; empty for none.
    activation, dropout, initializer, loss, optimizer, learning_rate, schedule, weight_decay_schedule, dropout_schedule
        As for `DNNClassifier`.
    label_smoothing_schedule, batch_size, drop_last, epochs, early_stopping
        As for `DNNClassifier`.
    keep, validation_fraction, shuffle, standardize, preprocessing, schema, precision, warm_start, on_epoch
        As for `DNNClassifier`.
    random_state, threads, verbose
        As for `DNNClassifier`.

    Attributes
    ----------
    n_features_in_, feature_names_in_, n_iter_, model_, history_, loss_, loss_curve_, validation_loss_curve_, coefs_,
    intercepts_
        As for `DNNClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).standard_normal((200, 2))
    >>> network = DNNRegressor([16], epochs=60, learning_rate=0.01, random_state=0, threads=1)
    >>> bool(network.fit(X, X[:, 0] * X[:, 1]).score(X, X[:, 0] * X[:, 1]) > 0.9)
    True

    """

    _task = "regression"

    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one more epoch on these rows; weights and the optimizer's state continue from the last call.

        The first call fits the encoders, unless `fit` was called before: its rows should be like those to come.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)
            The features.
        y : array-like (n,) or (n, k)
            The labels.
        sample_weight : array-like (n,), optional
            Weight of each row.

        Returns
        -------
        self

        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the predicted number of each row.

        Parameters
        ----------
        X : array-like or DataFrame (n, d)

        Returns
        -------
        (n,) float64 array, or (n, k) where y was

        """
        x = self._validate_fitted(X)
        return self.model_.predict(x)

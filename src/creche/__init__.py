"""Creche trains deep neural networks on tables, fast enough to feel instant, and shows how they learn.

>>> import creche as cr
>>> run = cr.train("penguins", label="species", hidden=[5, 5], epochs=20, threads=1)  # doctest: +SKIP

The names in `__all__` are the public interface. Each is imported when it is first used, so that `import creche` itself
takes no time; ``__init__.pyi`` lists them.
"""

from __future__ import annotations

from creche._lazy import open_package
from creche._system import forks as _forks  # noqa: F401  # from now on, forks are noticed
from creche._version import __version__ as __version__

_SKLEARN = ("sklearn", "estimators need scikit-learn: pip install scikit-learn")

_ESTIMATORS = ("DNNClassifier", "DNNRegressor", "TabularClassifier", "TabularRegressor")

__all__ = open_package(__name__, extras=dict.fromkeys(_ESTIMATORS, _SKLEARN))

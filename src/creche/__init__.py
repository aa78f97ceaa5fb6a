"""Creche trains deep neural networks on tables, fast enough to feel instant, and shows how they learn.

>>> import creche as cr
>>> run = cr.train("penguins", label="species", hidden=[5, 5], epochs=20, threads=1)  # doctest: +SKIP

What stands in `__all__` is the public interface. Names are imported when they are first used, so that `import creche`
itself takes no time; `__init__.pyi` tells type checkers the same.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "table": ("datasets",),
    "table.encode": ("Encoding",),
    "table.reading": ("Reading",),
    "table.schema": ("Schema",),
    "table.split": ("Split",),
    "training": ("train",),
    "run": ("Run",),
    "callbacks": ("EpochRecord",),
    "recording.record": ("Record",),
    "recording.recording": ("Recording",),
    "resuming": ("resume",),
    "colony.studies": ("OptunaSweep", "sweep_with_optuna"),
    "colony.sweep": ("sweep",),
    "colony.colony": ("Colony",),
    "colony.member": ("Member",),
    "colony.halving": ("Halving",),
    "colony.learning_rates": ("find_learning_rate",),
    "colony.rates_found": ("LearningRates",),
    "colony.ranges": ("linear_range", "log_range"),
    "cross_validation": ("CrossValidation", "cross_validate"),
    "verification": ("Verification", "verify"),
    "model": ("Model",),
    "ensemble": ("Ensemble",),
    "loading": ("load",),
    "provenance": ("Provenance",),
    "prediction": ("predict_file",),
    "reporting.report": ("report",),
    "estimators": ("DNNClassifier", "DNNRegressor"),
    "history": ("History",),
    "evaluation": ("ClassEvaluation", "NumberEvaluation"),
    "explain": ("explain",),
    "plots": ("plots",),
    "errors": ("DivergedError", "FileError", "PlanError", "CrecheError", "CrecheWarning", "TableError"),
    "plan.plan": ("EarlyStopping", "Plan"),
    "plan.network": ("Layer", "Network"),
    "plan.activations": (
        "Elu", "Gelu", "GeluTanh", "Identity", "LeakyRelu", "Mish", "Relu", "Selu", "Sigmoid", "Silu", "Softplus",
        "Tanh",
    ),
    "plan.losses": (
        "AbsoluteError", "BinaryCrossEntropy", "CrossEntropy", "CustomLoss", "Huber", "Poisson", "Quantile",
        "SquaredError",
    ),
    "plan.optimizers": ("SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Lion", "NAdam", "RAdam", "RMSprop"),
    "plan": ("initializers", "schedules"),
}  # fmt: skip

_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

# What needs an extra: `from creche import *` leaves it out where that is not installed.
_NEEDS = {"DNNClassifier": "sklearn", "DNNRegressor": "sklearn"}

__all__ = ["__version__", *sorted(name for name in _MODULE_OF if name not in _NEEDS or find_spec(_NEEDS[name]))]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'creche' has no attribute {name!r}")
    if name in _NEEDS and not find_spec(_NEEDS[name]):
        raise ImportError(f"{name} needs scikit-learn: pip install 'creche[sklearn]'", name=_NEEDS[name])
    module = import_module(f"creche.{_MODULE_OF[name]}")
    if name == _MODULE_OF[name]:
        return module
    # A name that is a module itself (datasets, schedules) need not have been imported by its package.
    value = getattr(module, name, None)
    if value is None:
        value = import_module(f"{module.__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

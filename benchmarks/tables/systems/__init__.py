"""The systems that are compared: each is a module that is imported only in a process of its own."""

import hashlib
import importlib
import inspect
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.manifest import Task

if TYPE_CHECKING:
    import pandas as pd

THREADS = 2
SEED = 0

# Seconds of a fit, unless the call asks for others.
LIMIT_S = 240.0


@dataclass(frozen=True)
class Problem:
    """What a system is told of a table: labels of a classification are the codes 0, 1, ... of `n_classes` classes."""

    task: Task
    n_classes: int


@dataclass(frozen=True)
class Predictions:
    """Probabilities (n, classes) or numbers (n,), and the bounds of a 90 % interval of each number, if any."""

    values: NDArray[Any]
    interval: tuple[NDArray[Any], NDArray[Any]] | None = None


class Contender(Protocol):
    """A system with its settings, before and after fitting."""

    def fit(self, problem: Problem, inputs: "pd.DataFrame", labels: NDArray[Any]) -> None:
        """Learn from the training rows; every class of the problem is among the labels."""

    def predict(self, inputs: "pd.DataFrame") -> Predictions:
        """Predict for other rows."""


@dataclass(frozen=True)
class System:
    """A name, the module and class that carry it out, its settings, and the packages that it needs."""

    name: str
    title: str
    module: str
    settings: tuple[tuple[str, Any], ...] = ()
    packages: tuple[str, ...] = ()
    max_rows: int | None = None

    def create(self) -> Contender:
        """Import what the system needs, and return it with its settings."""
        module = importlib.import_module(f"benchmarks.tables.systems.{self.module}")
        return module.create(**dict(self.settings))  # type: ignore[no-any-return]

    def find_obstacle(self) -> str | None:
        """Return why the system cannot be run here, or None."""
        for package in self.packages:
            try:
                metadata.version(package)
            except metadata.PackageNotFoundError:
                return f"{package} is not installed"
        if self.module == "creche_models":
            if util.find_spec("creche") is None:
                return "creche is not installed"
            creche = importlib.import_module("creche")
            function = dict(self.settings)["function"]
            if not hasattr(creche, function):
                return f"this version of creche has no function {function}"
            effort = dict(self.settings).get("effort")
            if effort is not None and "effort" not in inspect.signature(creche.fit).parameters:
                return "creche.fit has no argument effort"
        return None

    def version(self) -> str:
        """Return what a result depends on: the version of the first package, or of the files of Creche."""
        return metadata.version(self.packages[0]) if self.packages else version_of_creche()


def version_of_creche() -> str:
    """Return the version with eight digits of the SHA-256 of all its files: a change gives other results."""
    import creche

    folder = Path(creche.__file__).parent
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".so")):
        total.update(str(path.relative_to(folder)).encode())
        total.update(path.read_bytes())
    return f"{creche.__version__}-{total.hexdigest()[:8]}"


_REALMLP = ("pytabkit", "torch")

SYSTEMS = {
    system.name: system
    for system in (
        System("sklearn-linear", "Logistic regression or ridge", "scikit", (("kind", "linear"),), ("scikit-learn",)),
        System("sklearn-mlp", "scikit-learn MLP", "scikit", (("kind", "mlp"),), ("scikit-learn",)),
        System("lightgbm", "LightGBM", "trees", (("library", "lightgbm"),), ("lightgbm",)),
        System("xgboost", "XGBoost", "trees", (("library", "xgboost"),), ("xgboost",)),
        System("catboost", "CatBoost", "catboost_models", (), ("catboost",)),
        System("catboost-bag", "CatBoost, bag of 8 folds", "catboost_models", (("n_folds", 8),), ("catboost",)),
        System("realmlp", "RealMLP-TD", "realmlp", (), _REALMLP),
        System("realmlp-log-loss", "RealMLP-TD for log loss", "realmlp", (("for_log_loss", True),), _REALMLP),
        System("tabm-mini", "TabM-mini, PLE 48", "tabm_mini", (), ("tabm", "rtdl_num_embeddings", "torch"), 999),
        System("creche-train", "creche.train", "creche_models", (("function", "train"),)),
        *(
            System(
                f"creche-fit-{effort}",
                f"creche.fit, effort {effort}",
                "creche_models",
                (("function", "fit"), ("effort", effort)),
            )
            for effort in ("fast", "default", "best")
        ),
    )
}


def spread_probabilities(probabilities: NDArray[Any], present: NDArray[Any], n_classes: int) -> NDArray[np.float64]:
    """Return the probabilities of the present classes as those of all classes; the others have 0."""
    spread = np.zeros((len(probabilities), n_classes))
    spread[:, present] = probabilities
    return spread

"""The errors Creche raises.

    CrecheError
    ├── PlanError (ValueError)          a plan that cannot be: an unknown word, a number out of range, too much memory
    │   └── UnknownArgumentError (TypeError)   an argument that a function does not have
    ├── TableError (ValueError)         a table that cannot be trained on: what, and in which row and column
    ├── FileError (OSError)             a file that cannot be read or written
    ├── ProcessError (RuntimeError)     a process of several that train a network together that ended or failed
    └── DivergedError (ArithmeticError) training whose loss stopped being finite

    CrecheWarning (UserWarning)        something was changed or left out, and the work continues

A message says what is wrong, with the value; where; and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from creche._phrases import list_first

__all__ = [
    "NAMED_LIMIT", "SYNONYMS",
    "CrecheError", "CrecheWarning", "DivergedError", "DivergedRun", "FileError", "PlanError", "ProcessError",
    "TableError",
    "UnknownArgumentError", "closest", "nearest",
]  # fmt: skip

NAMED_LIMIT = 40  # more than any choice of Creche's own has; a table may have 100,000 columns

# Words that people try, with what Creche calls it: names of earlier drafts and of other libraries. Several where it
# depends on what is asked for; only what may be chosen there is suggested.
SYNONYMS: dict[str, tuple[str, ...]] = {
    # tasks and roles
    "binary": ("boolean", "classification"),
    "bool": ("boolean",),
    "categorical": ("classification",),
    "categories": ("categorical",),
    "category": ("categorical",),
    "class": ("classification", "label"),
    "classes": ("classification",),
    "classifier": ("classification",),
    "continuous": ("numeric", "regression"),
    "date": ("datetime",),
    "drop": ("ignore",),
    "float": ("numeric", "float32", "regression"),
    "double": ("float64",),
    "float16": ("float32",),
    "id": ("identifier",),
    "gpu": ("cuda", "device"),
    "int": ("numeric",),
    "multiclass": ("classification",),
    "number": ("numeric", "regression"),
    "numbers": ("numeric", "regression"),
    "numeric": ("regression",),
    "numerical": ("numeric",),
    "regressor": ("regression",),
    "skip": ("ignore",),
    "string": ("text", "categorical"),
    "time": ("datetime",),
    "timestamp": ("datetime",),
    "yes_no": ("boolean",),
    # arguments
    "alpha": ("weight_decay",),
    "batch": ("batch_size",),
    "callback": ("on_epoch",),
    "callbacks": ("on_epoch",),
    "column": ("schema", "target"),
    "columns": ("schema",),
    "criterion": ("loss",),
    "cv": ("folds", "train"),
    "dtype": ("precision",),
    "delimiter": ("separator",),
    "drop_unlabelled": ("missing_label",),
    "errors": ("largest_errors",),
    "eval_set": ("validation_data",),
    "encoding": ("preprocessing", "text_encoding"),
    "every": ("checkpoint_every",),
    "from": ("source",),
    "groups": ("group",),
    "hidden_layer_sizes": ("hidden",),
    "hidden_layers": ("hidden",),
    "intervals": ("n_resamples",),
    "k": ("folds",),
    "l2": ("weight_decay",),
    "layers": ("hidden",),
    "learning_rate_init": ("learning_rate",),
    "lr": ("learning_rate", "rates"),
    "missing_label": ("drop_unlabelled",),
    "monitor": ("early_stopping",),
    "mistaken": ("largest_errors",),
    "max_iter": ("epochs",),
    "n_epochs": ("epochs",),
    "n_iter_no_change": ("early_stopping",),
    "n_jobs": ("threads",),
    "n_repeats": ("repeats",),
    "n_splits": ("folds",),
    "of": ("target",),
    "n_threads": ("threads",),
    "num_epochs": ("epochs",),
    "num_threads": ("threads",),
    "patience": ("early_stopping",),
    "random_state": ("seed",),
    "seed": ("random_state",),
    "reading": ("read_options",),
    "row": ("source",),
    "scoring": ("metric",),
    "sep": ("separator",),
    "restore_best": ("keep",),
    "restore_best_weights": ("keep",),
    "role": ("schema", "column"),
    "roles": ("schema", "column"),
    "scaler": ("preprocessing",),
    "scaling": ("preprocessing",),
    "scheduler": ("schedule",),
    "schema": ("column",),
    "solver": ("optimizer",),
    "target": ("label",),
    "test_size": ("test_fraction",),
    "test": ("test_data", "evaluate"),
    "to": ("target",),
    "train_data": ("data",),
    "train_df": ("data",),
    "units": ("hidden",),
    "val_fraction": ("validation_fraction",),
    "valid": ("validation_data",),
    "validation": ("validation_data",),
    "validation_size": ("validation_fraction",),
    "validation_split": ("validation_fraction",),
    "weights": ("sample_weight",),
    "x": ("data",),
    "x_train": ("data",),
    "y_column": ("label",),
    "y_train": ("y",),
    # commands
    "cross_validate": ("train",),
    "describe": ("columns",),
    "fit": ("train",),
    "importance": ("explain",),
    "info": ("show",),
    "inspect": ("columns", "show"),
    "lr_find": ("find_learning_rate",),
    "pdp": ("partial_dependence",),
    "profile": ("columns",),
    "score": ("evaluate",),
    "tune": ("sweep",),
    # losses, activations, optimizers, schedules
    "absolute": ("absolute_error",),
    "bce": ("binary_cross_entropy",),
    "ce": ("cross_entropy",),
    "glorot": ("glorot_uniform",),
    "he": ("he_normal",),
    "kaiming_normal": ("he_normal",),
    "kaiming_uniform": ("he_uniform",),
    "l1_loss": ("absolute_error",),
    "linear": ("identity",),
    "log_loss": ("cross_entropy",),
    "logistic": ("sigmoid",),
    "mae": ("absolute_error",),
    "mse": ("squared_error",),
    "pinball": ("quantile",),
    "plateau": ("reduce_on_plateau",),
    "swish": ("silu",),
    "xavier": ("glorot_uniform",),
    "xavier_normal": ("glorot_normal",),
    "xavier_uniform": ("glorot_uniform",),
    "zscore": ("standard",),
    "folds": ("train",),
    "test_model": ("evaluate",),
}


class CrecheError(Exception):
    """The base of all errors that Creche raises on purpose.

    Attributes
    ----------
    argument : str or None
        The argument, or the parameter of a component, that is wrong; None if the error is not about one.

    """

    argument: str | None

    def __init__(self, *args: object, argument: str | None = None) -> None:
        super().__init__(*args)
        self.argument = argument


class PlanError(CrecheError, ValueError):
    """A plan that cannot be carried out."""


class UnknownArgumentError(PlanError, TypeError):
    """An argument that a function does not have."""


class TableError(CrecheError, ValueError):
    """A table that cannot be trained on or predicted from."""


class FileError(CrecheError, OSError):
    """A file that cannot be read or written."""


class ProcessError(CrecheError, RuntimeError):
    """A process of several that train a network together has ended, failed, or does not fit the others.

    Attributes
    ----------
    rank : int or None
        The number of that process, from 0, as far as it is known.
    is_lost : bool
        Whether the process, or the connection to it, was lost, so that another may take its place.
    run : Run or None
        The run as it is after its last step, which can be resumed; None if the error came before the first.

    """

    def __init__(self, *args: object, rank: int | None = None, is_lost: bool = False) -> None:
        super().__init__(*args)
        self.rank = rank
        self.is_lost = is_lost
        self.run: DivergedRun | None = None

    def __reduce__(self) -> tuple[type[ProcessError], tuple[object, ...], dict[str, object]]:
        return type(self), self.args, {"rank": self.rank, "is_lost": self.is_lost}


class DivergedRun(Protocol):
    """What a `DivergedError` carries of its run, which is a `creche.training.run.Run`."""

    @property
    def plan(self) -> Any: ...
    @property
    def prepared(self) -> Any: ...
    @property
    def history(self) -> Any: ...
    @property
    def model(self) -> Any: ...


class DivergedError(CrecheError, ArithmeticError):
    """Training whose loss is no longer finite; `creche.explain.divergence` finds the layer, the row and the column.

    Attributes
    ----------
    epoch, batch : int
        Where training diverged, both counted from 0.
    learning_rate : float
        The learning rate of the last step.
    run : Run or None
        The run, with its history so far and a model with the last finite weights. None if the error has come from
        another process, which sends no run with it.

    """

    def __init__(self, message: str, epoch: int, batch: int, learning_rate: float, run: DivergedRun | None) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.batch = batch
        self.learning_rate = learning_rate
        self.run = run

    def __reduce__(self) -> tuple[type[DivergedError], tuple[str, int, int, float, None]]:
        return type(self), (str(self), self.epoch, self.batch, self.learning_rate, None)


class CrecheWarning(UserWarning):
    """Something was changed or left out, and the work continues."""


def closest(word: object, words: Iterable[str]) -> str | None:
    """Return the word among `words` that is most likely meant, by its spelling or as a synonym; None if none is near.

    Examples
    --------
    >>> closest("adamm", ["adam", "sgd"]), closest("lr", ["epochs", "learning_rate"]), closest("zzz", ["adam"])
    ('adam', 'learning_rate', None)

    """
    known = list(words)
    typed = str(word).lower().replace("-", "_")
    for synonym in SYNONYMS.get(typed, ()):
        if synonym in known:
            return synonym
    from difflib import get_close_matches  # only now: most programs run without an error

    # f2 and f1 share half of their letters; longer words that share half of them do so by chance.
    found = get_close_matches(str(word), known, n=1, cutoff=0.5 if len(str(word)) <= 3 else 0.6)
    return found[0] if found else None


def nearest(word: object, words: Iterable[str]) -> str:
    """Return the end of a message about a word that is none of `words`: the one most likely meant, and the choices.

    Examples
    --------
    >>> nearest("adamm", ["adam", "sgd"])
    "did you mean 'adam'? Choose one of adam, sgd"
    >>> nearest("Emperor", ["Adelie", "Gentoo"])
    'choose one of Adelie, Gentoo'

    """
    known = list(words)
    close = closest(word, known)
    hint = "choose" if close is None else f"did you mean {close!r}? Choose"
    return f"{hint} one of {list_first(known, NAMED_LIMIT)}"

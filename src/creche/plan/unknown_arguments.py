"""What a function answers to a keyword that it does not have: what is meant here, or why there is no such thing."""

from __future__ import annotations

from collections.abc import Sequence

from creche.errors import SYNONYMS, closest, nearest

__all__ = ["explain_unknown"]

_DEVICE = "device='cuda' trains on a GPU"
_PROGRESS = "a progress bar appears in notebooks and terminals, and on_progress=False switches it off"
_DECAY = "it is a field of the optimizer, such as optimizer=creche.Adam(weight_decay=0.01)"
_CLIPPING = "it is a field of the optimizer, such as optimizer=creche.Adam(clip_norm=1.0)"
_FEATURES = "all columns but the label are features; schema={'id': 'ignore'} leaves one out"
_CATEGORIES = "columns of words are categorical by themselves; schema={'zip': 'categorical'} makes another one so"
_METRICS = "evaluations have all metrics; early_stopping=creche.EarlyStopping(watch='auc') stops by one"
_FOLDS = "creche.cross_validate divides the rows into folds"

# Words of other libraries that no single argument stands for; an argument of the functions for which the sentence is
# true; and the sentence.
_ADVICE: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("devices", "gpu", "gpus", "cuda", "accelerator", "use_gpu", "device_type"), ("device", _DEVICE)),
    **dict.fromkeys(("verbose", "verbosity", "silent", "quiet", "disable_tqdm"), ("on_progress", _PROGRESS)),
    **dict.fromkeys(("features", "feature_names", "x_columns", "feature_columns", "usecols"), ("schema", _FEATURES)),
    **dict.fromkeys(("categorical_features", "cat_features", "cat_cols", "categorical"), ("schema", _CATEGORIES)),
    **dict.fromkeys(("metric", "metrics", "scoring", "eval_metric"), ("early_stopping", _METRICS)),
    **dict.fromkeys(("cv", "folds", "n_splits", "k_folds", "kfold"), ("validation_fraction", _FOLDS)),
    **dict.fromkeys(("alpha", "l2", "weight_decay", "reg_lambda"), ("optimizer", _DECAY)),
    **dict.fromkeys(("clip_norm", "max_grad_norm", "gradient_clip"), ("optimizer", _CLIPPING)),
    "momentum": ("optimizer", "it is a field of the optimizer, such as optimizer=creche.SGD(momentum=0.9)"),
}  # fmt: skip


def explain_unknown(name: str, choices: Sequence[str], others: Sequence[str] = ()) -> str:
    """Return the end of a message about a keyword that a function does not have.

    Parameters
    ----------
    name : str
    choices : sequence of str
        The keywords of the function.
    others : sequence of str
        Keywords of `creche.train` for what the function chooses by itself.

    Examples
    --------
    >>> explain_unknown("lr", ["epochs", "learning_rate"])
    "did you mean 'learning_rate'? Choose one of epochs, learning_rate"
    >>> explain_unknown("use_gpu", ["device"])
    "device='cuda' trains on a GPU"
    >>> explain_unknown("n_epochs", ["effort"], ["epochs"])
    'creche.fit chooses it, and creche.train takes it as epochs; choose one of effort'

    """
    typed = name.lower()
    if any(synonym in choices for synonym in SYNONYMS.get(typed, ())):
        return nearest(name, choices)
    needed, advice = _ADVICE.get(typed, ("", ""))
    if needed in choices:
        return advice
    if closest(name, choices) is None and (chosen := closest(name, others)) is not None:
        return f"creche.fit chooses it, and creche.train takes it as {chosen}; {nearest(name, choices)}"
    return nearest(name, choices)

"""Recipes: networks from the literature, as the arguments of `creche.train` that make them.

A recipe sets the network, the optimizer, the schedules and the preprocessing, some of it by the task or by the number
of training rows. What it leaves open, and its learning rate, batch size and number of epochs, can be given besides;
other arguments that it sets cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from creche._advice import advise
from creche.errors import PlanError
from creche.plan.arguments import ARGUMENTS, DEFAULTS, check_whole_number
from creche.plan.component import Component
from creche.plan.initializers import LecunUniform
from creche.plan.optimizers import Adam, AdamW
from creche.plan.row_order import Windows, choose_row_order
from creche.plan.words import RECIPES, RecipeName, Task, check_word
from creche.table.encoders.preprocessing import Preprocessing

if TYPE_CHECKING:
    from creche.training.arguments import TrainArguments

__all__ = ["apply_recipe", "check_recipe", "describe_recipe", "recipe_arguments"]

# Appendix A.1 of the paper of RealMLP; of categories too.
REALMLP_ENCODING: Mapping[str, Any] = MappingProxyType(
    {
        "scaling": "robust",
        "clip": "smooth",
        "binary": "sign",
        "infrequent": 1,
        "max_categories": 1000,
        "scale_categories": True,
    }
)

# TabM's batch size for numbers of training rows below these, and above all of them: that of TabArena, which its authors
# inferred from the tables of the paper.
TABM_BATCH_SIZES = MappingProxyType({2_800: 32, 4_500: 64, 6_400: 128, 32_000: 256, 108_000: 512})
TABM_LARGEST_BATCH = 1_024

# Where a recipe is described without a table.
USUAL_ROWS = 10_000

A = TypeVar("A", bound="TrainArguments")


def _plain(task: Task, rows: int) -> dict[str, Any]:
    """Return a usual multilayer perceptron: three layers of ReLU, Adam at a constant rate, early stopping."""
    del task, rows
    return {
        "hidden": (256, 256, 256),
        "activation": "relu",
        "optimizer": Adam(),
        "learning_rate": 1e-3,
        "batch_size": 256,
        "epochs": 256,
        "early_stopping": 40,
        "preprocessing": "standard",
    }


def _realmlp_s(task: Task, rows: int) -> dict[str, Any]:
    """Return RealMLP-TD-S of Holzmüller, Grinsztajn & Steinwart 2024, "Better by default", appendix A.

    In its NTK parameterization weights are drawn from N(0, 1), which here are those of `LecunNormal`. Label smoothing,
    which suits the share of errors and not the log loss, is left out.
    """
    del rows
    is_regression = task == "regression"
    return {
        "hidden": (256, 256, 256),
        "activation": "mish" if is_regression else "selu",
        "initializer": ("lecun_normal", "lecun_normal", "lecun_normal", "zeros"),
        "bias_initializer": ("normal", "normal", "normal", "zeros"),
        "scale_inputs": True,
        "optimizer": Adam(
            beta2=0.95,
            parameterization="ntk",
            groups={"biases": {"learning_rate": 0.1}, "scale": {"learning_rate": 6.0}},  # type: ignore[arg-type]
        ),
        "learning_rate": 0.07 if is_regression else 0.04,
        "schedule": "cosine_log",
        "batch_size": 256,
        "drop_last": True,
        "epochs": 256,
        "early_stopping": False,
        "keep": "best",
        "preprocessing": dict(REALMLP_ENCODING),
    }


def _tabm_mini(task: Task, rows: int) -> dict[str, Any]:
    """Return TabM-mini with piecewise-linear embeddings of Gorishniy, Kotelnikov & Babenko 2024, "TabM".

    It is the network of their package with what TabArena trains it with, where each submodel has batches of its own.
    Each category has an input of its own, and training ends at the 17th epoch in a row that brings nothing.
    """
    del task
    batch_size = next((size for limit, size in TABM_BATCH_SIZES.items() if rows < limit), TABM_LARGEST_BATCH)
    return {
        "hidden": (512, 512),
        "activation": "relu",
        "dropout": 0.1,
        "initializer": LecunUniform(gain=3**-0.5),  # within 1 / sqrt(inputs), as PyTorch's linear layers
        "bias_initializer": "uniform",
        "submodels": 32,
        "number_embedding": "linear",
        "optimizer": AdamW(weight_decay=3e-4, clip_norm=1.0),
        "learning_rate": 2e-3,
        "batch_size": batch_size,
        "submodel_batches": "own",
        "epochs": 256,
        "early_stopping": 17,
        "preprocessing": Preprocessing(
            scaling="quantile", numeric_encoding="piecewise_linear", bins=48, infrequent=1, max_categories=1000
        ),
    }


def _realmlp(task: Task, rows: int) -> dict[str, Any]:
    """Return RealMLP-TD of the same paper; label smoothing is left out as there.

    Its decay of a group's parameters is by the square of the group's factors, as in pytabkit: that of a learned scale,
    whose learning rate is 6 times that of weights, is 36 times theirs.
    """
    del rows
    is_regression = task == "regression"
    slow = {"learning_rate": 0.1, "weight_decay": 0.1}
    return {
        "hidden": (256, 256, 256),
        "activation": "mish" if is_regression else "selu",
        "parametric_activation": True,
        "dropout": 0.15,
        "dropout_schedule": "flat_cosine",
        "initializer": "unit_variance",
        "bias_initializer": "sampled",
        "scale_inputs": True,
        "number_embedding": "periodic",
        "category_embedding": 8,
        "optimizer": AdamW(
            beta2=0.95,
            weight_decay=0.02,
            parameterization="ntk",
            groups={
                "biases": {"learning_rate": 0.1},
                "scale": {"learning_rate": 6.0, "weight_decay": 6.0},
                "slopes": slow,
                "number_embeddings": slow,
            },  # type: ignore[arg-type]
        ),
        "learning_rate": 0.2 if is_regression else 0.04,
        "schedule": "cosine_log",
        "weight_decay_schedule": "flat_cosine",
        "batch_size": 256,
        "drop_last": True,
        "epochs": 256,
        "early_stopping": False,
        "keep": "best",
        "preprocessing": {**REALMLP_ENCODING, "clamp": True},
    }


_RECIPES: Mapping[RecipeName, Callable[[Task, int], dict[str, Any]]] = MappingProxyType(
    {"plain": _plain, "realmlp": _realmlp, "realmlp-s": _realmlp_s, "tabm-mini": _tabm_mini}
)


def describe_recipe(name: RecipeName, task: Task = "classification", *, rows: int | None = None) -> dict[str, Any]:
    """Return the arguments of `creche.train` that a recipe means, as plain data.

    Parameters
    ----------
    name : {"plain", "realmlp", "realmlp-s", "tabm-mini"}
        "plain" is a usual multilayer perceptron with three hidden layers of ReLU; "realmlp" and "realmlp-s" are
        RealMLP-TD and RealMLP-TD-S (Holzmüller, Grinsztajn & Steinwart 2024, "Better by default: Strong pre-tuned MLPs
        and boosted trees on tabular data", appendix A);
        "tabm-mini" is an ensemble of 32 submodels that share most of their weights (Gorishniy, Kotelnikov & Babenko
        2024, "TabM: Advancing tabular deep learning with parameter-efficient ensembling"), each with batches of its
        own; where ``shuffle=Windows(...)`` or a table on disk (`memory`) leaves them only a window of rows, they share
        their batches.
    task : {"classification", "regression", "multilabel"}, default "classification"
        Some arguments depend on it.
    rows : int, optional
        The number of training rows, on which the batch size of "tabm-mini" depends; 10,000 if it is left out.

    Raises
    ------
    PlanError
        If there is no such recipe, or the number of rows is not a whole number above 0.

    Examples
    --------
    >>> import creche as cr
    >>> describe_recipe("realmlp-s")["learning_rate"], describe_recipe("realmlp-s", "regression")["learning_rate"]
    (0.04, 0.07)
    >>> describe_recipe("tabm-mini", rows=1_000)["batch_size"], describe_recipe("tabm-mini", rows=5_000)["batch_size"]
    (32, 128)
    >>> run = cr.train("penguins", label="species", **{**describe_recipe("plain"), "epochs": 2}, threads=1)
    >>> str(run.plan.network)
    '14-256-256-256-3'

    """
    known = USUAL_ROWS if rows is None else check_whole_number("rows", rows, at_least=1)
    arguments = recipe_arguments(name, task, known)
    return {key: value.to_dict() if isinstance(value, Component) else value for key, value in arguments.items()}


def recipe_arguments(name: RecipeName, task: Task, rows: int = USUAL_ROWS) -> dict[str, Any]:
    """Return the arguments of a recipe, with components as objects.

    Raises
    ------
    PlanError
        If there is no such recipe.

    """
    return _RECIPES[check_word("recipe", name, RECIPES)](task, rows)


def check_recipe(arguments: TrainArguments) -> None:
    """Check that no argument contradicts the recipe among them.

    Raises
    ------
    PlanError
        If there is no such recipe, or it sets an argument that was given.

    """
    if arguments.recipe is not None:
        apply_recipe(arguments, "classification")


def apply_recipe(arguments: A, task: Task, rows: int = USUAL_ROWS, *, on_disk: bool = False) -> A:
    """Return the arguments with those of the recipe among them, if there is one.

    Only the batch size depends on the number of training rows. Submodels share their batches where rows come a window
    at a time: by the order of rows, or because the table is `on_disk`.

    Raises
    ------
    PlanError
        If there is no such recipe, or it sets an argument that was given.

    """
    if arguments.recipe is None:
        return arguments
    taken = {}
    recipe = recipe_arguments(arguments.recipe, task, rows)
    if "submodel_batches" in recipe and (on_disk or isinstance(choose_row_order(arguments.shuffle), Windows)):
        recipe["submodel_batches"] = DEFAULTS["submodel_batches"]
    for name, value in recipe.items():
        given = getattr(arguments, name)
        if not _differs(given, DEFAULTS[name]):
            taken[name] = value
        elif not ARGUMENTS[name].adjusts_recipe and _differs(given, value):
            raise PlanError(
                f"{name}: {advise('recipe', arguments.recipe)} sets it already; leave one of the two out",
                argument=name,
            )
    return replace(arguments, recipe=None, **taken)


def _differs(value: Any, default: Any) -> bool:
    if isinstance(value, list | tuple) and isinstance(default, list | tuple):
        return list(value) != list(default)
    return value is not default and value != default

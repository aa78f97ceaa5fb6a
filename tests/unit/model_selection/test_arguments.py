"""The functions that train many networks have the arguments of `creche.train`, with its defaults, and document them."""

from __future__ import annotations

import re
from collections.abc import Callable
from inspect import Parameter, getdoc, signature
from typing import Any

import pytest

import creche as cr
from creche.plan.arguments import OPTIMIZER_FIELDS, SWEEPABLE

SINGLE_RUN = {
    "plan", "processes", "on_epoch", "checkpoint", "checkpoint_every", "resume", "record", "changes", "steps",
}  # fmt: skip
FOLDS_REPLACE = {"split_column", "test_fraction", "validation_data", "test_data"}

# For each function the arguments of `creche.train` that it lacks, and those of its own.
FUNCTIONS: list[tuple[Callable[..., Any], set[str], set[str]]] = [
    (
        cr.sweep,
        SINGLE_RUN - {"checkpoint", "resume"},
        {
            "seeds",
            "folds",
            "repeats",
            "samples",
            "method",
            "halving",
            "bootstrap",
            "confirm",
            "cluster",
            *OPTIMIZER_FIELDS,
        },
    ),
    (
        cr.cross_validate,
        {"checkpoint", "checkpoint_every", "resume", "changes", "steps", "processes", *FOLDS_REPLACE},
        {"folds", "repeats", "seeds", "n_resamples", "cluster"},
    ),
    (
        cr.find_learning_rate,
        SINGLE_RUN | {"learning_rate", "keep"},  # what a rate leads to shows in the last weights
        {"rates", "seeds", "extend", "confirm", "cluster", *OPTIMIZER_FIELDS},
    ),
    (cr.sweep_with_optuna, SINGLE_RUN, {"study", "space", "pack", "rounds", "seeds", "cluster", *OPTIMIZER_FIELDS}),
]
each_function = pytest.mark.parametrize(
    ("function", "lacking", "own"), FUNCTIONS, ids=lambda x: getattr(x, "__name__", "")
)


@each_function
def test_the_signature_is_that_of_train(function: Callable[..., Any], lacking: set[str], own: set[str]) -> None:
    expected, parameters = signature(cr.train).parameters, signature(function).parameters
    assert set(parameters) == (set(expected) - lacking) | own
    assert all(parameter.kind is not Parameter.VAR_KEYWORD for parameter in parameters.values())
    for name in set(parameters) & set(expected):
        assert parameters[name].default == expected[name].default, name
        assert parameters[name].kind == expected[name].kind, name
    shared = [name for name in parameters if name in expected and name not in ("seed", *OPTIMIZER_FIELDS)]
    in_order = [name for name in expected if name in shared]
    # The callbacks and the checkpoint, which differ from those of `train`, come last.
    last = {"on_epoch", "on_progress", "checkpoint", "resume", "record"}
    assert [name for name in shared if name not in last] == [name for name in in_order if name not in last]
    if function in (cr.sweep, cr.sweep_with_optuna):
        several = {name for name, parameter in parameters.items() if "Values[" in str(parameter.annotation)}
        assert several | {"hidden"} == set(SWEEPABLE)


@each_function
def test_the_docstring_has_each_parameter_once(function: Callable[..., Any], lacking: set[str], own: set[str]) -> None:
    text = (getdoc(function) or "").partition("\nParameters\n")[2].partition("\nReturns\n")[0]
    heads = [line.partition(" : ")[0] for line in text.splitlines() if re.match(r"\w", line)]
    documented = [name for head in heads for name in head.split(", ")]
    assert sorted(documented) == sorted(signature(function).parameters)
    for line in text.splitlines():
        stated = re.match(r"(\w+) : .*default (.+)$", line)
        if stated and stated[1] != "rates":
            default = signature(function).parameters[stated[1]].default
            assert stated[2].strip('`"') == str(default), stated[1]


@each_function
def test_an_argument_that_does_not_exist_is_named(
    function: Callable[..., Any], lacking: set[str], own: set[str]
) -> None:
    with pytest.raises(cr.PlanError, match=f"hiden: unknown argument of {function.__name__}; did you mean 'hidden'"):
        function("penguins", label="species", hiden=[5])
    if "plan" in lacking:
        with pytest.raises(cr.PlanError, match=f"plan: belongs to a single run .*leave it out of {function.__name__}"):
            function("penguins", label="species", plan=None)


def test_the_same_arguments_as_a_plan_are_not_refused() -> None:
    """The defaults of `cross_validate` equal those of `train`, which a plan does not contradict."""
    plan = cr.train("penguins", label="species", hidden=[3], epochs=1, early_stopping=False, threads=1).plan
    crossed = cr.cross_validate("penguins", label="species", folds=2, plan=plan, threads=1)
    assert crossed.members[0].plan.network == plan.network
    with pytest.raises(cr.PlanError, match="plan: it sets hidden already"):
        cr.cross_validate("penguins", label="species", folds=2, plan=plan, hidden=[4])


def test_results_have_one_shape() -> None:
    """`table`, `to_dict` and `plot`."""
    for result in (cr.Colony, cr.CrossValidation, cr.LearningRates, cr.OptunaSweep):
        assert all(callable(getattr(result, name)) for name in ("table", "to_dict", "plot"))

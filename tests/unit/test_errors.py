from __future__ import annotations

import pickle
from typing import Any

import pytest

import creche as cr
from creche import errors
from creche.errors import closest, nearest


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (cr.PlanError, ValueError),
        (cr.TableError, ValueError),
        (cr.FileError, OSError),
        (cr.DivergedError, ArithmeticError),
        (cr.ProcessError, RuntimeError),
    ],
)
def test_the_tree_of_errors(kind: type[Exception], builtin: type[Exception]) -> None:
    assert issubclass(kind, cr.CrecheError)
    assert issubclass(kind, builtin)


def test_every_error_is_in_the_tree() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(kind, cr.CrecheError | cr.CrecheWarning) for kind in kinds)
    assert not issubclass(cr.CrecheWarning, cr.CrecheError)


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("adm", "did you mean 'adam'? Choose one of adam, sgd"),
        ("zzz", "choose one of adam, sgd"),
        (None, "choose one of adam, sgd"),
    ],
)
def test_nearest(word: object, says: str) -> None:
    assert nearest(word, ["adam", "sgd"]) == says


def test_only_the_first_of_many_choices_are_listed() -> None:
    said = nearest("c77", [f"c{i}" for i in range(10_000)])
    assert said.startswith("did you mean 'c77'? Choose one of c0, c1, ")
    assert said.endswith("c39, … (9,960 more)")


@pytest.mark.parametrize(
    ("word", "words", "right"),
    [
        ("classes", ["classification", "regression"], "classification"),
        ("numbers", ["classification", "regression"], "regression"),
        ("number", ["classification", "regression"], "regression"),
        ("binary", ["classification", "regression"], "classification"),
        ("number", ["numeric", "categorical"], "numeric"),
        ("category", ["numeric", "categorical"], "categorical"),
        ("yes_no", ["numeric", "boolean"], "boolean"),
        ("date", ["numeric", "datetime"], "datetime"),
        ("encoding", ["label", "preprocessing"], "preprocessing"),
        ("encoding", ["separator", "text_encoding"], "text_encoding"),
        ("reading", ["hidden", "read_options"], "read_options"),
        ("every", ["resume", "checkpoint_every"], "checkpoint_every"),
        ("intervals", ["folds", "n_resamples"], "n_resamples"),
        ("LR", ["epochs", "learning_rate"], "learning_rate"),
        ("hidden-layer-sizes", ["epochs", "hidden"], "hidden"),
        ("target", ["epochs", "label"], "label"),
        ("mse", ["huber", "squared_error"], "squared_error"),
        ("swish", ["relu", "silu"], "silu"),
        ("tune", ["train", "sweep"], "sweep"),
    ],
)
def test_a_synonym_is_suggested_where_it_may_be_chosen(word: str, words: list[str], right: str) -> None:
    assert closest(word, words) == right
    assert closest(word, ["zz"]) is None


def test_an_error_names_the_argument_that_is_wrong() -> None:
    error = cr.PlanError("epochs: got -1", argument="epochs")
    assert (str(error), error.argument) == ("epochs: got -1", "epochs")
    assert cr.CrecheError("no room").argument is None
    for kind in (cr.FileError, cr.TableError, errors.UnknownArgumentError):
        copy = pickle.loads(pickle.dumps(kind("message", argument="label")))
        assert (type(copy), str(copy), copy.argument) == (kind, "message", "label")


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"epochs": -1}, "epochs"), ({"optimizer": "adm"}, "optimizer"), ({"learning_rate": -1}, "learning_rate"),
        ({"hidden": 5}, "hidden"), ({"dropout": 2.0}, "dropout"), ({"activation": "rule"}, "activation"),
        ({"loss": "huber"}, "loss"), ({"task": "ranking"}, "task"), ({"precision": "float8"}, "precision"),
        ({"standardize": 3}, "standardize"), ({"seed": -1}, "seed"), ({"record": "loss"}, "record"),
        ({"resume": True}, "resume"), ({"plan": 3}, "plan"), ({"on_epoch": 3}, "on_epoch"), ({"lr": 3}, "lr"),
        ({"early_stopping": 0}, "patience"), ({"schedule": "linear"}, "schedule"), ({"batch_size": 0}, "batch_size"),
    ],
    ids=str,
)  # fmt: skip
def test_training_names_the_argument_that_is_wrong(arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(cr.CrecheError) as refusal:
        cr.train("penguins", label="species", **arguments)
    assert refusal.value.argument == argument


def test_a_diverged_error_can_be_pickled() -> None:
    error = cr.DivergedError("the loss is no longer finite", 3, 7, 0.5, run=object())  # type: ignore[arg-type]
    told = pickle.loads(pickle.dumps(error))
    assert type(told) is cr.DivergedError
    assert (str(told), told.epoch, told.batch, told.learning_rate) == ("the loss is no longer finite", 3, 7, 0.5)
    assert told.run is None

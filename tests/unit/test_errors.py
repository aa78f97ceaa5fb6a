from __future__ import annotations

import pickle

import pytest

import creche as cr
from creche import errors
from creche.errors import nearest


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (cr.PlanError, ValueError),
        (cr.TableError, ValueError),
        (cr.FileError, OSError),
        (cr.DivergedError, ArithmeticError),
    ],
)
def test_the_tree(kind: type[Exception], builtin: type[Exception]) -> None:
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


def test_of_very_many_words_only_the_first_are_told() -> None:
    said = nearest("c77", [f"c{i}" for i in range(10_000)])
    assert said.startswith("did you mean 'c77'? Choose one of c0, c1, ")
    assert said.endswith("c39, … (9,960 more)")


def test_divergence_can_be_told_to_another_process() -> None:
    error = cr.DivergedError("the loss is no longer finite", 3, 7, 0.5, run=object())  # type: ignore[arg-type]
    told = pickle.loads(pickle.dumps(error))
    assert type(told) is cr.DivergedError
    assert (str(told), told.epoch, told.batch, told.learning_rate) == ("the loss is no longer finite", 3, 7, 0.5)
    assert told.run is None

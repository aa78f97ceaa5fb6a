"""The arguments that `creche.train` shares with the functions that train many networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.model_selection.jobs import OF_ONE_RUN, complete_arguments
from creche.model_selection.search_space import OF_THE_OPTIMIZER, Range
from creche.training.train import train

__all__ = [
    "NumericValues",
    "Values",
    "check_argument_names",
    "select_shared_arguments",
    "select_train_arguments",
]

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")

# One value for all networks, or a list of the values to try.
Values: TypeAlias = T | Sequence[T]

# The same for numbers, which may also come as an array or a range.
NumericValues: TypeAlias = T | Sequence[T] | NDArray[np.number[Any]] | Range

Check = Callable[[Mapping[str, Any]], object]


def check_argument_names(check: Check | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function name the nearest argument where it is called with one that it does not have.

    Parameters
    ----------
    check : callable, optional
        Called with the arguments that the function does not have, before they are refused; raises an error of its own
        where there is more to say about one of them.

    Examples
    --------
    >>> @check_argument_names()
    ... def double(number: float) -> float:
    ...     return 2 * number
    >>> double(nubmer=3)
    Traceback (most recent call last):
    ...
    creche.errors.PlanError: nubmer: unknown argument; did you mean 'number'? There are: number

    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = tuple(signature(function).parameters)

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            unknown = {name: value for name, value in kwargs.items() if name not in known}
            if unknown:
                if check is not None:
                    check(unknown)
                _refuse(next(iter(unknown)), known, function.__name__)
            return function(*args, **kwargs)

        return checked

    return decorate


def _refuse(name: str, known: Sequence[str], function: str) -> None:
    if name in signature(train).parameters:
        raise PlanError(f"{name}: belongs to a single run of creche.train; leave it out of {function}")
    raise PlanError(f"{name}: unknown argument; {nearest(name, known)}")


def select_train_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Select the arguments that belong to `creche.train` or to the optimizer, by their names.

    A value equal to the default of `creche.train` becomes that very object, because a plan does not go with arguments
    other than the default.
    """
    parameters = signature(train).parameters
    selected = {name: value for name, value in arguments.items() if name in parameters or name in OF_THE_OPTIMIZER}
    for name, value in selected.items():
        default = parameters[name].default if name in parameters else None
        if type(value) is type(default) and isinstance(value, tuple | float) and value == default:
            selected[name] = default
    return selected


def select_shared_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Select the arguments that describe the networks of a sweep and their rows, without the seed.

    Arguments of `creche.train` that are missing have their default.
    """
    selected = {name: v for name, v in select_train_arguments(arguments).items() if name not in OF_ONE_RUN}
    return {name: value for name, value in complete_arguments(selected).items() if name != "seed"}

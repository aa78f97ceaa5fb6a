"""The arguments that `creche.train` shares with the functions that train many networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.errors import UnknownArgumentError
from creche.model_selection.jobs import ONE_RUN, complete_arguments
from creche.model_selection.search_space import Range
from creche.plan.arguments import DEFAULTS, OPTIMIZER_FIELDS, reject_unknown

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
    creche.errors.UnknownArgumentError: nubmer: unknown argument of double; did you mean 'number'? Choose one of number

    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        known = frozenset(signature(function).parameters)
        strict = reject_unknown(function)

        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            unknown = {name: value for name, value in kwargs.items() if name not in known}
            if unknown and check is not None:
                check(unknown)
            for name in unknown:
                if name in DEFAULTS:
                    raise UnknownArgumentError(
                        f"{name}: belongs to a single run of {advise('creche.train')}; leave it out of "
                        f"{function.__name__}",
                        argument=name,
                    )
            return strict(*args, **kwargs)

        return checked

    return decorate


def select_train_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Select the arguments that belong to `creche.train`, by their names; all but the data."""
    return {name: value for name, value in arguments.items() if name in DEFAULTS}


def select_shared_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Select the arguments that describe the networks of a sweep and their rows, without the seed.

    Arguments of `creche.train` that are missing have their default.
    """
    known = {*DEFAULTS, *OPTIMIZER_FIELDS} - set(ONE_RUN)
    selected = {name: value for name, value in arguments.items() if name in known}
    return {name: value for name, value in complete_arguments(selected).items() if name != "seed"}

"""How columns become inputs of the network: the user's choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from creche.errors import PlanError
from creche.plan.component import Component, count_field
from creche.plan.words import SCALINGS, Scaling, check_word

__all__ = ["Preprocessing"]


MAX_BUCKETS = 4096


@dataclass(frozen=True, slots=True, repr=False)
class Preprocessing(Component):
    """How columns become inputs of the network.

    Parameters
    ----------
    scaling : {"standard", "robust", "quantile", "none"}, default "standard"
        How numbers are scaled. "standard": to mean 0 and standard deviation 1. "robust": to median 0, divided by the
        distance between the quartiles, which a few extreme values do not move. "quantile": to the standard normal
        number of the same rank, which makes any distribution a normal one. "none": not at all.
    infrequent : int, default 5
        Categories with fewer training rows than this share one input, as do categories that never occurred in training.
    max_categories : int, default 32
        The number of categories of a column with an input of their own; if more are frequent, the rest are hashed.
    buckets : int, default 16
        The number of inputs into which the rest is hashed.

    Examples
    --------
    >>> Preprocessing.of("quantile")
    Preprocessing(scaling='quantile')

    """

    scaling: Scaling = "standard"
    infrequent: int = count_field(5)
    max_categories: int = count_field(32)
    buckets: int = count_field(16, at_most=MAX_BUCKETS)

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        object.__setattr__(self, "scaling", check_word("preprocessing", self.scaling, SCALINGS))

    @classmethod
    def of(cls, choice: Preprocessing | Mapping[str, Any] | Scaling | None) -> Preprocessing:
        """Make preprocessing from None (the defaults), the name of a scaling, a dict of fields, or itself.

        Raises
        ------
        PlanError
            If it is none of these.

        """
        if choice is None:
            return cls()
        if isinstance(choice, str):
            return cls(scaling=choice)
        if isinstance(choice, Mapping):
            return cls.from_dict(choice)
        if not isinstance(choice, cls):
            raise PlanError(
                f"preprocessing: got {choice!r}; needs a Preprocessing, a dict of its fields, or one of "
                f"{', '.join(SCALINGS)}"
            )
        return choice

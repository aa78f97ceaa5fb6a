"""The features of a batch as the user gave them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from creche.table.columns import Table
from creche.table.observations import Observations

__all__ = ["as_given", "given_features"]


def given_features(observations: Observations, names: Sequence[str]) -> dict[str, list[Any]]:
    """The values of these columns, None for missing."""
    x = observations.x
    if isinstance(x, Table):
        return {name: x.columns[name].objects().tolist() for name in names if name in x.columns}
    return dict(zip(names, x.T.tolist(), strict=True))


def as_given(value: Any) -> str:
    """A value as it stands in a cell.

    Examples
    --------
    >>> as_given(3750.0), as_given(18.7), as_given("Biscoe"), as_given(None), as_given(True)
    ('3750', '18.7', 'Biscoe', 'missing', 'yes')

    """
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value).removesuffix(" 00:00:00")

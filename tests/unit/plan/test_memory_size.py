"""Amounts of memory as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from creche.errors import PlanError
from creche.plan.memory_size import parse_memory


@pytest.mark.parametrize(
    ("value", "size"),
    [("8GB", 8 * 10**9), ("500 mb", 5 * 10**8), ("1.5GiB", 3 * 2**29), ("2k", 2000), ("123", 123), (10**6, 10**6)],
)
def test_amounts(value: str | int, size: int) -> None:
    assert parse_memory(value) == size


@pytest.mark.parametrize("value", ["", "eight", "8 apples", "-1GB", 0, "0", True, None, 1.5, [8]])
def test_what_is_no_amount(value: Any) -> None:
    with pytest.raises(PlanError, match="memory: got"):
        parse_memory(value)

"""What `shuffle` takes, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

import creche as cr
from creche.errors import PlanError
from creche.plan.row_order import choose_row_order

NETWORK = cr.Network.of(2, [3], 2)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, True), (False, False), ("windows", cr.Windows()), ("Windows:1000", cr.Windows(1000)),
        ("windows:1000,50", cr.Windows(1000, 50)), ({"kind": "windows", "block": 9}, cr.Windows(9)),
        (cr.Windows(3, 2), cr.Windows(3, 2)),
    ],
)  # fmt: skip
def test_each_way_to_give_an_order(given: Any, expected: Any) -> None:
    assert choose_row_order(given) == expected
    assert cr.Plan(NETWORK, shuffle=given).shuffle == expected


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (1, "shuffle: got 1; needs True, False or Windows"), (None, "shuffle: got None; needs"),
        ("window", "shuffle: got 'window'; needs"), ("windows:", "needs rows and blocks after the colon"),
        ("windows:1,2,3", "needs rows and blocks after the colon"), ("windows:0", "Windows.block: got 0"),
        ({"kind": "blocks"}, "shuffle: got {'kind': 'blocks'}"), ({"blocks": 3}, "unknown key 'blocks'"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message.replace("{", r"\{")):
        cr.Plan(NETWORK, shuffle=wrong)


@pytest.mark.parametrize("numbers", [{"block": 0}, {"window": 0}, {"block": 1.5}, {"window": 2**31}, {"block": True}])
def test_numbers_out_of_range_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match=rf"Windows\.{next(iter(numbers))}: got "):
        cr.Windows(**numbers)


def test_plans_go_through_json() -> None:
    plan = cr.Plan(NETWORK, shuffle=cr.Windows(7, 5))
    assert cr.Plan.from_json(plan.to_json()) == plan
    assert json.loads(plan.to_json())["shuffle"] == {"kind": "windows", "block": 7, "window": 5}
    assert json.loads(cr.Plan(NETWORK).to_json())["shuffle"] is True

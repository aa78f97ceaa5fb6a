"""Changes of a plan: what they say, how they join, and what is refused."""

from __future__ import annotations

from dataclasses import fields

import pytest

import creche as cr
from creche.errors import PlanError
from creche.plan.arguments import CHANGEABLE
from creche.plan.changes import Change, SetWeight, join_changes, order_changes

PLAN = cr.Plan(cr.Network.of(4, [5, 3], 3, dropout=0.1), optimizer=cr.Adam(weight_decay=0.5), epochs=20)


def test_a_change_has_a_field_for_each_argument_that_can_change() -> None:
    assert {field.name for field in fields(Change)} - {"step", "weights", "label_smoothing"} == set(CHANGEABLE)


def test_what_is_not_given_stays() -> None:
    plan = cr.Plan.from_dict({**PLAN.to_dict(), "changes": [{"step": 3, "learning_rate": 0.1}]})
    changed = plan.after_changes(1)
    assert changed.optimizer == cr.Adam(learning_rate=0.1, weight_decay=0.5)
    assert (changed.network, changed.epochs, changed.changes) == (PLAN.network, 20, ())
    assert plan.after_changes(0) == PLAN


def test_another_optimizer_brings_its_own_numbers() -> None:
    changed = Change(0, optimizer="sgd", l1=0.25).apply(PLAN)
    assert changed.optimizer == cr.SGD(l1=0.25)


def test_dropout_is_that_of_hidden_layers() -> None:
    changed = Change(0, dropout=0.5).apply(PLAN)
    assert [layer.dropout for layer in changed.network.layers] == [0.5, 0.5, 0.0]


def test_changes_are_ordered_by_step_and_survive_a_file() -> None:
    changes = [Change(9, batch_size=2), {"step": 4, "weights": [{"layer": 1, "target": 2, "value": 0.5}]}]
    plan = cr.Plan.from_json(cr.Plan(PLAN.network, changes=changes).to_json())  # type: ignore[arg-type]
    assert plan.changes == (Change(4, weights=(SetWeight(1, 2, 0.5),)), Change(9, batch_size=2))


def test_a_plan_without_changes_says_nothing_of_them() -> None:
    assert "changes" not in PLAN.to_dict()


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        (Change(3, learning_rate=0.5, l1=0.1), Change(3, learning_rate=0.1), (Change(3, learning_rate=0.1, l1=0.1),)),
        (Change(3, learning_rate=0.5), Change(4, learning_rate=0.1), None),
        (Change(3, optimizer="sgd"), Change(3, learning_rate=0.1), None),
        (Change(3, learning_rate=0.1), Change(3, optimizer="sgd"), None),
        (
            Change(3, weights=(SetWeight(0, 1, 0.5), SetWeight(0, 2, 0.5))),
            Change(3, weights=(SetWeight(0, 1, 0.25),)),
            (Change(3, weights=(SetWeight(0, 1, 0.25), SetWeight(0, 2, 0.5))),),
        ),
    ],
)  # fmt: skip
def test_changes_of_one_step_join_unless_one_replaces_the_optimizer(
    first: Change, second: Change, joined: tuple[Change, ...] | None
) -> None:
    changes = join_changes([first, second])
    assert changes == ((first, second) if joined is None else joined)
    # Whether or not they join, the plan that results is that of one after the other.
    plan = second.apply(first.apply(PLAN))
    for change in changes:
        assert change.apply(plan) == change.apply(second.apply(first.apply(PLAN)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"step": 3, "weights": [SetWeight(2, 3, 0.5)]}, r"SetWeight.target: got 3; needs a whole number from 0 to 2"),
        ({"step": 3, "weights": [SetWeight(3, 0, 0.5)]}, r"SetWeight.layer: got 3; needs a whole number from 0 to 2"),
        ({"step": 3, "weights": [SetWeight(0, 0, 0.5, 4)]}, r"SetWeight.source: got 4"),
        ({"step": 3, "weights": 7}, "needs a list of SetWeight"),
        ({"step": -1}, "Change.step"),
        ({"step": 3, "learning_rate": -1}, "Change.learning_rate"),
        ({"step": 3, "optimizer": "adamm"}, "did you mean 'adam'"),
        ({"step": 3, "momentum": 0.1}, "unknown key 'momentum'"),
        (7, "needs Change objects"),
    ],
)
def test_what_cannot_be_is_refused(change: object, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        cr.Plan(PLAN.network, changes=(change,))  # type: ignore[arg-type]


def test_label_smoothing_needs_a_loss_that_has_it() -> None:
    with pytest.raises(PlanError, match=r"label_smoothing: got 0\.1, but the loss 'binary_cross_entropy' has none"):
        cr.Plan(PLAN.network, loss="binary_cross_entropy", changes=[{"step": 0, "label_smoothing": 0.1}])  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", ["200:l1=1", {"step": 3}, 7])
def test_changes_are_a_list(changes: object) -> None:
    with pytest.raises(PlanError, match="needs a list of Change objects"):
        order_changes(changes)

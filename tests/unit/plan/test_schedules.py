from __future__ import annotations

import pytest

from creche.errors import PlanError
from creche.plan import SCHEDULES
from creche.plan.schedules import (
    Constant,
    Cosine,
    CosineLog,
    Exponential,
    FlatCosine,
    OneCycle,
    ReduceOnPlateau,
    Step,
    Warmup,
)


@pytest.mark.parametrize("kind", [Cosine, CosineLog, FlatCosine, OneCycle])
@pytest.mark.parametrize(("per", "length"), [("epoch", 30.0), ("step", 480.0)])
def test_a_missing_length_becomes_the_length_of_the_run(kind: type, per: str, length: float) -> None:
    assert kind(per=per).length is None
    assert kind(per=per).resolved(30, 480).length == length


def test_a_given_length_is_kept() -> None:
    for schedule in (
        Cosine(7),
        CosineLog(7),
        FlatCosine(7),
        OneCycle(7),
        Step(7),
        Constant(),
        Exponential(),
        ReduceOnPlateau(),
    ):
        assert schedule.resolved(30, 480) == schedule


def test_a_run_of_no_epochs_still_has_a_length() -> None:
    assert Cosine().resolved(0, 0).length == 1.0


def test_what_follows_a_warmup_takes_the_rest_of_the_run() -> None:
    assert Warmup(5, then=Cosine()).resolved(30, 480).then == Cosine(25)
    assert Warmup(80, per="step", then=Cosine(per="step")).resolved(30, 480).then == Cosine(400, per="step")
    assert Warmup(50, then="cosine").resolved(30, 480).then == Cosine(1)


def test_warmup_is_followed_by_a_word_a_dict_or_a_schedule() -> None:
    expected = Warmup(5, then=Cosine())
    assert Warmup(5, then="cosine") == expected
    assert Warmup(5, then={"kind": "cosine"}) == expected
    assert SCHEDULES.of({"kind": "warmup", "length": 5, "then": {"kind": "cosine"}}) == expected


def test_a_constant_after_a_warmup_counts_in_its_unit() -> None:
    assert Warmup(5, per="step").then == Constant(per="step")


def test_warmup_and_the_schedule_after_it_count_in_the_same_unit() -> None:
    with pytest.raises(PlanError, match=r"Warmup\.then: counts per 'epoch', the warm-up per 'step'"):
        Warmup(5, per="step", then=Cosine())
    with pytest.raises(PlanError, match=r"Warmup\.then: counts per 'step', the warm-up per 'epoch'"):
        Warmup(5, then=OneCycle())


def test_warmup_cannot_follow_itself() -> None:
    with pytest.raises(PlanError, match=r"Warmup\.then: got another Warmup"):
        Warmup(5, then=Warmup())


def test_an_unknown_word_after_a_warmup_is_refused_with_its_place() -> None:
    with pytest.raises(PlanError, match=r"Warmup\.then: got 'cosin'; did you mean 'cosine'"):
        Warmup(5, then="cosin")


@pytest.mark.parametrize("kind", [Constant, Step, Exponential, Cosine, CosineLog, FlatCosine, OneCycle])
def test_schedules_count_epochs_or_steps(kind: type) -> None:
    with pytest.raises(PlanError, match=rf"{kind.__name__}\.per: got 'batch'; choose one of epoch, step"):
        kind(per="batch")


def test_a_plateau_counts_epochs_only() -> None:
    with pytest.raises(PlanError, match=r"ReduceOnPlateau\.per: got 'step'; needs 'epoch'"):
        ReduceOnPlateau(per="step")


@pytest.mark.parametrize("cycles", [0, 31, 2.5])
def test_cycles_are_a_few_whole_ones(cycles: object) -> None:
    with pytest.raises(PlanError, match=r"CosineLog\.cycles: got .*; needs a whole number of at "):
        CosineLog(cycles=cycles)  # type: ignore[arg-type]


def test_only_a_plateau_follows_the_loss() -> None:
    following = [key for key, kind in SCHEDULES.members.items() if kind().follows_loss]
    assert following == ["reduce_on_plateau"]
    assert Warmup(5, then=ReduceOnPlateau()).follows_loss


def test_a_warmup_in_another_unit_is_refused() -> None:
    with pytest.raises(PlanError, match=r"Warmup\.per: got 'batch'; choose one of epoch, step"):
        Warmup(per="batch")

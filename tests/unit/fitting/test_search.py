"""Rounds, budgets, clocks and Ctrl-C."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

import creche as cr
from creche.fitting import candidate, fold_tables, search
from creche.fitting import fit as fitting
from creche.fitting import policy as policies
from creche.fitting.configuration import Configuration
from creche.fitting.policy import (
    BEST_FACTOR,
    LATE,
    LENGTH,
    LENGTHENED_FACTOR,
    RANDOM_PER_ROUND,
    Policy,
    TableShape,
    choose_policy,
)
from tests.unit.fitting.small_fits import stop_at, weights_of
from tests.unit.small_runs import line, two_classes

pytestmark = pytest.mark.usefixtures("tiny")


class Clock:
    """A clock that goes on by a second with each look at it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: float = 1.0) -> None:
        self.now, self.step = 0.0, step
        for module in (search.time, fitting.clock):
            monkeypatch.setattr(module, "monotonic", self)

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def test_best_takes_sixteen_times_the_work() -> None:
    x, y = two_classes()
    default = cr.fit(x, y, effort="default", threads=1)
    best = cr.fit(x, y, effort="best", threads=1)
    assert [each.first for each in best.record.rounds][:3] == [0, 2, len(default.record.tried)]
    assert len(default.record.rounds) == 2
    first, longer = (sum(each.work for each in default.record.tried if (each.number < 2) == is_first)
                     for is_first in (True, False))  # fmt: skip
    assert 0.5 * BEST_FACTOR < (best.record.work - longer) / first <= BEST_FACTOR
    assert len(best.record.tried) > len(default.record.tried)
    assert best.record.rounds[:2] == default.record.rounds


@dataclass(frozen=True)
class Known:
    """A configuration that was tried."""

    configuration: Configuration
    epoch: int
    work: float = 1.0


def test_those_of_the_best_that_were_still_learning_are_tried_for_longer() -> None:
    first = tuple(Configuration(name, (4,), epochs=20) for name in "abcdef")
    policy = Policy(TableShape(500, 10, 2), 0, 5, first, 1, lengthened=4)
    ranked = [Known(*each) for each in zip(first, (20, 13, 14, 2, 20, 20), strict=True)]
    longer = policy.lengthen(ranked, 6.0 / LENGTHENED_FACTOR)
    assert longer.first[:6] == first
    assert [(each.name, each.epochs) for each in longer.first[6:]] == [("a, longer", 60), ("c, longer", 60)]
    assert longer.lengthen(ranked, 6.0 / LENGTHENED_FACTOR) == longer  # once only
    assert {longer.count_known(number) for number in range(8 + RANDOM_PER_ROUND)} == {0, 8}
    assert choose_policy(TableShape(500, 10, 2), "fast", 0).lengthened == 0
    assert [choose_policy(TableShape(rows, 10, 2), "default", 0).lengthened for rows in (9_999, 10_000)] == [4, 0]


def test_what_is_tried_for_longer_takes_a_share_of_the_work_of_the_first_round() -> None:
    first = tuple(Configuration(name, (4,), epochs=20) for name in "abc")
    policy = Policy(TableShape(500, 10, 2), 0, 5, first, 1, lengthened=4)
    ranked = [Known(each, 20, work) for each, work in zip(first, (8.0, 2.0, 1.5), strict=True)]
    allowed = {work: policy.lengthen(ranked, work / LENGTHENED_FACTOR).first[3:] for work in (10.4, 10.6)}
    names = {work: [each.name for each in longer] for work, longer in allowed.items()}
    assert names == {10.4: ["b, longer"], 10.6: ["b, longer", "c, longer"]}


def test_what_is_tried_for_longer_follows_the_first_round(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = two_classes()
    monkeypatch.setattr(policies, "LENGTHENED_FACTOR", 10.0)
    record = cr.fit(x, y, threads=1).record
    tried = {each.number: each for each in record.tried}
    late = [n for n in (0, 1) if tried[n].epoch > LATE * tried[n].epochs]
    late.sort(key=lambda n: tried[n].score)
    assert late  # else this tests nothing
    assert [tried[number].name for number in range(2, len(tried))] == [f"{tried[n].name}, longer" for n in late]
    assert record.rounds[1].epochs <= LENGTH * max(tried[n].epochs for n in late)
    assert record.status == "finished"


def test_progress_goes_from_none_to_all() -> None:
    shares, best, left = [], [], []

    def note(progress: cr.FitProgress) -> None:
        shares.append(progress.share)
        best.append(progress.best)
        left.append(progress.seconds_left)
        assert progress.tried + progress.training <= 2 or progress.tried >= 2

    model = cr.fit(*line(), effort="best", threads=1, on_progress=note)
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1, abs=0.1)
    assert best[0] is None
    known = [each for each in best if each is not None]
    assert known == sorted(known, reverse=True)
    assert known[-1] == pytest.approx(min(each.score for each in model.record.tried), rel=1e-9)
    assert left[0] is None
    assert left[-1] is not None


@pytest.mark.parametrize("call", [2, 3, 8, 11, 12, 13])  # in the first round, between rounds, and in the second
def test_ctrl_c_keeps_the_best_so_far_and_what_it_did_can_be_verified(call: int) -> None:
    x, y = two_classes()
    with pytest.raises(KeyboardInterrupt) as stopped:
        cr.fit(x, y, effort="best", threads=1, on_progress=stop_at(call))
    model = stopped.value.model  # type: ignore[attr-defined]
    assert model.record.status == "interrupted"
    assert 1 <= len(model.record.tried) <= 2 + search.RANDOM_PER_ROUND
    assert model.predict(x).shape == (80,)
    assert cr.verify(model, x, y, threads=2).same


def test_ctrl_c_before_the_first_epoch_has_no_model() -> None:
    with pytest.raises(KeyboardInterrupt) as stopped:
        cr.fit(*two_classes(), effort="fast", threads=1, on_progress=stop_at(1))
    assert not hasattr(stopped.value, "model")


def test_a_time_limit_tries_more_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = two_classes()
    with monkeypatch.context() as patch:
        Clock(patch)
        model = cr.fit(x, y, effort="fast", time_limit=60, threads=1)
    assert len(model.record.rounds) > 1
    assert model.record.time_limit == 60
    assert cr.verify(model, x, y).same


def test_a_time_limit_that_ends_the_first_round_says_so_and_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = line()
    with monkeypatch.context() as patch:
        Clock(patch)
        with pytest.warns(cr.CrecheWarning, match="time_limit: 4 seconds were over in the middle of the first"):
            model = cr.fit(x, y, effort="fast", time_limit=4, threads=1)
    assert model.record.status == "out of time"
    (only,) = model.record.rounds
    assert 1 <= only.epochs < 9
    assert 0 < model.record.work < cr.fit(x, y, effort="fast", threads=1).record.work
    assert cr.verify(model, x, y).same
    with monkeypatch.context() as patch:  # a machine so slow that the limit is over before the first epoch
        Clock(patch, 1000.0)
        assert cr.verify(model, x, y).same


def test_a_time_limit_shows_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    left = []
    Clock(monkeypatch)
    cr.fit(*two_classes(), effort="fast", time_limit=60, threads=1, on_progress=lambda p: left.append(p.seconds_left))
    assert left == sorted(left, reverse=True)
    assert 0 <= left[-1] < left[0] < 60


def test_more_budget_contains_what_less_would_try() -> None:
    shape = TableShape(500, 10, 2)
    policies = [choose_policy(shape, effort, 3) for effort in ("fast", "default", "best")]
    for small, large in pairwise(policies):
        assert small.first == large.first[: len(small.first)]
    best = policies[-1].first[3:]
    drawn = [policies[-1].configuration(number, best) for number in range(40)]
    assert len(set(map(repr, drawn))) > 30
    assert drawn == [choose_policy(shape, "best", 3).configuration(number, best) for number in range(40)]
    assert drawn[20:] != [choose_policy(shape, "best", 4).configuration(number, best) for number in range(20, 40)]


@pytest.mark.parametrize(
    ("rows", "classes", "expected"),
    [
        (500, 0, 0), (500, 2, 0), (500, 3, 2), (2_000, 2, 2), (2_000, 0, 0),
        (20_000, 2, 1), (50_000, 5, 1), (200_000, 5, 0),
    ],
)  # fmt: skip
def test_submodels_are_tried_where_there_are_classes_and_rows_enough(rows: int, classes: int, expected: int) -> None:
    first = choose_policy(TableShape(rows, 10, classes), "default", 0).first
    assert sum(each.submodels > 1 for each in first) == expected
    assert all(each.submodels == 1 for each in choose_policy(TableShape(rows, 10, classes), "fast", 0).first)


def test_a_fast_fit_has_one_split_from_3000_rows_on() -> None:
    folds = {rows: choose_policy(TableShape(rows, 10, 2), "fast", 0).folds for rows in (2_999, 3_000, 50_000)}
    assert folds == {2_999: 4, 3_000: 1, 50_000: 1}
    assert choose_policy(TableShape(3_000, 10, 2), "default", 0).folds == 5


def test_every_second_configuration_is_near_one_of_the_best_of_earlier_rounds() -> None:
    policy = choose_policy(TableShape(500, 10, 2), "best", 0)
    first, best = len(policy.first), policy.first[5:6]
    for number in range(first, first + 40):
        drawn = policy.configuration(number, best)
        known = policy.count_known(number)
        assert number - search.RANDOM_PER_ROUND < known <= number
        assert (known - first) % search.RANDOM_PER_ROUND == 0
        if number % 2:
            assert (drawn.hidden, drawn.preprocessing) == (best[0].hidden, best[0].preprocessing)
            assert 0.5 < drawn.learning_rate / best[0].learning_rate < 2
    assert {policy.count_known(number) for number in range(first)} == {0}


def test_the_bits_of_a_longer_search_begin_as_those_of_a_shorter() -> None:
    x, y = two_classes()
    short, long = (cr.fit(x, y, effort=effort, threads=1) for effort in ("default", "best"))
    scores = {each.number: each.score for each in long.record.tried}
    assert all(scores[each.number] == each.score for each in short.record.tried)
    assert np.isfinite(long.record.score)
    assert weights_of(short) != weights_of(long)


def test_more_budget_predicts_new_rows_no_worse_in_the_mean() -> None:
    losses: dict[str, list[float]] = {"fast": [], "best": []}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((1150, 3))
        y = np.where(x[:, 0] * x[:, 1] + 0.5 * rng.standard_normal(1150) > 0, "a", "b")
        for effort, found in losses.items():
            model = cr.fit(x[:150], y[:150], effort=effort, seed=seed, threads=1)  # type: ignore[arg-type]
            found.append(model.evaluate(x[150:], y[150:], n_resamples=0).metrics()["log_loss"])
    assert np.mean(losses["best"]) < np.mean(losses["fast"])


def test_networks_and_rows_that_need_much_memory_are_trained_in_smaller_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = two_classes()
    whole = cr.fit(x, y, effort="best", threads=1)
    monkeypatch.setattr(candidate, "ROUND_MEMORY", 1)
    monkeypatch.setattr(fold_tables, "ENCODED_MEMORY", 0)
    one_by_one = cr.fit(x, y, effort="best", threads=1)
    assert {each.count for each in one_by_one.record.rounds} == {1}
    assert weights_of(one_by_one) == weights_of(whole)
    assert one_by_one.record.importance == whole.record.importance
    monkeypatch.undo()
    rounds = one_by_one.record.rounds
    assert [each.first for each in rounds] == list(range(len(rounds)))


def test_a_time_limit_between_smaller_rounds_of_the_first_configurations(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = two_classes()
    monkeypatch.setattr(candidate, "ROUND_MEMORY", 1)
    with monkeypatch.context() as patch:
        Clock(patch)
        with pytest.warns(cr.CrecheWarning, match="in the middle of the first configurations"):
            model = cr.fit(x, y, effort="fast", time_limit=12, threads=1)
    assert model.record.status == "out of time"
    assert model.record.rounds[0].first == 0
    assert cr.verify(model, x, y).same

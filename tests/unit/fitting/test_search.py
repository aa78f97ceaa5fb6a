"""Rounds, budgets, clocks and Ctrl-C."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import creche as cr
from creche.fitting import candidate, fold_tables, search
from creche.fitting import fit as fitting
from creche.fitting.policy import BEST_FACTOR, TableShape, choose_policy
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
    assert [each.first for each in best.record.rounds][:2] == [0, 2]
    assert len(default.record.rounds) == 1
    assert 0.5 * BEST_FACTOR < best.record.work / default.record.work <= BEST_FACTOR
    assert len(best.record.tried) > len(default.record.tried)
    assert best.record.rounds[0] == default.record.rounds[0]


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

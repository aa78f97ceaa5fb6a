"""Networks as columns: the plans of many combinations are those of each alone, and what is invalid is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.errors import PlanError
from creche.model_selection.choices import Choices, group_seeds
from creche.model_selection.jobs import Jobs, complete_arguments
from creche.model_selection.network_columns import MOST_PLANS, Taken, make_columns, spread_over
from creche.model_selection.search_space import Combinations, split_axes

PENGUINS = {"label": "species", "hidden": [4], "epochs": 2}


def made(bootstrap: bool = False, seeds: int = 2, samples: int | None = None, **arguments: Any) -> tuple[Jobs, Choices]:
    fixed, axes = split_axes(complete_arguments({**PENGUINS, **arguments}))
    jobs = Jobs("penguins", None, fixed, seed=0, bootstrap=bootstrap)
    return jobs, Choices(Combinations(axes, samples, None, 0), range(seeds))


def test_plans_of_many_combinations_are_those_of_each_alone() -> None:
    jobs, choices = made(
        optimizer=["sgd", "adamw"], learning_rate=cr.log_range(1e-3, 1, 40), weight_decay=[None, 0.0, 0.5, 1e-3],
        batch_size=[16, 32],
    )  # fmt: skip
    columns = make_columns(jobs, choices)
    assert len(choices.combinations) > MOST_PLANS
    assert len(columns.jobs) == len(choices) == 2 * 640
    assert len(columns.jobs.bases) == 8  # by optimizer, batch size, and whether a weight decay is given
    for number in range(0, len(choices), 37):
        choice = choices[number]
        plan, _ = jobs.create_plan({name: value for name, value in choice.items() if name != "seed"})
        assert columns.jobs[number].plan == plan.with_seed(choice["seed"])


def test_networks_of_columns_have_the_bytes_of_jobs() -> None:
    jobs, choices = made(bootstrap=True, seeds=3, learning_rate=cr.log_range(1e-3, 1, MOST_PLANS + 4))
    chosen = make_columns(jobs, choices).jobs.take(np.arange(0, len(choices), 71))
    one, other = Crew(chosen, Hardware(2)), Crew(list(chosen), Hardware(1))
    for crew in (one, other):
        crew.run()
    for number in range(len(chosen)):
        for name, array in one.parameters(number).items():
            assert array.tobytes() == other.parameters(number)[name].tobytes()


def test_an_invalid_number_among_many_is_named_with_its_network() -> None:
    jobs, choices = made(learning_rate=[*np.linspace(0.01, 0.1, MOST_PLANS).tolist(), -0.5], seeds=1)
    with pytest.raises(PlanError, match=r"-0\.5.* \(in the network with .*learning_rate=-0\.5\)"):
        make_columns(jobs, choices)


def test_a_field_that_an_optimizer_lacks_is_refused() -> None:
    jobs, choices = made(optimizer=["sgd", "adam"], momentum=np.linspace(0.1, 0.9, MOST_PLANS).tolist())
    with pytest.raises(PlanError, match="momentum: adam has no momentum"):
        make_columns(jobs, choices)


def test_choices_are_a_sequence() -> None:
    choices = Choices([{"a": 1}, {"a": 2}], range(5, 8), [{"fold": 1}, {"fold": 2}])
    assert len(choices) == 12
    assert [choices[n] for n in (0, 4, 11, -12)] == [
        {"a": 1, "fold": 1, "seed": 5}, {"a": 2, "fold": 1, "seed": 6}, {"a": 2, "fold": 2, "seed": 7},
        {"a": 1, "fold": 1, "seed": 5},
    ]  # fmt: skip
    assert choices[10:] == [{"a": 2, "fold": 2, "seed": 6}, {"a": 2, "fold": 2, "seed": 7}]
    assert choices.spread(np.array([3, 4])).tolist() == [3, 3, 3, 4, 4, 4] * 2
    assert choices.split_numbers().tolist() == [0] * 6 + [1] * 6
    with pytest.raises(IndexError):
        choices[12]


def test_seeds_of_one_choice_are_grouped() -> None:
    widths = [5]
    listed = [{"hidden": widths, "seed": s} for s in (3, 4)] + [{"hidden": [5], "seed": 3}]
    assert list(group_seeds(listed)) == [({"hidden": [5]}, [3, 4]), ({"hidden": [5]}, [3])]


def test_values_that_networks_share_are_computed_once() -> None:
    calls: list[str] = []

    def length(text: str) -> float:
        calls.append(text)
        return float(len(text))

    shared = Taken(["a", "bcd"], np.array([0, 1, 1, 0], dtype=np.int32))
    assert spread_over(shared, length).tolist() == [1, 3, 3, 1]
    assert calls == ["a", "bcd"]
    assert (shared[1], shared[1:], len(shared)) == ("bcd", ["bcd", "bcd", "a"], 4)

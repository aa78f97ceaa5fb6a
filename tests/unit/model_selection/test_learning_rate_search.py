"""The search for a learning rate: networks equal those of `creche.train`, and bands are where theory predicts them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import creche as cr
from tests.unit.model_selection.sweeps import PENGUINS, weight_bytes
from tests.unit.small_runs import TO_THE_END

SOME = cr.log_range(1e-5, 100, 22)


def found_for(data: Any = "penguins", y: Any = None, **arguments: Any) -> cr.LearningRates:
    label = {} if y is not None else {"label": "species"}
    shared: dict[str, Any] = {
        **label, "threads": 1, "hidden": [6], "activation": "relu", "epochs": 25, "rates": SOME, "seeds": 2,
    }  # fmt: skip
    return cr.find_learning_rate(data, y, **{**shared, **arguments})


@pytest.fixture(scope="module")
def found() -> cr.LearningRates:
    return found_for()


def test_each_network_is_what_train_gives(found: cr.LearningRates) -> None:
    assert len(found.colony) == 44
    for member in found.colony[::7]:
        alone = cr.train("penguins", **PENGUINS, hidden=[6], epochs=25, **member.choice, split_seed=0, **TO_THE_END)
        assert weight_bytes(member) == weight_bytes(alone)
        place = int(np.flatnonzero(found.rates == member.choice["learning_rate"])[0])
        assert found.losses[place, member.choice["seed"]] == alone.history.validation_loss[-1]


def test_the_recommended_rate_for_the_penguins(found: cr.LearningRates) -> None:
    assert [band.name for band in found.bands][:3] == ["too low", "good", "too high"]
    assert 0.005 < found.rate < 0.5
    assert found.find_band(found.rate) == "good"
    assert (found.find_band(1e-9), found.find_band(1e3)) == ("too low", found.bands[-1].name)
    assert sum(band.rates for band in found.bands) == 22
    assert sum(band.networks for band in found.bands) == 44
    too_low, good = found.bands[:2]
    assert too_low.still_falling > 0.9 * too_low.networks
    assert good.loss < 0.3 * too_low.loss
    assert found.improves_on_constant
    assert not found.interrupted
    assert found.notes == ()
    best = found.member()
    assert best.choice["learning_rate"] == found.rate
    rate_losses = found.losses[list(found.rates).index(found.rate)]
    assert best.history.validation_loss[-1] == rate_losses.min()


def test_the_table_and_plain_data_have_the_same_numbers(found: cr.LearningRates) -> None:
    table = found.table()
    assert table["learning_rate"].to_list() == found.rates.tolist()
    np.testing.assert_allclose(table["median_validation_loss"].to_numpy(), np.median(found.losses, axis=1))
    for band in found.bands:
        rows = table.filter(table["band"] == band.name)
        assert rows["learning_rate"].to_list() == [r for r in found.rates.tolist() if band.low <= r <= band.high]
        assert (rows["networks"].sum(), rows["still_falling"].sum()) == (band.networks, band.still_falling)
        assert rows["diverged"].sum() == band.diverged
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (data["learning_rate"], data["loss"]) == (found.rate, "validation_loss")
    assert [band["name"] for band in data["bands"]] == [band.name for band in found.bands]
    assert data["rates"] == json.loads(json.dumps(table.to_dicts()))


def test_the_untrained_baseline_is_the_loss_of_the_initial_weights(found: cr.LearningRates) -> None:
    baselines = found.baselines
    for seed, loss in enumerate(baselines.untrained):
        initial = cr.train("penguins", **PENGUINS, hidden=[6], epochs=0, seed=seed, split_seed=0)
        validation = initial.prepared.validation
        assert validation is not None
        evaluation = initial.model.evaluate_rows(validation.observations, None)
        assert isinstance(evaluation, cr.ClassificationEvaluation)
        assert loss == pytest.approx(evaluation.log_loss, rel=1e-5)
    prepared = found.colony[0].prepared
    assert prepared.validation is not None
    shares = {name: np.mean(prepared.train.observations.y == name) for name in prepared.labels.classes or ()}
    expected = np.mean([-np.log(shares[name]) for name in prepared.validation.observations.y])
    assert baselines.constant == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("standardize", [True, False])
def test_the_constant_baseline_of_a_regression(standardize: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((90, 3))
    y = 900 + 50 * x[:, 0]
    found = found_for(x, y, standardize=standardize, epochs=3, task="regression", validation_fraction=0, extend=False)
    scale = np.std(y) if standardize else 1.0
    assert found.baselines.constant == pytest.approx(np.var(y) / scale**2, rel=0.02)


def test_gradient_descent_diverges_where_theory_predicts() -> None:
    """On a quadratic, w ← w - η ∇L converges if η < 2 / λ, the largest eigenvalue of ∇²L, and diverges if η > 2 / λ."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 3)) * [1.0, 2.0, 0.5]
    y = x @ [1.0, -0.5, 2.0] + 0.1 * rng.standard_normal(80)
    ones = np.column_stack([np.ones(80), x])
    limit = 2 / np.linalg.eigvalsh(2 * ones.T @ ones / 80).max()
    found = found_for(
        x, y, hidden=[], optimizer="sgd", loss="squared_error", batch_size=80, epochs=400, standardize=False,
        validation_fraction=0, rates=cr.log_range(limit / 1e4, limit * 1e3, 41), task="regression",
    )  # fmt: skip
    diverged = found.bands[-1]
    assert diverged.name == "diverged"
    below = found.rates[found.rates < 0.99 * limit]
    assert diverged.low == found.rates[len(below) + (found.rates[len(below)] < 1.01 * limit)]
    # One mode falls as (1 - η λ)^t, so rates of the smallest curvature decide what is still falling after 400 epochs.
    slowest = 1 / (400 * np.linalg.eigvalsh(2 * ones.T @ ones / 80).min())
    assert slowest / 3 < found.bands[1].low < 10 * slowest
    assert found.colony.partition == "train"


def test_a_range_that_is_too_low_or_too_high_is_extended_with_a_note() -> None:
    low = found_for(rates=cr.log_range(1e-5, 1e-3, 7))
    assert low.rates[0] == 1e-5
    assert low.rates[-1] in (0.1, 10.0)
    assert low.notes[0].startswith(
        "the highest rates were as good as the best, so the range was extended up from 0.001"
    )
    ratios = low.rates[1:] / low.rates[:-1]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-4)  # as close together as before
    assert 0.005 < low.rate < 0.5
    high = found_for(optimizer="sgd", rates=cr.log_range(1e5, 1e7, 7))
    assert high.notes[0] == "all networks diverged, so the range was extended down from 100000 to 1000"
    assert high.rates[0] <= 10
    assert high.bands[-1].name == "diverged"
    kept = found_for(rates=cr.log_range(1e-5, 1e-3, 7), extend=False)
    assert kept.rates[-1] == 1e-3
    assert kept.notes == ("the good rates include the highest that was tried, 0.001; higher ones may be good, too",)


def test_if_all_rates_diverge_the_error_names_rates_to_try() -> None:
    with pytest.raises(cr.DivergedError, match=r"from 1e\+12 to 1e\+14. Try lower ones, from 1e\+09 to 1e\+11"):
        found_for(optimizer="sgd", rates=[1e12, 1e13, 1e14], extend=False)
    with pytest.raises(cr.DivergedError, match=r"from 1e\+10 to 1e\+20. Try lower ones"):
        found_for(optimizer="sgd", rates=[1e16, 1e18, 1e20])


def test_labels_unrelated_to_the_features() -> None:
    rng = np.random.default_rng(0)
    found = found_for(rng.standard_normal((600, 3)), rng.random(600) > 0.5)
    assert not found.improves_on_constant
    assert found.notes[-1].startswith("no rate improves on a constant prediction")
    assert len(found.rates) == 22  # nothing is looked for beyond the range


def test_rates_as_a_list_without_a_count_and_of_one_seed() -> None:
    found = found_for(rates=[0.1, 0.001, 0.01], seeds=1, seed=4, extend=False)
    assert found.rates.tolist() == [0.001, 0.01, 0.1]
    assert {member.choice["seed"] for member in found.colony} == {4}
    assert len(found_for(rates=cr.log_range(1e-4, 1), seeds=1, extend=False, epochs=2).rates) == 31


def test_layers_of_several_activations_are_one_network() -> None:
    found = found_for(hidden=[4, 4], activation=["relu", "tanh"], epochs=2, seeds=1, extend=False)
    assert [layer.activation.key for layer in found.colony[0].plan.network.layers] == ["relu", "tanh", "identity"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"rates": []}, "rates: got 0 rates; needs at least 3"),
    ({"rates": [0.1, 0.1, 0.2]}, "rates: got 0.1 twice"),
    ({"rates": [0.1, 0.1]}, "rates: got 0.1 twice; give each rate once"),
    ({"rates": [0.1, 0.2]}, "rates: got 2 rates; needs at least 3, such as rates=log_range"),
    ({"rates": 0.1}, "rates: got 1 rate; needs at least 3"),
    ({"rates": [0.0, 0.1, 0.2]}, "rates: got 0.0; needs numbers above 0"),
    ({"rates": [-0.1, 0.1, 0.2]}, "rates: got -0.1; needs numbers above 0"),
    ({"rates": [0.1, float("nan"), 0.2]}, "rates: got nan; needs numbers above 0"),
    ({"rates": ["fast", 0.1, 0.2]}, "rates: got 'fast'; needs numbers above 0"),
    ({"rates": cr.log_range(1e-4, 1, 10**9)}, "rates: got 1,000,000,000 rates; needs at most 10,000"),
    ({"learning_rate": 0.1}, "learning_rate: got 0.1, but the search chooses it; leave it out"),
    ({"optimizer": ["sgd", "adam"]}, "optimizer: got several values; needs one"),
    ({"hidden": [[4], [5]]}, "hidden: got several values"),
    ({"seeds": 0}, "seeds: got 0"),
    ({"epochs": 0}, "epochs: got 0; needs at least 1"),
    ({"optimiser": "sgd"}, "optimiser: unknown argument of find_learning_rate; did you mean 'optimizer'"),
    ({"confirm": lambda estimate: False}, "nothing was trained: 44 networks were not confirmed"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[message[:24] for _, message in WRONG])
def test_invalid_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        found_for(**arguments)


def test_ctrl_c_returns_the_result_of_the_networks_that_have_ended() -> None:
    """Rates from the whole range come first."""

    def report(colony: cr.Colony) -> None:
        colony.forget_results()
        if colony.results.done.sum() >= 1600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        found_for(seeds=200, epochs=25, on_progress=report)
    found = caught.value.learning_rates  # type: ignore[attr-defined]
    assert found.interrupted
    assert len(found.rates) >= 8
    assert found.rates[0] == 1e-5
    assert found.rates[-1] > 1
    assert found.table()["networks"].sum() == found.colony.results.done.sum()
    assert 0.001 < found.rate < 1

    def at_once(colony: cr.Colony) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        found_for(epochs=1_000_000, on_progress=at_once)
    assert not hasattr(caught.value, "learning_rates")

"""Each rule fires on runs made to show its fault and is silent on healthy ones; remedies do what they describe."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.parameters import Parameters
from creche.explain.diagnosis.findings import Diagnosis, Finding
from creche.explain.diagnosis.rules import RULES
from tests.unit.small_runs import TO_THE_END

diagnose = cr.explain.diagnose


def classes(seed: int = 0, rows: int = 600, flipped: float = 0.05, columns: int = 6) -> tuple[Any, Any]:
    """Two classes by a curved border, some labels wrong."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, columns))
    return x, (((x[:, 0] + x[:, 1] * x[:, 2]) > 0) ^ (rng.random(rows) < flipped)).astype(int)


def numbers(seed: int = 0, rows: int = 400) -> tuple[Any, Any]:
    """A curved label with noise."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 5))
    return x, np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.3 * rng.standard_normal(rows)


def trained(data: Any, y: Any = None, **arguments: Any) -> cr.Run:
    """The run, also where it diverges; with relu, and to its end, where faults show that others would hide."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cr.CrecheWarning)
            return cr.train(data, y, threads=1, **{"activation": "relu", **TO_THE_END, **arguments})
    except cr.DivergedError as error:
        return error.run  # type: ignore[return-value]


def healthy(data: Any, y: Any = None, **arguments: Any) -> cr.Run:
    """The run, with the default activation."""
    return trained(data, y, **{"activation": "tanh", **arguments})


def found(run: cr.Run, rule: str, **arguments: Any) -> Finding:
    diagnosis = diagnose(run, **arguments)
    assert rule in diagnosis.rules
    return next(finding for finding in diagnosis if finding.rule == rule)


PENGUINS = {"label": "species"}
HEALTHY: dict[str, Callable[..., cr.Run]] = {
    "penguins": lambda s, **e: healthy("penguins", **PENGUINS, seed=s, **e),
    "small": lambda s, **e: healthy("penguins", **PENGUINS, seed=s, **e, hidden=[5, 5], learning_rate=0.01),
    "recorded": lambda s, **e: healthy("penguins", **PENGUINS, seed=s, **e, record="activations"),
    "relu": lambda s, **e: healthy(
        "penguins", **PENGUINS, seed=s, **e, activation="relu", learning_rate=0.01, epochs=60
    ),
    "dropout": lambda s, **e: healthy("penguins", **PENGUINS, seed=s, **e, dropout=0.3),
    "early stopping": lambda s, **e: healthy(
        "penguins", **PENGUINS, seed=s, epochs=500, early_stopping=20, keep="best"
    ),
    "momentum": lambda s, **e: healthy(
        "penguins", **PENGUINS, seed=s, **e, optimizer=cr.SGD(learning_rate=0.1, momentum=0.9), epochs=40
    ),
    "mass": lambda s, **e: healthy(
        "penguins", label="body_mass_g", task="regression", seed=s, **e, missing_label="drop"
    ),
    "huber": lambda s, **e: healthy(*numbers(s, 600), seed=s, **e, loss="huber", learning_rate=0.003),
    "cosine": lambda s, **e: healthy(
        *numbers(s, 600), seed=s, schedule="cosine", learning_rate=0.005, early_stopping=40, keep="best"
    ),
    "noise": lambda s, **e: healthy(*classes(s, 2000, 0.3), seed=s, **e, hidden=[8], epochs=30),
    "border": lambda s, **e: healthy(*classes(s, 1000, 0.1), seed=s, **e, hidden=[8], epochs=60),
    "no validation": lambda s, **e: healthy(*classes(s, 500), seed=s, **e, hidden=[8], validation_fraction=0),
    "as it is": lambda s, **e: healthy(
        *classes(s, 1000), seed=s, **e, hidden=[16], standardize=False, learning_rate=0.01, activation="relu"
    ),
    "brief": lambda s, **e: healthy(*classes(s), seed=s, **e, epochs=3),
}  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "ending", [TO_THE_END, {"early_stopping": None, "keep": "best"}], ids=["to the end", "default"]
)
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_left_alone(name: str, ending: dict[str, Any], seed: int) -> None:
    diagnosis = diagnose(HEALTHY[name](seed, **ending))
    assert diagnosis.rules == ()
    assert str(diagnosis).startswith(f"Nothing found: {len(RULES)} rules were checked over ")


SEEDS = pytest.mark.parametrize("seed", [0, 1, 2])


@SEEDS
@pytest.mark.parametrize("recorded", [None, "activations"])
def test_a_rate_too_high(seed: int, recorded: str | None) -> None:
    run = trained(*numbers(seed), learning_rate=0.3, seed=seed, hidden=[16], record=recorded)
    finding = found(run, "learning_rate_too_high")
    late = np.diff(run.history.train_loss[50:])
    assert f"rose in {int((late > 0).sum())} of the last 49 epochs" in finding.evidence
    assert ("one step changed a layer's weights by" in finding.evidence) is (recorded is not None)
    assert finding.remedy is not None
    assert finding.remedy.arguments["learning_rate"] < 0.3


@SEEDS
@pytest.mark.parametrize("recorded", [None, "weights"])
def test_a_rate_too_low(seed: int, recorded: str | None) -> None:
    finding = found(
        trained(*classes(seed), learning_rate=1e-5, seed=seed, hidden=[16], record=recorded), "learning_rate_too_low"
    )
    assert finding.remedy is not None
    assert finding.remedy.arguments["learning_rate"] == pytest.approx(0.001)
    plain_descent = trained(*numbers(seed), optimizer="sgd", learning_rate=1e-5, seed=seed, hidden=[16])
    assert diagnose(plain_descent).rules == ("learning_rate_too_low",)


# Bins would make the border easy.
SLOW_TO_LEARN: dict[str, Any] = {"loss": "binary_cross_entropy", "hidden": [16], "preprocessing": "standard"}


@SEEDS
def test_too_few_epochs(seed: int) -> None:
    arguments: dict[str, Any] = {**SLOW_TO_LEARN, "seed": seed}
    finding = found(trained(*classes(seed, 1000, 0.02), **arguments, epochs=60), "too_few_epochs")
    assert finding.remedy is not None
    assert "epochs=180" in finding.advice or "learning_rate=0.003" in finding.advice
    assert "too_few_epochs" not in diagnose(trained(*classes(seed, 1000, 0.02), **arguments, epochs=300)).rules


@SEEDS
def test_overfitting(seed: int) -> None:
    x, y = classes(seed, 150, 0.2, 20)
    run = trained(x, y, epochs=200, learning_rate=0.01, seed=seed, hidden=[64, 64])
    diagnosis = diagnose(run)
    assert diagnosis.rules == ("overfitting",)
    assert diagnosis[0].title == f"Overfitting since epoch {run.history.best_epoch + 1}"
    assert diagnosis[0].remedy is not None
    cured = trained(x, y, epochs=200, learning_rate=0.01, seed=seed, hidden=[64, 64], early_stopping=10, keep="best")
    assert "overfitting" not in diagnose(cured).rules


@SEEDS
@pytest.mark.parametrize("as_table", [False, True])
def test_columns_on_unlike_scales(seed: int, as_table: bool) -> None:
    import polars as pl

    x, y = classes(seed, 1500)
    x = x * np.array([2000, 1, 1, 0.1, 0.1, 1])
    if as_table:
        names = ["income", "b", "c", "d", "rate", "f"]
        table = pl.DataFrame({name: x[:, i] for i, name in enumerate(names)}).with_columns(label=pl.Series(y))
        run = trained(table, label="label", standardize=False, seed=seed, hidden=[16], epochs=20)
    else:
        run = trained(x, y, standardize=False, seed=seed, hidden=[16], epochs=20)
    finding = found(run, "unscaled_features")
    named = [name for name in run.prepared.features.inputs if f"{name!r}" in finding.evidence]
    assert named[0] == ("income" if as_table else "x0")
    assert named[1] in ({"d", "rate"} if as_table else {"x3", "x4"})
    assert finding.remedy is not None
    assert finding.remedy.arguments == {"preprocessing": "standard"}
    standardised = trained(x, y, seed=seed, hidden=[16], epochs=20)
    assert "unscaled_features" not in diagnose(standardised, try_remedies=False).rules


def test_a_rare_yes_is_no_unlike_scale() -> None:
    x, y = classes(rows=3000)
    x[:, 5] = np.arange(3000) == 0  # varies by 0.02 only
    x[:, 4] *= 20
    run = trained(x, y, standardize=False, epochs=1, validation_fraction=0)
    assert "unscaled_features" not in diagnose(run, try_remedies=False).rules


@SEEDS
def test_a_label_that_was_not_scaled(seed: int) -> None:
    x, y = numbers(seed)
    run = trained(x, y * 2e4 + 2e5, standardize=False, seed=seed, hidden=[16])
    finding = found(run, "unscaled_label")
    assert finding.remedy is not None
    assert finding.remedy.measure == "validation root mean squared error"
    assert finding.remedy.after < 20_000 < 100_000 < finding.remedy.before
    assert "unscaled_label" not in diagnose(trained(x, y * 2e4 + 2e5, seed=seed, hidden=[16]), try_remedies=False).rules
    learnt = trained(x, y * 40, standardize=False, seed=seed, hidden=[32], learning_rate=0.03)
    assert "unscaled_label" not in diagnose(learnt, try_remedies=False).rules


@SEEDS
def test_one_answer_for_every_row(seed: int) -> None:
    run = trained(*classes(seed), learning_rate=0.5, seed=seed, hidden=[16, 16])
    finding = found(run, "constant_prediction")
    assert finding.title == "The network predicts the same value for every row"
    assert finding.remedy is not None
    assert finding.remedy.arguments["learning_rate"] <= 0.05
    x, y = numbers(seed)
    run = trained(x, y, seed=seed, hidden=[16, 16], epochs=20)
    assert "constant_prediction" not in diagnose(run, try_remedies=False).rules
    run._engine.set_parameters(dict(Parameters.of_layers([(0 * w, b) for w, b in run.weights])))
    assert "constant_prediction" in diagnose(run, try_remedies=False).rules


@SEEDS
def test_always_the_most_frequent_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2000, 4))
    y = np.where(rng.random(2000) < 0.02 + 0.2 * (x[:, 0] > 1), "rare", "usual")
    run = trained(x, y, seed=seed, hidden=[4], epochs=15, preprocessing="standard")
    finding = found(run, "constant_prediction")
    assert finding.title == "The network always predicts 'usual'"
    assert finding.remedy is not None
    assert finding.remedy.arguments == {"class_weight": "balanced"}
    assert finding.remedy.before == pytest.approx(0.5, abs=0.03)
    assert finding.remedy.after > 0.55


@SEEDS
def test_a_dead_layer(seed: int) -> None:
    x, y = numbers(seed)
    run = trained(x, y, seed=seed, hidden=[24, 24], learning_rate=0.3, record="activations")
    finding = found(run, "dead_neurons")
    neurons = np.maximum(run.rows.x @ run.weights[0][0] + run.weights[0][1], 0)
    second = np.maximum(neurons @ run.weights[1][0] + run.weights[1][1], 0)
    # On all training rows there may be fewer than on the sample, which here is nearly all of them.
    dead = [int((layer <= 0).all(axis=0).sum()) for layer in (neurons, second)]
    said = int(finding.evidence.split()[0])
    assert min(abs(said - count) for count in dead) <= 2
    assert f"of its {24} neurons" in finding.evidence
    assert "half of them since epoch" in finding.evidence or "from the start" in finding.evidence
    unrecorded = found(trained(x, y, seed=seed, hidden=[24, 24], learning_rate=0.3), "dead_neurons", try_remedies=False)
    assert unrecorded.evidence == finding.evidence.split(";")[0]
    assert unrecorded.trials == ()
    assert unrecorded.advice == ""


@SEEDS
@pytest.mark.parametrize("word", ["tanh", "sigmoid"])
def test_a_saturated_layer(seed: int, word: str) -> None:
    x, y = classes(seed)
    run = trained(x * 1000, y, standardize=False, seed=seed, hidden=[16], activation=word, epochs=20, record=True)
    finding = found(run, "saturated_neurons")
    assert finding.title == "Layer 1 is saturated"
    z = run.rows.x.astype(np.float64) @ run.weights[0][0] + run.weights[0][1]
    # The logistic function is tanh of half its argument, shifted and scaled; slopes as shares of the greatest.
    share = (1 - np.tanh(z if word == "tanh" else z / 2) ** 2 < 0.05).mean()
    assert float(finding.evidence.split()[1]) == pytest.approx(100 * share, abs=2)
    assert finding.trials[0].arguments == {"preprocessing": "standard"}


@SEEDS
def test_divergence(seed: int) -> None:
    run = trained(*numbers(seed), seed=seed, hidden=[16], optimizer="sgd", learning_rate=5.0)
    assert run.status == "diverged"
    diagnosis = diagnose(run)
    assert diagnosis.rules == ("divergence",)
    epoch, batch, rate = run.divergence or (0, 0, 0.0)
    assert f"in epoch {epoch + 1}, batch {batch + 1}, at learning rate {rate:g}" in diagnosis[0].evidence
    remedy = diagnosis[0].remedy
    assert remedy is not None
    assert (remedy.before, remedy.arguments["learning_rate"]) == (np.inf, 0.05)
    assert "instead of diverging" in str(remedy)


def test_a_cure_is_what_training_with_it_gives() -> None:
    x, y = classes(0)
    run = trained(x, y, learning_rate=1e-5, hidden=[16], seed=5)
    for trial in found(run, "learning_rate_too_low").trials:
        losses = {"before": [], "after": []}
        for seed in (5, 6, 7):
            for name, changed in (("before", {}), ("after", trial.arguments)):
                arguments = {"learning_rate": 1e-5, "hidden": [16], "seed": seed, "split_seed": 5, **changed}
                losses[name].append(trained(x, y, **arguments).history.validation_loss[-1])
        assert trial.before == pytest.approx(np.mean(losses["before"]), rel=1e-12)
        assert trial.after == pytest.approx(np.mean(losses["after"]), rel=1e-12)
        helped = all(a < b for a, b in zip(losses["after"], losses["before"], strict=True))
        assert trial.helped is (helped and trial.after <= 0.9 * trial.before)


def test_cures_that_prepare_the_rows_anew_are_what_training_gives() -> None:
    x, y = numbers(0)
    table = x * np.array([3000, 1, 1, 1, 1])
    run = trained(table, y * 100, standardize=False, hidden=[16], epochs=20)
    for finding in diagnose(run, seeds=1):
        for trial in finding.trials:
            if "preprocessing" in trial.arguments:
                again = trained(table, y * 100, hidden=[16], epochs=20, **trial.arguments)
                assert trial.after == pytest.approx(again.history.validation_metric[-1], rel=1e-6)
                break
        else:
            continue
        break
    else:
        raise AssertionError("no such trial")


def test_a_refuted_forecast_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(*classes(0, 1000, 0.02), **SLOW_TO_LEARN, epochs=60)
    assert "too_few_epochs" in diagnose(run, try_remedies=False).rules
    monkeypatch.setattr("creche.explain.diagnosis.trials.MARGIN", 0.99)
    assert "too_few_epochs" not in diagnose(run).rules


def test_what_was_tried_in_vain_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.explain.diagnosis.trials.MARGIN", 0.99)
    run = trained(*classes(0, 150, 0.2, 20), epochs=200, learning_rate=0.01, hidden=[64, 64])
    finding = found(run, "overfitting")
    assert finding.remedy is None
    assert finding.advice.startswith("None of the remedies helped with every seed. Tried: ")
    assert "at best, " in finding.advice


def test_where_memory_is_short_cures_are_tried_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(*classes(0), learning_rate=1e-5, hidden=[16])
    together = diagnose(run, seeds=2)
    monkeypatch.setattr("creche.engine.memory_checks.available_memory", lambda: 1)
    assert diagnose(run, seeds=2).to_dict() == together.to_dict()


def test_a_loss_of_ones_own_is_diagnosed_too() -> None:
    def squares(outputs: Any, labels: Any) -> Any:
        with np.errstate(all="ignore"):
            return ((outputs - labels) ** 2).mean(axis=1), 2 * (outputs - labels) / outputs.shape[1]

    run = trained(*numbers(0), loss=squares, optimizer="sgd", learning_rate=5.0, hidden=[16])
    finding = found(run, "divergence", seeds=1)
    assert finding.remedy is not None


def test_a_run_that_was_stopped_is_compared_as_far_as_it_came() -> None:
    run = trained(*classes(0), learning_rate=1e-5, hidden=[16], on_epoch=lambda record: record.epoch == 20)
    finding = found(run, "learning_rate_too_low", seeds=1)
    assert finding.trials[0].before == pytest.approx(run.history.validation_loss[-1], rel=1e-12)


def test_diagnosing_leaves_the_run_as_it_is() -> None:
    x, y = classes(0)
    run = trained(x, y, learning_rate=1e-5, hidden=[16], epochs=20, record=True)
    before, moments = run.state(), len(run.recording or [])
    diagnose(run)
    for name, array in run.state().items():
        np.testing.assert_array_equal(array, before[name])
    assert len(run.recording or []) == moments


def test_it_is_a_list_and_plain_data() -> None:
    diagnosis = diagnose(trained(*classes(0), learning_rate=1e-5, hidden=[16]), seeds=2)
    assert isinstance(diagnosis, Diagnosis)
    assert [finding.rule for finding in diagnosis] == ["learning_rate_too_low"]
    assert repr(diagnosis) == "Diagnosis(learning_rate_too_low)"
    data = diagnosis.to_dict()
    assert data["findings"][0]["trials"][0]["seeds"] == 2
    assert data["checked_rules"] == list(RULES)
    assert str(diagnosis).startswith("1. The learning rate is too low\n   evidence  the validation loss fell")
    assert max(map(len, str(diagnosis).splitlines())) <= 100


@pytest.mark.parametrize(("given", "message"), [(3, "got int; needs a Run"), ("model", "got Model; needs a Run")])
def test_what_is_no_run_is_said(given: object, message: str) -> None:
    run = trained(*classes(0), epochs=1)
    with pytest.raises(cr.PlanError, match=message):
        diagnose(run.model if given == "model" else given)
    with pytest.raises(cr.PlanError, match="seeds: got 0"):
        diagnose(run, seeds=0)


def test_before_the_first_epoch_there_is_nothing_to_find() -> None:
    assert diagnose(trained(*classes(0), epochs=0)).rules == ()

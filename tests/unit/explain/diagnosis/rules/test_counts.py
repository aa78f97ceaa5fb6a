"""Labels that are counts: recognized by their values, and the Poisson loss tried on the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.explain.diagnosis.findings import Finding
from creche.explain.diagnosis.rules.counts import look_like_counts

SEEDS = pytest.mark.parametrize("seed", [0, 1, 2])


def visits(seed: int, rows: int = 1500) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 4))
    return x, rng.poisson(np.exp(0.5 + x[:, 0])).astype(float)


def count_findings(run: cr.Run, **arguments: Any) -> list[Finding]:
    return [finding for finding in cr.explain.diagnose(run, **arguments) if finding.rule == "counts"]


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda rng: rng.poisson(3, 500), True),
        (lambda rng: rng.poisson(0.5, 500), True),
        (lambda rng: rng.negative_binomial(2, 0.1, 500), True),
        (lambda rng: rng.geometric(0.3, 500), True),
        (lambda rng: rng.poisson(3, 500) + 0.5, False),  # no whole numbers
        (lambda rng: rng.poisson(3, 500) - 1, False),  # below 0
        (lambda rng: rng.integers(25, 56, 500), False),  # ages
        (lambda rng: rng.normal(4200, 800, 500).round(), False),  # body masses
        (lambda rng: rng.integers(0, 101, 500), False),  # not skewed
        (lambda rng: rng.integers(0, 2, 500), False),
        (lambda rng: rng.poisson(3, 20), False),  # too few to tell
        (lambda rng: np.full(500, 3), False),
    ],
)
def test_what_looks_like_counts(draw: Any, expected: bool) -> None:
    assert all(look_like_counts(draw(np.random.default_rng(s)).astype(float)) is expected for s in range(10))


@SEEDS
def test_the_poisson_loss_is_proposed_with_what_it_gives(seed: int) -> None:
    x, y = visits(seed)
    run = cr.train(x, y, task="regression", activation="relu", seed=seed, threads=1)
    (finding,) = count_findings(run)
    assert finding.title == "The label looks like counts"
    train = run.prepared.train.observations.y
    assert f"only whole numbers from 0 to {train.max():.0f}" in finding.evidence
    rows = run.prepared.validation.observations  # type: ignore[union-attr]
    predicted = run.model.predict(rows.x)
    below = predicted[predicted < 0]
    if len(below):
        told = (
            f"predicts negative numbers for {len(below):,} of {len(predicted):,} validation rows, down to "
            f"{below.min():.4g}"
        )
        assert told in finding.evidence
    (trial,) = finding.trials
    assert (trial.arguments, trial.measure) == ({"loss": "poisson"}, "validation mean Poisson deviance")
    deviances = {}
    for name, loss in (("before", "squared_error"), ("after", "poisson")):
        found = []
        for s in (seed, seed + 1, seed + 2):
            again = cr.train(x, y, task="regression", activation="relu", loss=loss, seed=s, split_seed=seed, threads=1)
            found.append(deviance(rows.y, again.model.predict(rows.x)))
        deviances[name] = float(np.mean(found))
    assert trial.before == pytest.approx(deviances["before"], rel=1e-4)
    assert trial.after == pytest.approx(deviances["after"], rel=1e-4)
    assert trial.after < trial.before


def deviance(true: Any, predicted: Any) -> float:
    """Twice the difference of log-likelihoods (McCullagh & Nelder 1989), predictions at least 1 % of the mean."""
    metrics = pytest.importorskip("sklearn.metrics")
    return float(metrics.mean_poisson_deviance(true, np.maximum(predicted, 0.01 * true.mean())))


@pytest.mark.filterwarnings("ignore::creche.errors.CrecheWarning")
def test_other_losses_and_tasks_are_left_alone() -> None:
    x, y = visits(0, 600)
    assert count_findings(cr.train(x, y, task="regression", loss="poisson", threads=1), try_remedies=False) == []
    assert count_findings(cr.train(x, np.minimum(y, 3).astype(int), threads=1), try_remedies=False) == []
    mass = cr.train("penguins", label="body_mass_g", task="regression", missing_label="drop", threads=1)
    assert count_findings(mass, try_remedies=False) == []
    assert count_findings(cr.train(x, y, task="regression", epochs=0, threads=1), try_remedies=False) == []


def test_without_negative_predictions_it_is_only_told_if_the_loss_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((800, 3))
    y = rng.poisson(np.exp(1 + 0.3 * x[:, 0])).astype(float)
    run = cr.train(x, y, task="regression", threads=1)
    assert (run.model.predict(x) > 0).all()
    assert [finding.rule for finding in count_findings(run, try_remedies=False)] == ["counts"]
    assert count_findings(run) == []

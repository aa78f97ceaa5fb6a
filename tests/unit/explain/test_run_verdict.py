from __future__ import annotations

import numpy as np
import pytest

import creche as cr
from creche.explain.constant_loss import constant_loss
from creche.explain.run_verdict import judge_run

EPOCHS = np.arange(100)
NOISE = np.random.default_rng(0).uniform(0, 1, 100)


@pytest.mark.parametrize(
    ("losses", "lowest", "word", "reason"),
    [
        (1.1 * 0.9**EPOCHS, 0.0, "good", "is near the lowest, 0 "),
        (1.1 * 0.97**EPOCHS, 0.05, "good", r"near the lowest, 0\.05 \(.*\), and still falling by 0\.05"),
        (1.1 * 0.9**EPOCHS, float(1.1 * 0.9**99), "good", r"its final loss, 3\.25e-05, is the lowest$"),
        (1.1 - 0.006 * EPOCHS, 0.0, "too low", "still falling when it ended, by 0.14 in the last quarter, to 0.506"),
        (1.1 - 0.006 * EPOCHS, 0.506, "too low", "still falling"),  # also the best of all
        (1.1 - 0.0001 * EPOCHS, 1.09, "too low", "the loss hardly changed, from 1.1 to 1.09"),
        (1.1 + 0.01 * EPOCHS, 0.0, "too high", "its final loss, 2.09, is higher than its initial loss, 1.1"),
        (np.append(1.1, 0.4 + 0.5 * NOISE[1:]), 0.0, "too high", "the loss went up and down between"),
        (np.append([1.1, 8.0], np.full(98, 0.4)), 0.0, "too high", "the loss jumped to 8, and ended at 0.4"),
        (np.append(1.12, np.full(99, 1.098)), 0.0, "too high", "got stuck at 1.1, no better than a constant"),
        (np.append(1.1, np.full(99, 0.4)), 0.0, "worse", "it levelled off at 0.4, above the lowest loss of 0"),
        (np.array([1.1, np.inf]), 0.0, "diverged", "stopped being finite"),
    ],
)
def test_curves(losses: np.ndarray, lowest: float, word: str, reason: str) -> None:
    verdict = judge_run(losses, lowest, 1.1)
    assert verdict.word == word
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(str(verdict))


def test_the_epoch_in_which_a_run_diverged_is_told() -> None:
    assert str(judge_run(np.array([1.0]), 0.0, 1.0, diverged_in=3)).endswith("stopped being finite in epoch 3")


def test_rates_far_apart_get_their_verdicts() -> None:
    runs = cr.explain.compare(
        "penguins-four", label="species", hidden=[5, 5], activation="relu", optimizer="sgd",
        learning_rate=[1e-5, 0.001, 0.3, 30.0, 1e12], preprocessing="standard", epochs=40, points=3, threads=1,
    )  # fmt: skip
    assert [one.verdict.word for one in runs] == ["too low", "too low", "good", "too high", "diverged"]
    assert runs.table()["verdict"].to_list() == [one.verdict.word for one in runs]


def test_a_comparison_goes_to_the_end_even_where_train_would_stop() -> None:
    runs = cr.explain.compare(
        "penguins-four", label="species", optimizer=["adam", "sgd"], epochs=30, points=3, threads=1
    )
    assert [(one.status, one.run.epoch, one.run.kept_epoch) for one in runs] == [("finished", 30, 30)] * 2


def test_the_loss_of_a_constant_prediction() -> None:
    run = cr.train("penguins-four", label="species", epochs=1, threads=1)
    counts = np.bincount(run.rows.classes)
    shares = counts / counts.sum()
    assert constant_loss(run) == pytest.approx(-(shares * np.log(shares)).sum())
    y = np.arange(60.0) % 7
    run = cr.train(y.reshape(-1, 1), y, task="regression", epochs=1, validation_fraction=0, threads=1)
    assert constant_loss(run) == pytest.approx(1.0)  # labels are standardized

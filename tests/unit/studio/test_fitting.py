"""`creche.fit` in a session: the same model, watched and cancelled."""

from __future__ import annotations

import numpy as np
import pytest

import creche as cr
from creche.model.calibration import Calibration
from creche.studio.fitting import describe_calibration
from creche.studio.protocol.requests import Cancel, Predict, StartFit
from creche.studio.protocol.views import FitView
from tests.unit.studio.watching import watched


def test_the_model_is_that_of_fit() -> None:
    with watched("penguins-four") as page:
        page.get(StartFit("fast"))
        view = page.pushed(FitView, lambda view: view.status != "running")
        expected = cr.fit("penguins-four", label="species", effort="fast", threads=1)
        assert view.status == "finished"
        assert view.done == 1
        assert [(each.number, each.score, each.weight) for each in view.candidates] == [
            (each.number, each.score, each.weight) for each in expected.record.tried
        ]
        assert {each.name: each.value for each in view.importances} == expected.record.importance
        assert expected.out_of_fold is not None
        assert {each.key: each.value for each in view.metrics} == expected.out_of_fold.values
        assert len(view.calibration) >= 1
        row = {"bill_length_mm": 37.3, "bill_depth_mm": 16.8, "flipper_length_cm": 19.2, "body_mass_hg": 30.0}
        answer = page.get(Predict({name: str(value) for name, value in row.items()}, "fit"))
        assert np.array_equal(answer.numbers, expected.predict_proba(row)[0].astype(np.float32))


def test_a_cancelled_fit_keeps_the_best_so_far() -> None:
    with watched() as page:
        page.get(StartFit("best"))
        page.pushed(FitView, lambda view: view.done > 0)  # after an epoch of all networks
        assert page.fail(StartFit()).code == "busy"
        page.get(Cancel("fit"))
        view = page.pushed(FitView, lambda view: view.status == "cancelled")
        assert any(each.weight > 0 for each in view.candidates)
        assert page.get(Predict({}, "fit")).numbers.sum() == pytest.approx(1, abs=1e-6)


def test_a_time_limit_below_zero_is_told() -> None:
    with watched() as page:
        assert page.fail(StartFit(time_limit=-1.0)).text == "Time limit: got -1; needs a number of seconds above 0."


@pytest.mark.parametrize(
    ("calibration", "classes", "told"),
    [
        (Calibration(temperature=2.0), ("a", "b"), "too sure"),
        (Calibration(temperature=0.5), ("a", "b"), "not sure enough"),
        (Calibration(offsets=(0.5, -0.25)), ("a", "b"), "a is made more probable (+0.5), b less (-0.25)"),
        (Calibration(lowest=(1.0,), highest=(2.5,)), None, "between 1 and 2.5"),
    ],
)
def test_calibration_is_told_in_words(calibration: Calibration, classes: tuple[str, ...] | None, told: str) -> None:
    assert told in " ".join(describe_calibration(calibration, classes))

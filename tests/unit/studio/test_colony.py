"""The colony of a session: the networks of `creche.train`, and going on with one of them."""

from __future__ import annotations

import numpy as np
import pytest

import creche as cr
from creche.studio.protocol import views
from creche.studio.protocol.requests import (
    Cancel,
    ChangeSettings,
    ConfigureTable,
    Connect,
    PickMember,
    Predict,
    StartColony,
    Step,
)
from creche.studio.protocol.views import ColonyView
from tests.unit.studio.watching import Page, watched

SMALL = ChangeSettings(hidden=(5, 5), schedule="cosine", epochs=40)
RATES = (0.001, 0.01, 0.1)

LONG = ChangeSettings(hidden=(128, 128), epochs=100_000)  # no colony of it ends before it is cancelled


def run_colony(page: Page, request: StartColony) -> ColonyView:
    page.get(request)
    return page.pushed(ColonyView, lambda view: view.status != "running")


def train_like(**changes: object) -> cr.Run:
    """The network of `SMALL`, trained without the studio for the epochs that `until` tells."""
    until = changes.pop("until", None)
    arguments = {
        "hidden": [5, 5], "schedule": "cosine", "epochs": 40, "early_stopping": False, "keep": "last", "threads": 1,
        **changes,
    }  # fmt: skip
    stop = None if until is None else lambda record: record.epoch >= until  # type: ignore[operator]
    return cr.train("penguins", label="species", on_epoch=stop, **arguments)  # type: ignore[arg-type]


def test_each_member_is_a_network_of_train() -> None:
    with watched() as page:
        page.get(SMALL)
        view = run_colony(page, StartColony(RATES, ("adam", "sgd"), seeds=2, epochs=10))
        assert (view.status, view.epoch, view.epochs) == ("finished", 10, 10)
        assert len(view.members) == 12
        assert view.curves.shape == (12, 10)
        for number in (0, 5, 11):
            member = view.members[number]
            run = train_like(
                optimizer=member.optimizer, learning_rate=member.learning_rate, seed=member.seed, split_seed=0, until=10
            )
            assert np.array_equal(view.curves[number], run.history.validation_loss.astype(np.float32))
        losses = [member.validation_loss for member in view.members]
        assert [member.rank for member in view.members] == [sorted(losses).index(loss) + 1 for loss in losses]  # type: ignore[type-var]
        assert "12 networks were trained" in view.text


def test_training_goes_on_with_a_member_to_the_same_bytes() -> None:
    with watched() as page:
        page.get(SMALL)
        run_colony(page, StartColony(RATES, epochs=10))
        page.get(PickMember(2))
        settings = page.pushed(views.SettingsView).settings
        assert (settings.learning_rate, settings.hidden, settings.epochs) == (0.1, (5, 5), 40)
        page.pushed(views.Tick, lambda tick: tick.epoch == 10)
        page.get(Step("epoch", count=30))
        assert page.pushed(views.Tick, lambda tick: tick.epoch == 40).status == "finished"
        network = page.get(Connect(views.VERSION)).network
        expected = train_like(learning_rate=0.1).weights
        drawn = [expected[layer][0][source, target] for layer, source, target in network.edges]
        assert np.array_equal(page.tick().edge_weights, np.array(drawn, dtype=np.float32))


def test_an_ensemble_of_the_colony_predicts() -> None:
    with watched() as page:
        page.get(SMALL)
        run_colony(page, StartColony(RATES, seeds=4, epochs=10))
        view = page.get(Predict({}, "ensemble"))
        assert view.numbers.sum() == pytest.approx(1, abs=1e-6)
        assert len(view.activations) == 0


def test_a_network_that_diverges_has_no_rank() -> None:
    with watched("penguins-four", ("body_mass_hg",)) as page:
        page.get(ChangeSettings(optimizer="sgd"))
        view = run_colony(page, StartColony((0.01, 1e6), epochs=5))
        assert [member.status for member in view.members] == ["finished", "diverged"]
        assert [member.rank for member in view.members] == [1, None]
        assert "1 network diverged." in view.text


def test_a_cancelled_colony_keeps_what_it_has() -> None:
    with watched() as page:
        page.get(LONG)
        page.get(StartColony(RATES, epochs=LONG.epochs))
        page.pushed(ColonyView, lambda view: view.epoch > 0)
        assert page.fail(StartColony(RATES)).code == "busy"
        assert page.fail(Predict({}, "ensemble")).code == "busy"
        page.get(Cancel("colony"))
        view = page.pushed(ColonyView, lambda view: view.status == "cancelled")
        assert {member.status for member in view.members} == {"stopped"}
        assert page.fail(Cancel("colony")).text == "No colony is in training."
        page.get(PickMember(0))
        page.pushed(views.Tick, lambda tick: tick.epoch > 0)


@pytest.mark.parametrize(
    ("request_", "code", "told"),
    [
        (StartColony((0.1,) * 3000), "too_large", "These are 3,000 networks"),
        (StartColony((-1.0,)), "bad_value", "Learning rate: got -1.0"),
        (StartColony((0.1,), seeds=0), "bad_value", "Seeds: got 0"),
        (StartColony((0.1,), epochs=0), "bad_value", "Epochs: got 0"),
        (StartColony((0.1,), hidden=((10**6, 10**6),)), "bad_value", "GB available"),
        (PickMember(0), "bad_value", "no network 0"),
    ],
)
def test_what_cannot_be_trained_is_told(request_: StartColony, code: views.FailureCode, told: str) -> None:
    with watched() as page:
        failure = page.fail(request_)
        assert failure.code == code
        assert told in failure.text


def test_a_page_that_comes_later_is_shown_the_colony() -> None:
    with watched() as page:
        page.get(SMALL)
        done = run_colony(page, StartColony(RATES, epochs=3))
        colony = page.get(Connect(views.VERSION)).colony
        assert (colony.status, colony.members) == ("finished", done.members)
        np.testing.assert_array_equal(colony.curves, done.curves)


def test_another_label_ends_the_colony() -> None:
    with watched() as page:
        page.get(LONG)
        page.get(StartColony(RATES, epochs=LONG.epochs))
        page.get(ConfigureTable(label=("island",)))
        page.pushed(ColonyView, lambda view: view.status == "cancelled")
        assert page.fail(PickMember(0)).code == "bad_value"

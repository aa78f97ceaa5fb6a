"""Settings that change while a network trains, and going back in time: what results is what `creche.train` makes."""

from __future__ import annotations

import numpy as np
import pytest

import creche as cr
from creche.studio.protocol import views
from creche.studio.protocol.requests import ChangeSettings, Connect, Pause, Play, Reset, Rewind, Step
from creche.studio.snapshots import Snapshots
from tests.unit.studio.watching import Page, watched

STEPS = 8  # of an epoch of the penguins


def tick_at(page: Page, step: int) -> views.Tick:
    return page.pushed(views.Tick, lambda tick: tick.step == step and tick.status != "running")


def check(page: Page, step: int, *changes: cr.Change) -> None:
    """The network has the weights of `creche.train` with these changes, after this step."""
    tick = tick_at(page, step)
    run = cr.train(
        "penguins", label="species", hidden=[8, 8], epochs=1000, early_stopping=False, keep="last", steps=step,
        changes=changes, threads=1,
    )  # fmt: skip
    np.testing.assert_array_equal(tick.biases, np.concatenate([bias for _, bias in run.weights]))
    edges = page.get(Connect(views.VERSION)).network.edges
    weights = [run.weights[layer][0][source, target] for layer, source, target in edges]
    np.testing.assert_array_equal(tick.edge_weights, np.array(weights, dtype=np.float32))


@pytest.mark.parametrize(
    ("request_", "change"),
    [
        (ChangeSettings(learning_rate=0.1), cr.Change(3, learning_rate=0.1)),
        (ChangeSettings(optimizer="sgd", learning_rate=0.5), cr.Change(3, optimizer="sgd", learning_rate=0.5)),
        (ChangeSettings(optimizer="adamw"), cr.Change(3, optimizer="adamw")),
        (ChangeSettings(optimizer="adamw", weight_decay=0.0), cr.Change(3, optimizer="adamw", weight_decay=0.0)),
        (ChangeSettings(batch_size=16), cr.Change(STEPS, batch_size=16)),
        (ChangeSettings(dropout=0.5, l1=0.01), cr.Change(3, dropout=0.5, l1=0.01)),
        (ChangeSettings(label_smoothing=0.1), cr.Change(3, label_smoothing=0.1)),
        (ChangeSettings(schedule="cosine", epochs=5), cr.Change(3, schedule="cosine", epochs=5)),
    ],
)  # fmt: skip
def test_settings_change_from_the_next_batch_on(request_: ChangeSettings, change: cr.Change) -> None:
    with watched() as page:
        page.get(Step(count=3))
        settings = page.get(request_)
        assert not settings.restarted
        assert len(settings.changes) == 1
        assert settings.changed_at == ((1.0,) if request_.batch_size else (3 / STEPS,))
        page.get(Step(count=20))
        check(page, 23, change)


def test_a_setting_that_the_loss_lacks_is_refused_and_nothing_changes() -> None:
    with watched() as page:
        page.get(ChangeSettings(loss="squared_error"))
        page.get(Step(count=3))
        assert "Label smoothing" in page.fail(ChangeSettings(label_smoothing=0.1, learning_rate=0.5)).text
        settings = page.get(Connect(views.VERSION)).settings
        assert settings.settings.learning_rate == 0.001
        assert settings.changes == ()


def test_it_goes_back_and_on_as_if_nothing_had_happened() -> None:
    with watched() as page:
        page.get(Step("epoch", count=4))
        before = tick_at(page, 4 * STEPS)
        restored = page.get(Rewind(2))
        assert (restored.epoch, restored.step) == (2, 2 * STEPS)
        check(page, 2 * STEPS)
        page.get(Step("epoch", count=2))
        again = tick_at(page, 4 * STEPS)
        np.testing.assert_array_equal(again.edge_weights, before.edge_weights)


def test_what_came_after_stays_recorded_until_it_goes_on() -> None:
    with watched() as page:
        page.get(Step("epoch", count=4))
        page.get(ChangeSettings(learning_rate=0.1))
        page.get(Step("epoch", count=2))
        page.get(Rewind(1))
        history = page.pushed(views.History)
        assert history.epochs.tolist() == [1, 2, 3, 4, 5, 6]
        assert history.snapshots.tolist() == [0, 1, 2, 3, 4, 5, 6]
        assert page.pushed(views.SettingsView).settings.learning_rate == 0.001
        assert page.get(Rewind(6)).step == 6 * STEPS
        check(page, 6 * STEPS, cr.Change(4 * STEPS, learning_rate=0.1))
        page.get(Rewind(1))
        page.get(Step("epoch"))
        check(page, 2 * STEPS)
        page.wait_for_epochs([1, 2])
        assert page.fail(Rewind(3)).code == "bad_value"


def test_epoch_0_has_the_random_weights() -> None:
    with watched() as page:
        first = page.tick()
        page.get(Step("epoch", count=2))
        page.get(Rewind(0))
        again = tick_at(page, 0)
        np.testing.assert_array_equal(again.edge_weights, first.edge_weights)
        np.testing.assert_array_equal(again.biases, first.biases)


def test_a_network_that_diverged_goes_back_to_where_it_was_well() -> None:
    with watched() as page:
        page.get(ChangeSettings(optimizer="sgd", activation="relu", batch_size=200))
        page.get(Step("epoch"))
        page.get(ChangeSettings(learning_rate=1e30))
        page.get(Play())
        tick = page.pushed(views.Tick, lambda tick: tick.status == "diverged")
        assert "diverged in epoch 2" in tick.why
        assert "1e+29 or lower" in tick.why
        assert np.isfinite(tick.edge_weights).all()
        assert page.fail(Play()).code == "diverged"
        restored = page.get(Rewind(last_finite=True))
        assert restored.step == tick.step
        last = page.pushed(views.Tick, lambda tick: tick.status == "paused")
        np.testing.assert_array_equal(last.edge_weights, tick.edge_weights)
        page.get(Rewind(1))
        page.get(ChangeSettings(learning_rate=0.01))
        page.get(Step("epoch"))
        assert page.pushed(views.Tick, lambda tick: tick.epoch == 2).status == "paused"


def test_a_change_after_divergence_leads_back_to_the_last_finite_weights() -> None:
    with watched() as page:
        page.get(ChangeSettings(optimizer="sgd", activation="relu", learning_rate=1e30))
        page.get(Play())
        step = page.pushed(views.Tick, lambda tick: tick.status == "diverged").step
        page.get(ChangeSettings(learning_rate=0.01))
        tick = page.pushed(views.Tick)
        assert (tick.status, tick.step) == ("paused", step)


def test_more_epochs_let_it_go_on_and_fewer_end_it() -> None:
    with watched() as page:
        page.get(ChangeSettings(epochs=2))
        page.get(Play())
        page.pushed(views.Tick, lambda tick: tick.status == "finished")
        assert "more epochs" in page.fail(Play()).remedy
        page.get(ChangeSettings(epochs=3))
        page.get(Play())
        page.pushed(views.Tick, lambda tick: tick.status == "finished" and tick.epoch == 3)
        page.get(Rewind(1))
        page.get(Play())
        # The third epoch was added after the second, to which this has not come yet.
        page.pushed(views.Tick, lambda tick: tick.status == "finished" and tick.epoch == 2)


def test_a_reset_keeps_the_settings_and_forgets_the_changes() -> None:
    with watched() as page:
        page.get(Step())
        page.get(ChangeSettings(learning_rate=0.1))
        page.get(Reset())
        settings = page.get(Connect(views.VERSION)).settings
        assert settings.settings.learning_rate == 0.1
        assert settings.changes == ()


def test_settings_change_while_it_plays() -> None:
    with watched() as page:
        page.play_endlessly()
        page.pushed(views.Tick, lambda tick: tick.epoch > 2)
        epoch = page.get(ChangeSettings(learning_rate=0.01)).changed_at[-1]
        page.pushed(views.Tick, lambda tick: tick.status == "running" and tick.epoch > epoch)
        page.get(Pause())


def state_of(size: int) -> dict[str, np.ndarray]:
    return {"network.0.weights": np.zeros(size, dtype=np.float32), "history.train_loss": np.zeros(9)}


def test_snapshots_are_thinned_where_they_fill_the_memory() -> None:
    snapshots = Snapshots(budget=4 * 1000 * 5)
    for epoch in range(21):
        if snapshots.is_due(epoch):
            snapshots.keep(epoch, state_of(1000))
    assert snapshots.epochs == [0, 8, 16]
    assert [snapshots.next_due(epoch) for epoch in (0, 7, 8, 20)] == [8, 8, 16, 24]
    assert [snapshots.nearest(epoch) for epoch in (0, 4, 5, 12, 20)] == [0, 0, 8, 8, 16]
    assert snapshots.restore(8, {"history.train_loss": np.arange(20.0)})["history.train_loss"].tolist() == [*range(8)]


def test_the_beginning_and_one_epoch_of_a_huge_network_are_kept() -> None:
    snapshots = Snapshots(budget=10)
    for epoch in range(7):
        if snapshots.is_due(epoch):
            snapshots.keep(epoch, state_of(1000))
    assert snapshots.epochs == [0, 4]

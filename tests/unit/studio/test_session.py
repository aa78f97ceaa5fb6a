"""A session as a page sees it: it opens a table, trains, pauses and says what it does."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import creche as cr
from creche.studio.answers.registry import ANSWERS
from creche.studio.progress import HISTORY_LIMIT
from creche.studio.protocol import requests, views
from creche.studio.protocol.requests import (
    ChangeSettings,
    ConfigureTable,
    Connect,
    OpenTable,
    Pause,
    Play,
    Reset,
    SelectRow,
    Step,
)
from creche.studio.session import seconds_between_ticks, time_of_tick
from tests.unit.studio.watching import Page, watched


def train_like(page: Page, **changes: object) -> cr.Run:
    arguments = {"hidden": [8, 8], "epochs": 3, "early_stopping": False, "keep": "last", "threads": 1, **changes}
    return cr.train("penguins", label="species", **arguments)  # type: ignore[arg-type]


def edge_weights(run: cr.Run, edges: np.ndarray) -> np.ndarray:
    return np.array([run.weights[layer][0][source, target] for layer, source, target in edges], dtype=np.float32)


def test_a_page_is_welcomed_with_all_it_draws() -> None:
    with watched() as page:
        welcome = page.get(Connect(views.VERSION))
        assert welcome.table.name == "penguins"
        assert welcome.table.label == ("species",)
        assert welcome.table.train_rows + welcome.table.validation_rows == 344
        assert [layer.width for layer in welcome.network.layers][1:] == [8, 8, 3]
        assert welcome.network.layers[-1].names == ("Adelie", "Chinstrap", "Gentoo")
        assert welcome.network.layers[-1].activation == "softmax"
        assert len(welcome.network.edges) == min(1500, welcome.network.connections)
        assert welcome.settings.settings.optimizer == "adam"
        history = page.pushed(views.History)
        assert history.first == 1
        assert len(history.epochs) == 0


def test_a_page_of_another_version_is_refused() -> None:
    with watched() as page:
        assert page.fail(Connect(views.VERSION + 1)).code == "unsupported"


def test_steps_give_the_weights_of_train() -> None:
    with watched() as page:
        page.get(Step("epoch", count=3))
        tick = page.pushed(views.Tick, lambda tick: tick.epoch == 3)
        run = train_like(page)
        network = page.get(Connect(views.VERSION)).network
        np.testing.assert_array_equal(tick.edge_weights, edge_weights(run, network.edges))
        np.testing.assert_array_equal(tick.biases, np.concatenate([bias for _, bias in run.weights]))
        assert tick.train_loss == run.history.train_loss[-1]
        history = page.pushed(views.History, lambda history: len(history.epochs) and history.epochs[-1] == 3)
        assert "validation_accuracy" in history.columns


def test_one_batch_is_one_step_and_an_epoch_ends_where_it_ends() -> None:
    with watched() as page:
        page.get(Step("batch"))
        assert page.pushed(views.Tick, lambda tick: tick.step == 1).batch == 1
        page.get(Step("epoch"))
        tick = page.pushed(views.Tick, lambda tick: tick.epoch == 1)
        assert (tick.batch, tick.step, tick.status) == (0, tick.batches, "paused")


def test_it_plays_until_it_is_paused() -> None:
    with watched() as page:
        page.play_endlessly()
        page.pushed(views.Tick, lambda tick: tick.status == "running" and tick.epoch > 5)
        page.get(Pause())
        paused = page.pushed(views.Tick)
        assert paused.status == "paused"
        page.get(Connect(views.VERSION))
        assert page.pushed(views.Tick).step == paused.step


def test_a_pace_slows_it_down() -> None:
    with watched() as page:
        page.get(Play(epochs_per_second=1e-9))
        assert page.pushed(views.Tick, lambda tick: tick.status == "running").step == 0
        page.get(Play(epochs_per_second=1e9))
        page.pushed(views.Tick, lambda tick: tick.epoch > 2)


def test_ticks_come_as_often_as_the_fastest_watcher_wants_and_at_once_to_a_new_one() -> None:
    assert seconds_between_ticks([], 0.0) == pytest.approx(1 / 30)
    assert seconds_between_ticks([2.0, 15.0], 0.0) == pytest.approx(1 / 15)
    assert seconds_between_ticks([1000.0], 0.0) == pytest.approx(1 / 30)
    assert seconds_between_ticks([1e-9], 0.0) == pytest.approx(10)
    assert seconds_between_ticks([30.0], 1.0) == pytest.approx(4)  # a quarter of the time


def test_a_tick_that_is_a_little_late_does_not_delay_those_after_it() -> None:
    assert time_of_tick(due=5.0, started=5.01) == 5.0
    assert time_of_tick(due=5.0, started=4.9) == 4.9  # a request was answered
    assert time_of_tick(due=5.0, started=6.0) == 6.0  # it lags, and does not try to make up for it


def test_pieces_of_the_history_join() -> None:
    with watched() as page:
        page.get(ChangeSettings(epochs=200))
        page.get(Play())
        page.pushed(views.Tick, lambda tick: tick.status == "finished")
        pieces = [piece for piece in page.all(views.History) if len(piece.epochs)]
        assert np.concatenate([piece.epochs for piece in pieces]).tolist() == list(range(1, 201))
        assert all(piece.first == piece.epochs[0] for piece in pieces)


def test_pieces_of_a_long_history_join_to_every_second_or_fourth_epoch() -> None:
    epochs = 2 * HISTORY_LIMIT + 300
    with watched() as page:
        page.get(ChangeSettings(epochs=epochs))
        page.get(Play())
        page.pushed(views.Tick, lambda tick: tick.status == "finished")
        pieces = [piece for piece in page.all(views.History) if len(piece.epochs)]
        train_loss = train_like(page, epochs=epochs).history.train_loss
    known: dict[int, float] = {}
    for piece in pieces:
        known = {each: loss for each, loss in known.items() if each < piece.first and (each - 1) % piece.stride == 0}
        known |= dict(zip(piece.epochs.tolist(), piece.values[:, piece.columns.index("train_loss")], strict=True))
    assert pieces[-1].stride == 4
    assert list(known) == [*range(1, epochs, 4), epochs]
    np.testing.assert_array_equal(list(known.values()), train_loss[np.array(list(known)) - 1].astype(np.float32))
    assert sum(len(piece.epochs) for piece in pieces) < epochs + len(pieces) + 1  # none is sent twice


def test_the_history_is_whole_when_it_pauses() -> None:
    with watched() as page:
        page.play_endlessly()
        page.pushed(views.Tick, lambda tick: tick.epoch > 5)
        page.get(Pause())
        paused = page.pushed(views.Tick)
        assert paused.epoch > 5
        assert page.all(views.History)[-1].epochs[-1] == paused.history_rows


def test_reset_draws_the_same_weights_and_another_seed_others() -> None:
    with watched() as page:
        first = page.tick().edge_weights
        page.get(Step("epoch"))
        page.get(Reset())
        tick = page.pushed(views.Tick, lambda tick: tick.epoch == 0)
        np.testing.assert_array_equal(tick.edge_weights, first)
        page.get(Reset(seed=5))
        other = page.pushed(views.Tick)
        assert not np.array_equal(other.edge_weights, first)
        assert page.pushed(views.SettingsView).settings.seed == 5


def test_the_shape_changes_only_if_the_loss_of_weights_is_accepted() -> None:
    with watched() as page:
        page.get(Step("epoch"))
        failure = page.fail(ChangeSettings(hidden=(5,)))
        assert failure.code == "needs_restart"
        assert "1 epoch" in failure.text
        assert page.tick().epoch == 1
        page.get(ChangeSettings(hidden=(5,), restart=True))
        page.pushed(views.NetworkView, lambda network: [layer.width for layer in network.layers[1:]] == [5, 3])


def test_a_setting_that_cannot_be_leaves_the_network_as_it_was() -> None:
    with watched() as page:
        page.get(Step("epoch"))
        for change, word in (
            (ChangeSettings(hidden=(0,), restart=True), "Hidden: got 0"),
            (ChangeSettings(learning_rate=-1.0, restart=True), "Learning rate: got -1.0"),
            (ChangeSettings(hidden=(2**30, 2**30), restart=True), "memory"),
        ):
            failure = page.fail(change)
            assert failure.code == "bad_value"
            assert word in failure.text or "GB" in failure.text
        assert page.tick().epoch == 1
        assert page.get(Connect(views.VERSION)).settings.settings.hidden == (8, 8)


def test_of_a_wide_network_the_strongest_connections_are_drawn() -> None:
    with watched() as page:
        page.get(ChangeSettings(hidden=(60, 50)))
        page.get(Step("epoch", count=20))
        tick = page.pushed(views.Tick, lambda tick: tick.epoch == 20)
        run = train_like(page, hidden=(60, 50), epochs=20)
        network = page.get(Connect(views.VERSION)).network
        assert tick.edges_version == network.edges_version
        assert len(network.edges) == 1500 < network.connections
        np.testing.assert_array_equal(tick.edge_weights, edge_weights(run, network.edges))
        strengths = np.sort(np.concatenate([np.abs(w).ravel() for w, _ in run.weights]))
        assert np.abs(tick.edge_weights).min() == strengths[-1500]


def test_another_optimizer_brings_its_own_numbers() -> None:
    with watched() as page:
        settings = page.get(ChangeSettings(optimizer="adadelta")).settings
        assert settings.learning_rate == cr.Adadelta().learning_rate
        settings = page.get(ChangeSettings(optimizer="sgd", learning_rate=0.5)).settings
        assert (settings.optimizer, settings.learning_rate) == ("sgd", 0.5)


def test_a_selected_row_is_sent_through_the_network() -> None:
    with watched() as page:
        page.get(SelectRow(1))
        page.get(Step("epoch", count=3))
        tick = page.pushed(views.Tick, lambda tick: tick.epoch == 3)
        model = train_like(page).model
        row = cr.datasets.penguins().head(1)
        np.testing.assert_array_equal(tick.probabilities, model.predict_proba(row)[0])
        assert len(tick.activations) == model.plan.network.inputs + 8 + 8 + 3
        np.testing.assert_array_equal(tick.activations[: model.plan.network.inputs], model.encode_rows(row)[0])
        assert page.fail(SelectRow(345)).code == "bad_value"


def test_a_row_that_is_kept_back_is_selected_from_the_start_and_can_be_cleared() -> None:
    with watched() as page:
        kept_back = train_like(page).prepared.validation
        assert kept_back is not None
        assert page.tick().selected_row == kept_back.observations.row_indices.min() + 1
        assert len(page.tick().probabilities) == 3
        page.get(SelectRow(None))
        cleared = page.pushed(views.Tick, lambda tick: tick.selected_row is None)
        assert len(cleared.probabilities) == 0
        page.get(OpenTable(dataset="penguins-four"))
        page.pushed(views.Tick, lambda tick: tick.sequence > cleared.sequence and tick.selected_row is not None)


def test_a_table_can_be_opened_and_its_label_chosen() -> None:
    with watched(None) as page:
        assert page.tick().status == "empty"
        assert page.fail(Play()).code == "no_table"
        page.get(OpenTable(dataset="penguins-four"))
        assert page.pushed(views.TableView).label == ("species",)
        view = page.get(ConfigureTable(label=("body_mass_hg",)))
        assert view.task == "regression"
        page.get(Step("epoch"))
        assert page.pushed(views.Tick, lambda tick: tick.epoch == 1).train_loss is not None
        assert page.fail(ConfigureTable(label=("nothing",))).code == "bad_table"
        assert page.get(Connect(views.VERSION)).table.label == ("body_mass_hg",)


def test_tabs_see_what_others_do() -> None:
    with watched() as page:
        other = Page(page.session)
        page.session.attach(other)
        other.get(Connect(views.VERSION))
        page.pushed(views.Tick, lambda tick: tick.watchers == 2)
        page.get(ChangeSettings(batch_size=7))
        assert other.pushed(views.SettingsView).settings.batch_size == 7
        page.forget()
        page.session.detach(other)
        page.pushed(views.Tick, lambda tick: tick.watchers == 1)
        other.forget()
        page.get(Step("epoch"))
        page.get(Connect(views.VERSION))
        assert other.all(object) == []


def test_a_request_that_fails_leaves_the_session_alive(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(turn: object, request: object) -> object:
        raise ZeroDivisionError("oh")

    monkeypatch.setitem(ANSWERS, requests.Pause, broken)
    with watched() as page, caplog.at_level(logging.CRITICAL):
        failure = page.fail(Pause())
        assert failure.code == "internal"
        assert "ZeroDivisionError" in failure.text
        page.get(Step())


def test_closing_says_why_and_refuses_what_comes_after() -> None:
    with watched() as page:
        page.session.close("the server stops")
        assert page.pushed(views.Closing).text == "the server stops"
        assert page.fail(Play()).text == "The session is closed."

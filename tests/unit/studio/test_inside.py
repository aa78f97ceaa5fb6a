"""Looking inside through the session gives the numbers of `creche.explain`, which know nothing of the session."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.studio.protocol.requests import (
    ApplyWeight,
    ChangeSettings,
    ExplainNeuron,
    OpenTable,
    Probe,
    Respond,
    RespondSmall,
    SelectRow,
    Step,
    TraceStep,
)
from creche.studio.protocol.views import Tick
from creche.table.reading.read import read_table
from tests.unit.studio.test_session import train_like
from tests.unit.studio.watching import watched

PENGUINS = cr.datasets.penguins()


def test_a_traced_step_has_the_numbers_of_explain_trace() -> None:
    with watched() as page:
        page.get(Step("epoch", count=2))
        step = page.get(TraceStep())
        run = train_like(page, epochs=1000, steps=16)
        expected = cr.explain.trace(run, check=False)
        assert step.rows.tolist() == expected.rows.tolist()
        assert step.loss == expected.loss
        assert step.loss_after == expected.loss_after
        assert step.optimizer == "Adam, learning rate 0.001"
        assert [array.name for array in step.layers[0].optimizer_arrays] == ["momentum", "second moment"]
        for got, layer in zip(step.layers, expected.layers, strict=True):
            np.testing.assert_array_equal(got.sums, layer.sums)
            np.testing.assert_array_equal(got.sum_gradients, layer.dloss_dsums)
            np.testing.assert_array_equal(got.weight_gradients, layer.gradient)
            np.testing.assert_array_equal(got.weights_after, layer.weights_after)
        np.testing.assert_array_equal(step.labels.argmax(axis=1), expected.errors.true)
        np.testing.assert_allclose(step.predictions - step.labels, step.differences, atol=1e-7)
        np.testing.assert_allclose(step.mean_squares, (step.differences**2).mean(axis=1), rtol=1e-5)


def test_the_traced_step_is_the_one_that_training_takes() -> None:
    with watched() as page:
        step = page.get(TraceStep())
        page.get(Step("batch"))
        tick = page.pushed(Tick, lambda tick: tick.step == 1)
        biases = np.concatenate([layer.bias_after for layer in step.layers])
        np.testing.assert_array_equal(tick.biases, biases)


def test_rows_are_traced_by_their_numbers_in_the_table() -> None:
    with watched() as page:
        step = page.get(TraceStep((3, 200, 1)))
        assert step.row_names == ("row 3", "row 200", "row 1")
        page.get(SelectRow(200))
        tick = page.pushed(Tick, lambda tick: tick.selected_row == 200)
        np.testing.assert_allclose(tick.probabilities, step.predictions[1], rtol=1e-6)
        assert "row 999" in page.fail(TraceStep((999,))).text


def test_the_arithmetic_of_a_neuron_adds_up_to_its_sum() -> None:
    with watched() as page:
        assert page.fail(ExplainNeuron(1, 0, 3)).code == "bad_value"
        step = page.get(TraceStep((3, 7)))
        neuron = page.get(ExplainNeuron(2, 4, 7))
        assert neuron.title == "Neuron 4 of layer 2 in row 7"
        (line,) = [line for line in neuron.forward if line.startswith("pre-activation z")]
        assert float(line.split()[-1]) == pytest.approx(step.layers[1].sums[1, 4], rel=1e-5)
        (line,) = [line for line in neuron.backward if line.startswith("product: gradient at z")]
        assert float(line.split()[-1]) == pytest.approx(step.layers[1].sum_gradients[1, 4], rel=1e-5)
        assert "there is no layer 9" in page.fail(ExplainNeuron(9, 0, 7)).text


def test_a_step_with_too_many_numbers_is_refused() -> None:
    with watched() as page:
        page.get(ChangeSettings(hidden=(1000, 700), restart=True))
        assert page.fail(TraceStep()).code == "too_large"


def test_the_curve_of_a_weight_is_that_of_explain() -> None:
    with watched() as page:
        page.get(Step("epoch"))
        run = train_like(page, epochs=1000, steps=8)
        steepest = page.get(Probe())
        expected = cr.explain.loss_against_weight(run, learning_rate=run.learning_rate, points=81, threads=1)
        assert (steepest.layer, steepest.source, steepest.target) == (expected.layer, expected.source, expected.target)
        assert (steepest.loss, steepest.gradient) == (expected.loss, expected.gradient)
        assert steepest.slope == expected.slope
        np.testing.assert_array_equal(steepest.weights, expected.weights)
        np.testing.assert_array_equal(steepest.losses, expected.losses.astype(np.float32))
        assert steepest.next_weight == steepest.weight - 0.001 * steepest.gradient
        assert steepest.rows == "The loss of all 241 training rows."


def test_a_tried_value_is_on_the_curve_and_leaves_the_network_alone() -> None:
    with watched() as page:
        before = page.get(Probe(0, 3, 5))
        k = 60
        tried = page.get(Probe(0, 3, 5, float(before.weights[k])))
        assert tried.is_trial
        assert tried.weight == before.weights[k]
        assert tried.loss == pytest.approx(before.losses[k], rel=1e-6)
        assert page.get(Probe(0, 3, 5)).weight == before.weight
        bias = page.get(Probe(1, None, 2, 0.5))
        assert (bias.source, bias.weight, bias.title) == (None, 0.5, "bias of neuron 2 of layer 2")
        assert "layers 0 to 2" in page.fail(Probe(7, 0, 0)).text


def test_an_applied_weight_is_that_of_the_network_and_training_goes_on_from_it() -> None:
    with watched() as page:
        page.get(Step("epoch"))
        page.get(ApplyWeight(0, 3, 5, 0.75))
        assert page.get(Probe(0, 3, 5)).weight == 0.75
        page.get(Step("epoch"))
        tick = page.pushed(Tick, lambda tick: tick.epoch == 2)
        run = train_like(page, epochs=2, changes=[cr.Change(8, weights=[cr.SetWeight(0, 5, 0.75, source=3)])])
        np.testing.assert_array_equal(tick.biases, np.concatenate([bias for _, bias in run.weights]))
        assert "Target: got 99" in page.fail(ApplyWeight(0, 3, 99, 0.75)).text


def typical_rows(**varied: object) -> pl.DataFrame:
    """Return rows at the medians and most frequent categories of the training rows of the session."""
    run = cr.train(PENGUINS, label="species", hidden=[8, 8], epochs=0, threads=1)
    rows = PENGUINS[run.prepared.train.observations.row_indices]
    one = {
        name: np.sort(column.drop_nulls().to_numpy())[column.drop_nulls().len() // 2]
        if column.dtype.is_numeric()
        else column.drop_nulls().mode().sort()[0]
        for name, column in zip(rows.columns, rows.get_columns(), strict=True)
        if name != "species"
    }
    count = max(len(list(values)) for values in varied.values())  # type: ignore[call-overload]
    return pl.DataFrame({name: varied.get(name, [value] * count) for name, value in one.items()})


def test_the_response_of_an_output_is_the_prediction_for_a_typical_row_with_that_value() -> None:
    with watched() as page:
        page.get(Step("epoch", count=5))
        model = train_like(page, epochs=5).model
        response = page.get(Respond(3, 1, "bill_depth_mm"))
        assert response.title == "the output of Chinstrap"
        table = typical_rows(bill_depth_mm=response.x_values.astype(np.float64))
        np.testing.assert_allclose(response.activations, model.predict_proba(table)[:, 1], rtol=1e-4, atol=1e-6)
        islands = page.get(Respond(3, 2, "island"))
        assert islands.x_labels == ("Biscoe", "Dream", "Torgersen")
        table = typical_rows(island=list(islands.x_labels))
        np.testing.assert_allclose(islands.activations, model.predict_proba(table)[:, 2], rtol=1e-4, atol=1e-6)


def test_a_map_has_the_curves_of_its_columns_as_rows() -> None:
    with watched() as page:
        response = page.get(Respond(1, 3, "island", "body_mass_g"))
        assert response.activations.shape == (len(response.y_values), 3)
        k = 7
        model = cr.train(PENGUINS, label="species", hidden=[8, 8], epochs=0, threads=1).model
        mass = [float(response.y_values[k])] * 3
        table = typical_rows(island=list(response.x_labels), body_mass_g=mass)
        (w, b), *_ = model.weights
        x = model.features.transform(read_table(table), "float32")
        np.testing.assert_allclose(response.activations[k], np.tanh(x @ w + b)[:, 3], rtol=1e-4, atol=1e-6)


def test_the_strongest_column_is_the_one_over_which_the_activation_changes_most() -> None:
    with watched() as page:
        page.get(Step("epoch", count=3))
        for neuron in range(3):
            strongest = page.get(Respond(1, neuron))
            spreads = {
                name: np.ptp(page.get(Respond(1, neuron, name)).activations)
                for name in PENGUINS.columns
                if name != "species"
            }
            assert spreads[strongest.x_column] == pytest.approx(max(spreads.values()), rel=0.05)


def test_small_responses_are_the_responses_in_fewer_numbers() -> None:
    with watched() as page:
        page.get(Step("epoch", count=3))
        places = ((2, 5), (1, 3), (1, 0))
        islands = page.get(RespondSmall(places, "island"))
        assert islands.counts.tolist() == [3, 3, 3]
        lines = page.get(RespondSmall(places))
        maps = page.get(RespondSmall(places, "bill_depth_mm", "island"))
        for i, (layer, neuron) in enumerate(places):
            whole = page.get(Respond(layer, neuron, "island")).activations
            np.testing.assert_array_equal(islands.activations[i], [whole])
            strongest = page.get(Respond(layer, neuron))
            line = lines.activations[i, 0]
            assert np.isfinite(line).sum() == lines.counts[i]
            ends = line[: lines.counts[i]][[0, -1]]
            np.testing.assert_allclose(ends, strongest.activations[[0, -1]], rtol=1e-5, atol=1e-6)
            whole = page.get(Respond(layer, neuron, "bill_depth_mm", "island")).activations
            assert maps.activations[i].shape == (3, maps.counts[i])
            np.testing.assert_allclose(maps.activations[i][:, [0, -1]], whole[:, [0, -1]], rtol=1e-5, atol=1e-6)


def test_training_rows_are_shown_at_their_values_with_their_classes() -> None:
    with watched() as page:
        response = page.get(Respond(1, 0, "bill_length_mm", "body_mass_g"))
        given = set(
            map(tuple, PENGUINS.select("bill_length_mm", "body_mass_g").drop_nulls().to_numpy().astype("f4").tolist())
        )
        assert len(response.rows) <= 200
        assert {tuple(row[:2]) for row in response.rows.tolist()} <= given
        assert set(response.rows[:, 2].tolist()) == {0.0, 1.0, 2.0}


def test_what_there_is_not_is_refused_in_a_sentence() -> None:
    with watched() as page:
        assert "layer 1 has neurons 0 to 7" in page.fail(Respond(1, 99)).text
        assert "layer from 1 to 3" in page.fail(Respond(4, 0)).text
        assert "did you mean 'island'" in page.fail(Respond(1, 0, "isla")).text
        assert "the first column already" in page.fail(Respond(1, 0, "island", "island")).text
        assert "layer 1 has neurons 0 to 7" in page.fail(RespondSmall(((1, 0), (1, 99)))).text
        assert "needs (layer, neuron)" in page.fail(RespondSmall(((1, 0, 0),))).text
        assert "at most 500 neurons" in page.fail(RespondSmall(((1, 0),) * 501)).text


def test_another_table_has_responses_of_its_own() -> None:
    with watched() as page:
        page.get(Respond(1, 0))
        page.get(OpenTable(dataset="penguins-four"))
        assert page.get(Respond(1, 0)).x_column in cr.datasets.penguins_four().columns

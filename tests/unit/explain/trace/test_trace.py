"""A traced step is the engine's own step, and its numbers are what the papers say."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import creche as cr
from creche import _core
from creche.engine.introspection import epoch_order
from creche.engine.parameters import Parameters
from creche.explain.rows import create_batch
from creche.explain.trace.errors import ClassificationErrors
from creche.explain.trace.gradient_check import check_gradients
from creche.explain.trace.step import single_batch_plan, state_names
from creche.plan import ACTIVATIONS, OPTIMIZERS
from creche.training.run import Run
from tests.unit.small_runs import line, quick, two_classes

TRACES = {"hidden": [5, 4], "activation": "relu", "epochs": 2, "threads": 1}


@pytest.fixture(scope="module")
def run() -> Run:
    return cr.train(
        "penguins", label="species", hidden=[5, 5], activation="relu", epochs=3, learning_rate=0.01, threads=1
    )


@pytest.fixture(scope="module")
def step(run: Run) -> cr.explain.Trace:
    return cr.explain.trace(run.model, "penguins", rows=slice(1, 21))


def bits(weights: Any) -> bytes:
    return b"".join(w.tobytes() + b.tobytes() for w, b in weights)


def before(trace: cr.explain.Trace) -> bytes:
    return bits((at.weights, at.bias) for at in trace.layers)


def after(trace: cr.explain.Trace) -> bytes:
    return bits((at.weights_after, at.bias_after) for at in trace.layers)


@pytest.fixture
def float32_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the float64 half out of the engine, as `make demo` leaves it out."""
    whole = _core.load()
    half = ModuleType(whole.__name__)
    half.__dict__.update({k: v for k, v in vars(whole).items() if not k.startswith("__") and not k.endswith("64")})
    _core._with_precisions(half)
    monkeypatch.setattr(_core, "load", lambda: half)


@pytest.mark.usefixtures("float32_only")
class TestAnEngineOfFloat32Only:
    def test_traces_without_the_gradient_check_and_says_why(self, run: Run) -> None:
        traced = cr.explain.trace(run.model, "penguins", rows=slice(1, 21))
        assert traced.check is None
        assert len([note for note in traced.notes if "gradient check" in note]) == 1
        assert "`pip install .`" in " ".join(str(traced).split())
        assert traced.to_dict()["gradient_check"] is None

    def test_says_nothing_of_a_check_that_nobody_wants(self, run: Run) -> None:
        traced = cr.explain.trace(run.model, "penguins", rows=slice(1, 21), check=False)
        assert not any("gradient check" in note for note in traced.notes)

    def test_takes_the_same_step(self, run: Run, step: cr.explain.Trace) -> None:
        assert after(cr.explain.trace(run.model, "penguins", rows=slice(1, 21))) == after(step)

    def test_other_explanations_say_what_they_need(self, run: Run) -> None:
        with pytest.raises(cr.PlanError, match=r"needs the engine in float64 .* `pip install \.`"):
            cr.explain.integrated_gradients(run.model, "penguins")


class TestTheArithmeticOfOneRow:
    def test_differences_squares_and_their_mean(self) -> None:
        found = ClassificationErrors.of(np.array([[0.4, 0.3, 0.3]]), np.array([0]))
        assert found.differences.tolist() == [[0.6, 0.3, 0.3]]
        assert found.squares.tolist() == [[0.36, 0.09, 0.09]]
        assert found.squared_error[0] == pytest.approx(0.18, rel=1e-15)
        assert found.cross_entropy[0] == pytest.approx(-math.log(0.4), rel=1e-15)

    def test_through_a_network_that_says_just_that(self) -> None:
        x, y = np.zeros((6, 2)), [0, 1, 2, 0, 1, 2]
        made = quick(
            x, y, hidden=[], loss="squared_error", epochs=0, precision="float64", standardize=False,
            validation_fraction=0,
        )  # fmt: skip
        bias = np.log([0.4, 0.3, 0.3])
        model = replace(made.model, parameters=Parameters.of_layers([(np.zeros((2, 3)), bias)]))
        step = cr.explain.trace(model, x[:1], [0])
        np.testing.assert_allclose(step.errors.probabilities, [[0.4, 0.3, 0.3]], rtol=1e-15)
        np.testing.assert_allclose(step.errors.differences, [[0.6, 0.3, 0.3]], rtol=1e-15)
        np.testing.assert_allclose(step.errors.squares, [[0.36, 0.09, 0.09]], rtol=1e-14)
        assert step.errors.squared_error[0] == pytest.approx(0.18, rel=1e-14)
        assert step.loss == pytest.approx(0.18, rel=1e-14)


class TestTheVeryStep:
    @pytest.mark.parametrize("steps", [0, 1, 7, 8, 30])
    def test_the_next_batch_ends_with_the_weights_that_training_ends_with(self, steps: int) -> None:
        run = quick("penguins", None, label="species", epochs=4, optimizer="adam", schedule="cosine", on_epoch=stop)
        run.resume(steps=steps)
        traced = cr.explain.trace(run)
        rate = run._engine.learning_rate
        assert before(traced) == bits(run.model.weights)
        assert (traced.step, traced.learning_rate) == (run.step, rate)
        run.resume(steps=1)
        assert after(traced) == bits(run.model.weights)

    def test_with_class_and_sample_weights(self) -> None:
        x, y = two_classes()
        weights = np.linspace(0.1, 3, len(x))
        run = quick(x, y, sample_weight=weights, class_weight={0: 3.0}, epochs=3, on_epoch=stop)
        traced = cr.explain.trace(run)
        run.resume(steps=1)
        assert after(traced) == bits(run.model.weights)

    def test_class_weights_count_for_other_rows_too(self) -> None:
        table = pl.DataFrame({"a": [i % 7 for i in range(30)], "y": ["n"] * 24 + ["p"] * 6})
        run = cr.train(table, label="y", class_weight="balanced", validation_fraction=0, **TRACES)
        traced = cr.explain.trace(run, table)
        assert traced.row_weights is not None
        assert traced.row_weights[-1] == pytest.approx(4 * traced.row_weights[0], rel=1e-6)
        assert any("weighted by class" in note for note in traced.notes)

    def test_a_model_takes_the_first_step_of_a_fresh_run(self) -> None:
        x, y = two_classes(rows=20)
        arguments: dict[str, Any] = {"batch_size": 20, "shuffle": False, "validation_fraction": 0}
        new = quick(x, y, epochs=0, **arguments)
        traced = cr.explain.trace(new.model, x, y)
        assert after(traced) == bits(quick(x, y, epochs=1, **arguments).model.weights)

    def test_dropout_is_off_and_that_is_said(self) -> None:
        x, y = two_classes(rows=20)
        arguments: dict[str, Any] = {"batch_size": 20, "shuffle": False, "validation_fraction": 0}
        traced = cr.explain.trace(quick(x, y, epochs=0, dropout=0.5, **arguments).model, x, y)
        assert after(traced) == bits(quick(x, y, epochs=1, **arguments).model.weights)
        assert any("dropout is off" in note for note in traced.notes)

    def test_nothing_is_changed(self, run: Run) -> None:
        state = {name: array.copy() for name, array in run.state().items()}
        cr.explain.trace(run)
        now = run.state()
        assert all(np.array_equal(now[name], array, equal_nan=True) for name, array in state.items())

    def test_after_early_stopping(self) -> None:
        x, y = two_classes()
        run = quick(x, y, epochs=40, early_stopping=2, learning_rate=0.1)
        assert cr.explain.trace(run).step == run.step

    @pytest.mark.parametrize("word", OPTIMIZERS.words)
    def test_what_every_optimizer_keeps_has_a_name(self, word: str) -> None:
        x, y = two_classes(rows=30)
        for optimizer in variants(word):
            run = quick(x, y, optimizer=optimizer, epochs=1)
            names = state_names(optimizer)
            assert len(names) == len([name for name in run.state() if name.startswith("optimizer.")]) / 4
            assert set(cr.explain.trace(run).layers[0].optimizer_state) == set(names)


def stop(_: cr.EpochRecord) -> bool:
    return True


def variants(word: str) -> list[Any]:
    kind = OPTIMIZERS.members[word]
    more = {"sgd": [{"momentum": 0.9}], "adam": [{"amsgrad": True}], "adamw": [{"amsgrad": True}]}
    more["rmsprop"] = [{"momentum": 0.5}, {"centered": True}, {"momentum": 0.5, "centered": True}]
    return [kind(), *(kind(**numbers) for numbers in more.get(word, []))]


class TestAgainstAReference:
    def test_adams_first_step(self, step: cr.explain.Trace) -> None:
        """Kingma & Ba 2015, Algorithm 1, in float64."""
        for layer in step.layers:
            g = layer.gradient.astype(np.float64)
            m, v = 0.1 * g, 0.001 * g**2
            (_, _), (m_after, _) = layer.optimizer_state["momentum"]
            (_, _), (v_after, _) = layer.optimizer_state["second_moment"]
            np.testing.assert_allclose(m_after, m, rtol=1e-6, atol=1e-12)
            np.testing.assert_allclose(v_after, v, rtol=1e-6, atol=1e-16)
            np.testing.assert_allclose(layer.steps, -0.01 * (m / 0.1) / (np.sqrt(v / 0.001) + 1e-8), atol=1e-7)

    def test_weights_before_gradients_and_after_belong_together(self) -> None:
        x, y = line(rows=40)
        run = quick(x, y, optimizer=cr.SGD(learning_rate=0.5, clip_norm=0.1), epochs=1)
        traced = cr.explain.trace(run)
        factor = 0.1 / (traced.gradient_norm + 1e-6)
        assert factor < 1
        for layer in traced.layers:
            np.testing.assert_allclose(layer.steps, -0.5 * factor * layer.gradient, rtol=1e-4, atol=1e-7)

    def test_sums_activations_and_rows_add_up(self, step: cr.explain.Trace) -> None:
        left = step.encoded.astype(np.float64)
        for i, layer in enumerate(step.layers):
            np.testing.assert_allclose(layer.sums, left @ layer.weights + layer.bias, rtol=1e-4, atol=1e-5)
            if i < 2:
                np.testing.assert_array_equal(layer.activations, np.maximum(layer.sums, 0))
            np.testing.assert_allclose(layer.gradient, left.T @ layer.dloss_dsums, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(layer.bias_gradient, layer.dloss_dsums.sum(axis=0), rtol=1e-4, atol=1e-6)
            left = layer.activations.astype(np.float64)
        assert step.loss == pytest.approx(step.losses.mean(), rel=1e-6)
        np.testing.assert_allclose(step.losses, step.errors.cross_entropy, rtol=1e-4, atol=1e-6)

    def test_numbers_in_both_units(self) -> None:
        x, y = line(rows=60)
        traced = cr.explain.trace(quick(x, y).model, x[:7], y[:7])
        found = traced.errors
        np.testing.assert_array_equal(found.true[:, 0], y[:7])
        np.testing.assert_allclose(found.squares, (found.predicted - found.true) ** 2)
        scale = found.differences / found.scaled_differences
        np.testing.assert_allclose(scale, scale[0, 0], rtol=1e-4)
        assert found.is_scaled
        assert traced.loss == pytest.approx(found.scaled_squares.mean(), rel=1e-5)

    def test_a_neuron_followed_adds_up(self, step: cr.explain.Trace) -> None:
        for layer, neuron in ((1, 2), (2, 4), (3, 1)):
            found = step.follow(layer, neuron)
            assert found.products.sum() + found.bias == pytest.approx(found.weighted_sum, rel=1e-4, abs=1e-5)
            if found.dloss_dactivation is not None:
                slope = 1.0 if found.weighted_sum > 0 else 0.0
                assert slope * found.dloss_dactivation == pytest.approx(found.dloss_dsum, rel=1e-4, abs=1e-7)
            np.testing.assert_array_equal(found.weights + found.steps, found.weights_after)
        assert step.follow(3, 1).activation == step.outputs[list(step.rows).index(step.follow(3, 1).row), 1]

    def test_a_silent_neuron_is_said_to_be(self) -> None:
        x, y = two_classes(rows=12)
        model = quick(x, y, epochs=0).model
        model.weights[0][1][2] = -100
        traced = cr.explain.trace(model, x, y)
        assert traced.layers[0].dead[2]
        assert not traced.layers[0].gradient[:, 2].any()


class TestTheCheck:
    def test_kinks_are_left_out_and_counted(self) -> None:
        """Where all features and biases are 0, each relu is at its kink: half the slope is not a gradient."""
        x, y = two_classes(rows=6)
        model = quick(x, y, hidden=[3], epochs=0, standardize=False, validation_fraction=0).model
        check = cr.explain.trace(model, 0 * x, y).check
        assert check is not None
        assert (check.kinks, check.checked) == (3, 20)
        assert check.largest_difference_in_float64 < 1e-8

    def test_a_gradient_that_is_wrong_is_found(self) -> None:
        x, y = two_classes(rows=12)
        model = quick(x, y).model
        traced = cr.explain.trace(model, x, y, check=False)
        assert traced.check is None
        rows = create_batch(model, x, y).rows
        gradients = traced.gradients.copy()
        gradients["1.weights"][2, 1] += 0.1
        check = check_gradients(single_batch_plan(model.plan, 12), model.parameters, rows, gradients)
        assert (check.layer, check.source, check.target) == (1, 2, 1)
        assert check.largest_difference > 0.1
        assert check.largest_difference_in_float64 < 1e-5

    @pytest.mark.parametrize("size", [1e10, 1e18, 1e30])
    def test_huge_numbers_are_told_of_all_the_same(self, size: float) -> None:
        x, _ = two_classes(rows=12)
        y = np.arange(12) % 2
        step = cr.explain.trace(quick(x, y, standardize=False, epochs=0).model, size * x, y)
        assert step.check is not None
        assert step.check.largest_difference_in_float64 < 1e-5
        json.dumps(step.to_dict(), allow_nan=False)
        assert step.html()


LOSSES = ("cross_entropy", "squared_error", "binary_cross_entropy")
LOSSES_OF_NUMBERS = ("squared_error", "absolute_error", "huber", "quantile", "poisson")


@st.composite
def traced_steps(draw: st.DrawFn) -> cr.explain.Trace:
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    of_classes = draw(st.booleans())
    x = rng.standard_normal((24, draw(st.integers(1, 5))))
    y: NDArray[Any] = rng.integers(0, 3, 24) if of_classes else rng.poisson(3.0, 24).astype(float)
    run = cr.train(
        x, y, task="classification" if of_classes else "regression",
        hidden=draw(st.lists(st.integers(1, 20), max_size=3)),
        activation=draw(st.sampled_from(ACTIVATIONS.words)), optimizer=draw(st.sampled_from(OPTIMIZERS.words)),
        loss=draw(st.sampled_from(LOSSES if of_classes else LOSSES_OF_NUMBERS)), learning_rate=0.01, epochs=1,
        precision=draw(st.sampled_from(["float32", "float64"])), threads=1, validation_fraction=0,
        seed=draw(st.integers(0, 1000)),
    )  # fmt: skip
    weights = rng.uniform(0.1, 2, 24) if draw(st.booleans()) else None
    return cr.explain.trace(run, x, y, rows=slice(0, draw(st.integers(1, 24))), sample_weight=weights)


@settings(max_examples=25)
@given(traced_steps())
def test_any_step(step: cr.explain.Trace) -> None:
    check = step.check
    assert check is not None
    assert check.checked == check.total
    assert check.largest_difference_in_float64 < 1e-4
    assert check.largest_difference < (1e-4 if step.plan.precision == "float64" else 0.05)
    weights = np.ones(len(step)) if step.row_weights is None else step.row_weights
    assert step.loss == pytest.approx(float(np.average(step.losses, weights=weights)), rel=1e-5, abs=1e-7)
    json.dumps(step.to_dict(), allow_nan=False)
    assert step.table()["value"].len() > 0
    assert str(step)


class TestOrders:
    @given(st.integers(1, 60), st.integers(0, 5), st.integers(0, 2**64 - 1))
    @settings(max_examples=30)
    def test_an_order_holds_each_row_once(self, rows: int, epoch: int, seed: int) -> None:
        plan = cr.Plan(cr.Network.of(1, [], 1), seed=seed)
        assert sorted(epoch_order(plan, epoch, rows).tolist()) == list(range(rows))

    def test_without_shuffling_it_is_the_tables(self) -> None:
        plan = cr.Plan(cr.Network.of(1, [], 1), shuffle=False)
        assert epoch_order(plan, 3, 4).tolist() == [0, 1, 2, 3]


class TestTheTable:
    def test_every_number_stands_there_once(self, step: cr.explain.Trace) -> None:
        table = step.table()
        counts = dict(table.group_by("quantity").len().iter_rows())
        assert counts["weight"] == counts["gradient"] == counts["step"] == counts["finite_difference"] == 123
        assert counts["feature"] == 6 * 20
        assert counts["sum"] == 13 * 20
        assert table.select("quantity", "layer", "row", "source", "neuron").is_unique().all()

    def test_a_number_is_found_by_its_place(self, step: cr.explain.Trace) -> None:
        table = step.table()
        gradient = table.filter(quantity="gradient", layer=1, source=3, neuron=2)["value"].item()
        assert gradient == step.layers[1].gradient[3, 2]
        bias = table.filter(pl.col("source").is_null(), quantity="weight", layer=0, neuron=4)["value"].item()
        assert bias == step.layers[0].bias[4]
        found = table.filter(quantity="probability", row=7, name="Gentoo")["value"].item()
        assert found == step.errors.probabilities[6, 2]
        assert table.filter(quantity="feature", row=1, name="island")["text"].item() == "Torgersen"


class Balanced(HTMLParser):
    """Knows whether every element that begins ends, and what is asked of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.asked += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


class TestThePage:
    def test_it_is_whole_and_asks_for_nothing(self, step: cr.explain.Trace) -> None:
        page, parser = step.html(), Balanced()
        parser.feed(page)
        assert parser.open == []
        assert parser.asked == []
        assert "url(" not in page
        assert "prefers-color-scheme: dark" in page
        for what in ("Torgersen", "body_mass_g", "Chinstrap", "Gradients of the weights"):
            assert what in page

    def test_names_are_no_markup(self) -> None:
        name = "<script>alert(1)</script>"
        table = pl.DataFrame({name: [1.0, 2, 3, 4] * 3, "y": ["<b>", "&amp;"] * 6})
        run = cr.train(table, label="y", validation_fraction=0, **TRACES)
        page = cr.explain.trace(run.model, table).html()
        assert name not in page
        assert "&lt;script&gt;" in page
        assert "&amp;amp;" in page

    def test_it_is_written_to_a_file(self, step: cr.explain.Trace, tmp_path: Any) -> None:
        step.save_html(tmp_path / "step.html")
        assert (tmp_path / "step.html").read_text() == step.html()

    def test_many_classes(self) -> None:
        x = np.random.default_rng(0).standard_normal((60, 3))
        step = cr.explain.trace(quick(x, np.arange(60) % 12, task="classification").model, x, np.arange(60) % 12)
        assert "p(predicted)" in str(step)
        assert "40 more rows" in str(step)


class TestLossesOfOnesOwn:
    def test_gradients_of_a_function(self) -> None:
        x, y = line(rows=30)
        step = cr.explain.trace(quick(x, y, loss=log_cosh).model, x, y)
        assert step.check is not None
        assert step.check.largest_difference_in_float64 < 1e-5

    def test_a_model_from_a_file_needs_it_again(self, tmp_path: Any) -> None:
        x, y = line(rows=30)
        run = quick(x, y, loss=log_cosh)
        run.model.save(tmp_path / "own.creche")
        model = cr.load(tmp_path / "own.creche")
        with pytest.raises(cr.PlanError, match="give it again"):
            cr.explain.trace(model, x, y)
        assert after(cr.explain.trace(model, x, y, loss=log_cosh)) == after(cr.explain.trace(run.model, x, y))


def log_cosh(outputs: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    error = outputs - labels
    return np.log(np.cosh(error)).mean(axis=1), np.tanh(error) / error.shape[1]


class TestBadInput:
    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (slice(0, 20), "there is no row 0; the rows are numbered 1 to 344"),
            (slice(1, 501), "there is no row 500; the rows are numbered 1 to 344"),
            (slice(20, 20), "20:20 selects no row"),
            ([3, 345], "there is no row 345; the rows are numbered 1 to 344"),
            ([-1], "there is no row -1"),
            (np.zeros(344, dtype=bool), "selects no row"),
        ],
    )
    def test_rows_that_are_not_there(self, run: Run, rows: Any, message: str) -> None:
        with pytest.raises(cr.TableError, match=f"rows: {message}"):
            cr.explain.trace(run.model, "penguins", rows=rows)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            ([], "needs row numbers"),
            ([0.5], "needs row numbers, such as 12 or"),
            ("first", "needs row numbers"),
            (np.ones(3, dtype=bool), "needs one for each of the 344 rows"),
            (slice("a", None), "needs whole numbers"),
            (slice(None, None, -1), "needs a step of at least 1"),
        ],
    )
    def test_rows_that_are_no_row_numbers(self, run: Run, rows: Any, message: str) -> None:
        with pytest.raises(cr.PlanError, match=f"rows: .*{message}"):
            cr.explain.trace(run.model, "penguins", rows=rows)

    @pytest.mark.parametrize(
        ("neuron", "message"),
        [
            ((0, 1), "layer 0 is the inputs"),
            ((4, 0), "there is no layer 4; there are neurons 0 to 4 of layer 1, 0 to 4 of layer 2, 0 to 2 of layer 3"),
            ((1, 5), "layer 1 has no neuron 5"),
            (3, r"needs \(layer, neuron\)"),
            ("1:3", r"needs \(layer, neuron\)"),
        ],
    )
    def test_neurons_that_are_not_there(self, run: Run, neuron: Any, message: str) -> None:
        with pytest.raises(cr.PlanError, match=message):
            cr.explain.trace(run.model, "penguins", rows=[1], neuron=neuron)

    def test_rows_that_are_not_in_the_batch(self, step: cr.explain.Trace) -> None:
        with pytest.raises(cr.TableError, match="row: there is no row 21; the rows are numbered 1 to 20"):
            step.follow(1, 0, row=21)

    def test_labels_that_are_missing(self, run: Run) -> None:
        table = cr.datasets.penguins()
        with pytest.raises(cr.TableError, match="row 2 is empty"):
            cr.explain.trace(run.model, table.with_columns(species=pl.Series(["Adelie", None, *["Gentoo"] * 342])))

    def test_no_rows_for_a_model(self, run: Run) -> None:
        with pytest.raises(cr.TableError, match="data: is missing"):
            cr.explain.trace(run.model)

    def test_no_model(self) -> None:
        with pytest.raises(cr.PlanError, match="needs a Model or a Run"):
            cr.explain.trace("penguins.creche", "penguins")  # type: ignore[arg-type]

    def test_rows_that_weigh_nothing(self, run: Run) -> None:
        weights = np.arange(344) >= 10
        with pytest.raises(cr.TableError, match="is 0 in all selected rows"):
            cr.explain.trace(run.model, "penguins", rows=slice(1, 11), sample_weight=weights)

    def test_a_loss_that_is_not_finite(self) -> None:
        x, y = line(rows=20)
        model = quick(x, y, standardize=False, epochs=0).model
        x[4, 1] = 1e38
        with pytest.raises(cr.CrecheError, match=r"row 4: the .* is not finite, so there is no step"):
            cr.explain.trace(model, x, y)


def test_the_page_does_not_overwrite_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = tmp_path / "t.data"
    cr.datasets.penguins().write_csv(table)
    before = table.read_bytes()
    model = cr.train(table, label="species", hidden=[3], epochs=1, threads=1).model
    for data in (table, "t.data"):
        with pytest.raises(cr.PlanError, match="is the table itself"):
            cr.explain.trace(model, data).save_html("t.data")
    with pytest.raises(cr.FileError, match=r"is the name of a table \(\.csv\); a page ends in \.html"):
        cr.explain.trace(model, table).save_html("other.csv")
    assert table.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["t.data"]

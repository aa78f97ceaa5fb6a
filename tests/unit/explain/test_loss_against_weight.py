from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.parameters import Layers, Parameters
from creche.explain.loss_curve import LossAgainstWeight
from creche.explain.loss_evaluator import LossEvaluator
from creche.explain.rows import create_batch
from creche.explain.weight_space import find_weight
from creche.model.model import Model
from tests.unit.explain.reference import alone, copied, cross_entropy
from tests.unit.small_runs import line, two_classes

JOB: dict[str, Any] = {"hidden": [5, 4], "activation": "relu", "learning_rate": 0.02, "epochs": 6, "threads": 1}


@pytest.fixture(scope="module")
def steps() -> list[Layers]:
    """The weights at the end of each epoch."""
    return []


@pytest.fixture(scope="module")
def run(steps: list[Layers]) -> cr.Run:
    def keep(epoch: cr.EpochRecord) -> None:
        steps.append(epoch.run.model.weights)

    return cr.train("penguins", label="species", **JOB, on_epoch=keep)


@pytest.fixture(scope="module")
def precise() -> Model:
    return cr.train("penguins", label="species", **JOB, precision="float64").model


def curve_of(model: Any, data: Any = "penguins", **arguments: Any) -> LossAgainstWeight:
    return cr.explain.loss_against_weight(model, data, **({"threads": 1, "points": 101} | arguments))


PLACES = [(0, "bill_length_mm", 3), (0, "bias", 1), (1, 2, 0), (1, "bias", 3), (2, 1, "Gentoo"), (2, "bias", "Adelie")]


@pytest.mark.parametrize(("layer", "source", "target"), PLACES)
def test_curve_and_tangent_against_numpy_in_float64(precise: Model, layer: int, source: Any, target: Any) -> None:
    found = curve_of(precise, layer=layer, source=source, target=target)
    place = find_weight(precise, layer, source, target)
    rows = create_batch(precise, "penguins").rows
    assert rows.classes is not None
    classes = rows.classes

    def loss(value: float) -> float:
        weights = copied(precise.weights)
        part = weights[layer][1] if place.source is None else weights[layer][0][place.source]
        part[place.target] = value
        return cross_entropy(weights, rows.x, classes)

    np.testing.assert_allclose(found.losses, [loss(float(w)) for w in found.weights], rtol=1e-11)
    h = 1e-6
    assert found.gradient == pytest.approx(
        (loss(found.weight + h) - loss(found.weight - h)) / (2 * h), rel=1e-6, abs=1e-9
    )
    assert found.tangent(found.weight + 1) - found.tangent(found.weight) == pytest.approx(
        found.gradient, rel=1e-9, abs=1e-12
    )


def test_the_steepest_weight_is_taken_among_those_left_open(precise: Model) -> None:
    rows = create_batch(precise, "penguins").rows
    gradients = LossEvaluator(precise.plan, rows, 1).gradients(precise.parameters).layers
    flat = [(abs(w[i, j]), (at, i, j)) for at, (w, _) in enumerate(gradients) for i, j in np.ndindex(w.shape)]
    largest = max(flat)[1]
    found = curve_of(precise)
    assert (found.layer, found.source, found.target) == largest
    in_layer = curve_of(precise, layer=2, target="Gentoo")
    assert (in_layer.layer, in_layer.source, in_layer.target) == (2, int(np.abs(gradients[2][0][:, 2]).argmax()), 2)
    of_input = curve_of(precise, source="bill_length_mm")
    assert (of_input.layer, of_input.target) == (0, int(np.abs(gradients[0][0][of_input.source]).argmax()))
    biases = [(abs(b[j]), (at, j)) for at, (_, b) in enumerate(gradients) for j in range(len(b))]
    for bias in (curve_of(precise, bias=True), curve_of(precise, source="bias")):
        assert (bias.layer, bias.source, bias.target) == (max(biases)[1][0], None, max(biases)[1][1])


def test_the_slope_in_words_says_which_change_lowers_the_loss(precise: Model) -> None:
    for layer, source, target in PLACES:
        curve = curve_of(precise, layer=layer, source=source, target=target)
        nearby = curve.losses[[curve.index - 1, curve.index + 1]] < curve.loss
        if curve.slope.startswith("no slope"):
            assert curve.gradient == 0
        else:
            assert (
                curve.slope.split(": ")[1]
                == f"a {'larger' if curve.gradient < 0 else 'smaller'} weight lowers the loss"
            )
            assert curve.slope.startswith("negative" if curve.gradient < 0 else "positive")
            assert nearby[int(curve.gradient < 0)] or abs(curve.index - curve.valley) <= 1


def test_float32_has_nearly_the_same_slope(run: cr.Run, precise: Model) -> None:
    same = replace(precise, parameters=run.model.parameters.astype(np.float64))
    for layer, source, target in PLACES:
        narrow, wide = (curve_of(m, layer=layer, source=source, target=target).gradient for m in (run.model, same))
        assert narrow == pytest.approx(wide, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("threads", [1, 3])
def test_every_point_is_the_network_alone_to_the_bit(run: cr.Run, threads: int) -> None:
    for layer, source, target in PLACES[::2]:
        found = curve_of(run.model, layer=layer, source=source, target=target, points=37, threads=threads)
        place = find_weight(run.model, layer, source, target)
        for value, loss in zip(found.weights, found.losses, strict=True):
            weights = copied(run.model.weights)
            weights[layer][0][place.source, place.target] = value
            assert alone(run.model, weights, "penguins") == loss


def test_the_range_holds_the_weight_and_the_lowest_point(run: cr.Run) -> None:
    widths = run.plan.network.widths
    for layer in range(3):
        for source in ["bias", *range(widths[layer])]:
            found = curve_of(run.model, layer=layer, source=source, target=1, points=51)
            assert found.weights[found.index] == found.weight
            assert found.weights[0] < found.weight < found.weights[-1]
            assert found.loss == alone(run.model, run.model.weights, "penguins")
            # At each end the loss has risen above here, or has levelled off.
            spread = float(np.ptp(found.losses))
            for end, beside in ((found.losses[0], found.losses[3]), (found.losses[-1], found.losses[-4])):
                assert end >= found.loss - 1e-6 or abs(end - beside) < 0.1 * spread
            again = curve_of(run.model, layer=layer, source=source, target=1, points=51)
            assert again.weights.tobytes() == found.weights.tobytes()


def test_steps_land_where_the_gradient_sends_them(run: cr.Run) -> None:
    rates = [0.01, 1, 20, 1000]
    found = curve_of(run.model, source="bill_length_mm", target=3, learning_rate=rates)
    assert [step.learning_rate for step in found.steps] == rates
    for step in found.steps:
        assert step.weight == found.weight - step.learning_rate * found.gradient
        weights = copied(run.model.weights)
        weights[0][0][3, 3] = step.weight
        assert alone(run.model, weights, "penguins") == step.loss
    assert found.step_table()["learning_rate"].to_list() == rates


def test_the_curve_itself_chooses_the_rates(run: cr.Run) -> None:
    found = curve_of(run.model, layer=2, source="bias", target="Gentoo", points=1001)
    by_rate = {step.learning_rate: step for step in found.steps}
    assert 0.02 in by_rate  # the plan's
    low, good, over = sorted(set(by_rate) - {0.02})
    assert [by_rate[rate].verdict for rate in (low, good, over)] == ["too low", "good", "overshooting"]
    lowest = float(found.losses.min())
    assert by_rate[good].loss - lowest < 0.1 * (found.loss - lowest)
    assert by_rate[over].loss > found.loss
    assert by_rate[low].loss < found.loss


def test_a_weight_without_gradient_goes_nowhere(run: cr.Run) -> None:
    weights = copied(run.model.weights)
    weights[0][1][2] = -1e3  # the neuron is dead
    found = curve_of(
        replace(run.model, parameters=Parameters.of_layers(weights)),
        layer=1,
        source=2,
        target=0,
        learning_rate=[1, 100],
    )
    assert found.gradient == 0
    assert {step.verdict for step in found.steps} == {"no step"}
    assert float(np.ptp(found.losses)) == 0
    assert found.weights[0] < found.weight < found.weights[-1]


def test_the_path_widens_the_range_unless_it_is_far(run: cr.Run, steps: list[Layers]) -> None:
    plain = curve_of(run, None, source="bill_length_mm", target=3)
    path = [float(w[0][0][3, 3]) for w in steps]
    found = curve_of(run, None, source="bill_length_mm", target=3, path=steps)
    assert found.path is not None
    assert found.path.tolist() == path == curve_of(run, None, source=3, target=3, path=path).path.tolist()  # type: ignore[union-attr]
    outside = float(plain.weights[0] - 1)
    assert curve_of(run, None, source=3, target=3, path=[outside]).weights[0] < outside
    far = curve_of(run, None, source=3, target=3, path=[1e6])
    assert far.weights.tobytes() == plain.weights.tobytes()


def test_a_range_that_was_given(run: cr.Run) -> None:
    found = curve_of(run.model, source=3, target=3, between=(-3, 5), points=9)
    assert (found.weights[0], found.weights[-1]) == (-3, 5)
    assert len(found.weights) == 9
    beside = curve_of(run.model, source=3, target=3, between=(10, 12), points=9)
    assert (beside.weight, beside.index, beside.weights[-1]) == (found.weight, 0, 12)


def test_a_run_shows_its_own_training_rows_with_their_weights() -> None:
    run = cr.train("penguins", label="species", hidden=[4], activation="relu", epochs=2, threads=1, class_weight={"Adelie": 5, "Gentoo": 1, "Chinstrap": 1})  # fmt: skip  # noqa: E501
    rows, _ = run.prepared.encode(run.plan.loss, "float32")
    assert rows.weights is not None
    assert rows.classes is not None
    logits = np.maximum(rows.x @ run.model.weights[0][0] + run.model.weights[0][1], 0)
    logits = logits @ run.model.weights[1][0] + run.model.weights[1][1]
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), rows.classes]
    expected = np.average(losses, weights=rows.weights)
    assert curve_of(run, None).loss == pytest.approx(expected, rel=1e-5)
    assert curve_of(run.model).loss != pytest.approx(expected, rel=1e-3)


def test_a_batch_need_not_be_encoded_again(run: cr.Run) -> None:
    batch = create_batch(run.model, "penguins", sample_weight=np.arange(344.0))
    one = curve_of(run.model, batch, source=3)
    other = curve_of(run.model, "penguins", source=3, sample_weight=np.arange(344.0))
    assert one.losses.tobytes() == other.losses.tobytes()
    assert one.loss != curve_of(run.model, source=3).loss


def log_cosh(outputs: Any, labels: Any) -> tuple[Any, Any]:
    error = outputs - labels
    return np.log(np.cosh(error)).mean(axis=1), np.tanh(error) / error.shape[1]


def test_a_loss_of_ones_own(tmp_path: Path) -> None:
    x, y = line(60)
    model = cr.train(x, y, loss=log_cosh, hidden=[4], activation="relu", epochs=3, threads=1).model
    found = cr.explain.loss_against_weight(model, x, y, layer=1, source=2, target="y", points=21, threads=1)
    rows = create_batch(model, x, y).rows
    assert rows.targets is not None
    for value, loss in zip(found.weights, found.losses, strict=True):
        weights = copied(model.weights)
        weights[1][0][2, 0] = value
        hidden = np.maximum(rows.x @ weights[0][0] + weights[0][1], 0)
        error = hidden @ weights[1][0] + weights[1][1] - rows.targets
        assert loss == pytest.approx(np.log(np.cosh(error.astype(np.float64))).mean(), rel=1e-4)
    model.save(tmp_path / "own.creche")
    with pytest.raises(cr.PlanError, match="the Python function 'log_cosh', which no file keeps"):
        cr.explain.loss_against_weight(cr.load(tmp_path / "own.creche"), x, y)


def test_losses_that_are_not_finite_are_left_out() -> None:
    x, y = line(60)
    model = cr.train(x, y, hidden=[4], activation="relu", epochs=2, threads=1).model
    found = cr.explain.loss_against_weight(model, x, y, source="bias", between=(-1e30, 3e38), points=41, threads=1)
    assert found.left_out > 0
    assert len(found.weights) == 41 - found.left_out
    assert np.isfinite(found.losses).all()
    assert f"{found.left_out:,} points within the range were dropped" in found.notes()[0]
    weights = [(w * np.float32(1e8), b) for w, b in model.weights]
    large = cr.explain.loss_against_weight(
        replace(model, parameters=Parameters.of_layers(weights)), x, y, layer=1, points=41, threads=1
    )
    assert len(large.weights) == 41
    huge = cr.explain.loss_against_weight(model, x, y, layer=1, learning_rate=1e300, threads=1)
    assert huge.steps[0].verdict == "overshooting"
    assert huge.to_dict()["steps"][0]["loss"] is None
    weights = [(w * np.float32(1e25), b) for w, b in model.weights]
    with pytest.raises(cr.CrecheError, match="the loss of the current network on these rows is"):
        cr.explain.loss_against_weight(replace(model, parameters=Parameters.of_layers(weights)), x, y)


def test_outputs_have_the_users_names() -> None:
    x, y = two_classes()
    one = cr.train(x, np.where(y, "yes", "no"), hidden=[3], loss="binary_cross_entropy", epochs=1, threads=1).model
    assert find_weight(one, 1, 2, "yes").name == "weight from neuron 2 of layer 1 to yes"
    with pytest.raises(cr.PlanError, match=r"target: got 'no'; .*hoose one of yes"):
        find_weight(one, 1, 0, "no")
    direct = cr.train(cr.datasets.penguins(), label="species", hidden=[], epochs=1, threads=1).model
    assert find_weight(direct, 0, "sex=male", "Gentoo").name == "weight from sex=male to Gentoo"
    assert find_weight(direct, 0, 3, 0, bias=True).name == "bias of Adelie"


def test_an_input_may_be_called_bias() -> None:
    frame = cr.datasets.penguins().select("species", bias="body_mass_g", length="bill_length_mm")
    model = cr.train(frame, label="species", hidden=[3], epochs=1, threads=1, duplicates="together").model
    assert find_weight(model, 0, "bias", 1).name == "weight from bias to neuron 1 of layer 1"
    assert find_weight(model, 0, "bias", 1, bias=True).name == "bias of neuron 1 of layer 1"
    assert find_weight(model, 1, "bias", 1).name == "bias of Chinstrap"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 3}, r"layer: got 3; the network 14-5-4-3 has weights of layers 0 to 2"),
        ({"layer": "first"}, r"layer: got 'first'"),
        ({"source": 14}, r"source: got 14; the weights of layer 0 come from inputs 0 to 13, or 'bias'"),
        (
            {"source": "bill_lenght_mm"},
            r"source: got 'bill_lenght_mm'; did you mean 'bill_length_mm'\? Choose one of island=",
        ),
        (
            {"layer": 1, "source": 5},
            r"source: got 5; the weights of layer 1 come from neurons of layer 1, by number, 0 to 4",
        ),
        ({"layer": 1, "source": "sex=male"}, r"source: got 'sex=male'; .* by number"),
        ({"target": 5}, r"target: got 5; the weights of layer 0 lead to neurons of layer 1, by number, 0 to 4"),
        ({"layer": 2, "target": "Gento"}, r"target: got 'Gento'; did you mean 'Gentoo'\?"),
        ({"source": True}, r"source: got True"),
        ({"learning_rate": 0}, r"learning_rate: got 0; needs a number above 0"),
        ({"learning_rate": [0.1, math.nan]}, r"learning_rate: got nan"),
        ({"between": (2, 1)}, r"between: got \(2, 1\); needs two numbers, the lower first"),
        ({"between": 3}, r"between: got 3"),
        ({"points": 2}, r"points: got 2; needs a whole number of at least 3"),
        ({"path": [[1.0, 2.0]]}, r"path\[0\]: got 2 layers; needs W and b of each of 3 layers"),
        ({"path": []}, r"path: needs the weight's value at each step"),
        ({"path": [1.0, math.inf]}, r"path: needs the weight's value at each step, finite numbers"),
    ],
)
def test_what_cannot_be(run: cr.Run, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        curve_of(run.model, **arguments)


def test_without_a_model_or_rows(run: cr.Run) -> None:
    with pytest.raises(cr.PlanError, match="model: got str; needs a Model, an Ensemble, a Run, a Member"):
        curve_of("penguins.creche")
    with pytest.raises(cr.TableError, match="data: is missing"):
        curve_of(run.model, None)
    with pytest.raises(cr.TableError, match="data: is missing"):
        curve_of(run, None, y=[1, 2])


def test_tables(run: cr.Run) -> None:
    found = curve_of(run.model, source=3, target=3)
    table = found.table()
    assert table.columns == ["weight", "loss", "tangent"]
    assert table["loss"].to_list() == found.losses.tolist()
    assert table["tangent"][found.index] == found.loss
    assert "weight from bill_length_mm to neuron 3 of layer 1" in repr(found)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_the_picture(run: cr.Run, steps: list[Layers], style: str) -> None:
    plt: Any = pytest.importorskip("matplotlib.pyplot")
    found = curve_of(run, None, source="bill_length_mm", target=3, path=steps, learning_rate=[1, 1e9])
    with plt.style.context(style):
        _, given = plt.subplots()
        axes = found.plot(axes=given)
        axes.figure.canvas.draw()
    assert axes is given
    assert axes.get_xlabel() == found.name
    lines = {text.get_label(): text for text in axes.get_lines()}
    np.testing.assert_array_equal(lines["loss"].get_ydata(), found.losses)
    ends = next(drawn for label, drawn in lines.items() if label.startswith("tangent")).get_xydata()
    assert (ends[1, 1] - ends[0, 1]) / (ends[1, 0] - ends[0, 0]) == pytest.approx(found.gradient)
    assert any(label.startswith("learning rate 1: ") for label in lines)
    assert any(label.startswith("learning rate 1,000,000,000: overshooting, ends at") for label in lines)
    plt.close("all")

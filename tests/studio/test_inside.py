"""Looking inside: a connection and its loss curve, a neuron's response, a row's way, one step taken apart."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

import creche as cr
from tests.studio.driving import Screen, View
from tests.studio.twin import assert_same_weights, train_twin

EPOCHS = 3


@pytest.fixture
def trained(screen: Screen) -> tuple[Screen, cr.Run]:
    """A small network on the penguins after three epochs, and its twin."""
    screen.set_text("Hidden layers", "5, 4")
    screen.step("Epoch", times=EPOCHS)
    return screen, train_twin(screen, "penguins", "species", EPOCHS)


def click_on_connection(screen: Screen) -> View:
    """Click on the strongest connection into an output, a third of its way, and return the curve that comes."""
    network, weights = screen.network, np.abs(screen.tick.edge_weights)
    last = len(network.layers) - 2
    index = max((i for i, edge in enumerate(network.edges) if edge[0] == last), key=lambda i: weights[i])
    spots = {(0, 0): 0}
    place = 0
    for layer, shape in enumerate(network.layers):
        for neuron in range(shape.width):
            spots[layer, neuron] = place
            place += 1
    _, source, target = network.edges[index]
    marks = [screen.page.locator(".mark").nth(place) for place in (spots[last, source], spots[last + 1, target])]
    for mark in marks:
        mark.scroll_into_view_if_needed()
    with screen.carrying_out("Probe") as answers:
        (x0, y0, radius), (x1, y1, _) = [middle(mark) for mark in marks]
        screen.page.mouse.click(*point_of_curve(x0 + radius, y0, x1 - radius, y1, 0.35))
    return answers[0]


def middle(mark: Locator) -> tuple[float, float, float]:
    box = mark.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 2


def point_of_curve(x0: float, y0: float, x1: float, y1: float, t: float) -> tuple[float, float]:
    """Return a point of the curve from (x0, y0) to (x1, y1) that is level at both ends."""
    a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
    bend = 0.45 * (x1 - x0)
    return a * x0 + b * (x0 + bend) + c * (x1 - bend) + d * x1, (a + b) * y0 + (c + d) * y1


def test_the_tangent_of_a_clicked_connection_is_the_gradient(trained: tuple[Screen, cr.Run]) -> None:
    screen, run = trained
    curve = click_on_connection(screen)
    assert curve.layer == len(screen.network.layers) - 2
    known = cr.explain.loss_against_weight(run, layer=curve.layer, source=curve.source, target=curve.target)
    assert (curve.weight, curve.loss, curve.gradient) == (known.weight, known.loss, known.gradient)
    near = np.argsort(np.abs(curve.weights - curve.weight))[:3]
    slope = np.polyfit(curve.weights[near], curve.losses[near], 1)[0]
    assert slope == pytest.approx(known.gradient, rel=0.1, abs=1e-3)
    point = screen.page.get_by_role("slider", name="Value of the weight")
    expect(point).to_have_attribute("aria-valuetext", re.compile("loss .*slope"))
    tangent, drawn = screen.page.locator(".tangent"), screen.page.locator(".curve-plot .curve")
    expect(tangent).to_be_attached()
    assert len((drawn.get_attribute("points") or "").split()) == len(curve.weights)


def test_a_step_moves_the_point_along(trained: tuple[Screen, cr.Run]) -> None:
    screen, _ = trained
    before = click_on_connection(screen)
    screen.button("Train one batch").click()
    screen.wait_until(lambda: screen.heard.newest("WeightCurve").weight != before.weight)
    after = screen.heard.newest("WeightCurve")
    assert (after.layer, after.source, after.target) == (before.layer, before.source, before.target)
    expect(screen.page.locator(".footprint").nth(1)).to_be_attached()


def test_a_value_is_tried_and_then_applied(trained: tuple[Screen, cr.Run]) -> None:
    screen, run = trained
    curve = click_on_connection(screen)
    model = run.model
    assert_same_weights(screen, model)
    point = screen.page.get_by_role("slider", name="Value of the weight")
    point.focus()
    tried = curve.weight
    for _ in range(2):
        with screen.carrying_out("Probe") as answers:
            point.press("ArrowRight")
        assert answers[0].is_trial
        assert answers[0].weight > tried
        tried = answers[0].weight
        screen.wait_until(lambda shown=tried: float(point.get_attribute("aria-valuenow") or "nan") == shown)
    assert_same_weights(screen, model)
    with screen.carrying_out("ApplyWeight"):
        screen.button("Apply this value").click()
    expect(screen.button("Apply this value")).to_be_hidden()
    model.weights[curve.layer][0][curve.source, curve.target] = np.float32(tried)
    assert_same_weights(screen, model)


def test_the_steepest_weight_is_that_with_the_largest_gradient(trained: tuple[Screen, cr.Run]) -> None:
    screen, run = trained
    screen.button("Steepest weight").click()
    screen.wait_until(lambda: bool(screen.heard.all("WeightCurve")))
    curve = screen.heard.newest("WeightCurve")
    known = cr.explain.loss_against_weight(run)
    assert (curve.weight, curve.gradient) == (known.weight, known.gradient)


def wait_for_percents(screen: Screen, probabilities: NDArray[np.float32]) -> None:
    """Wait until the outputs of the diagram show these probabilities, rounded."""
    texts = screen.page.locator(".mark-text")
    wanted = pytest.approx((100 * probabilities).tolist(), abs=0.51)
    screen.wait_until(lambda: [float(text.rstrip("% ")) for text in texts.all_inner_texts()] == wanted)


def test_a_row_lights_up_from_the_start_until_it_is_cleared(screen: Screen) -> None:
    page = screen.page
    wait_for_percents(screen, screen.tick.probabilities)
    expect(page.locator(".mark-hidden.has-picture")).to_have_count(16)
    screen.button("Clear the row").click()
    expect(page.locator(".mark-text")).to_have_count(0)
    expect(screen.button("Clear the row")).to_be_hidden()
    assert screen.tick.selected_row is None


def test_a_row_lights_up_its_way_to_the_probabilities(trained: tuple[Screen, cr.Run]) -> None:
    screen, run = trained
    number = screen.page.get_by_label("Number of the row")
    number.fill("7")
    number.press("Enter")
    screen.wait_until(lambda: screen.tick.selected_row == 7)
    known = np.asarray(run.model.predict_proba("penguins")[6], np.float32)
    assert screen.tick.probabilities.tobytes() == known.tobytes()
    wait_for_percents(screen, known)


def test_a_neuron_shows_what_it_responds_to(trained: tuple[Screen, cr.Run]) -> None:
    screen, _ = trained
    screen.page.locator(".mark-hidden").first.click()
    panel = screen.page.locator(".neuron-panel")
    expect(panel.locator("svg").first).to_be_visible()
    screen.wait_until(lambda: bool(screen.heard.all("NeuronResponse")))
    panel.get_by_label("Responds along").select_option("bill_length_mm")
    panel.get_by_label("Second column of the response").select_option("bill_depth_mm")
    screen.wait_until(lambda: screen.heard.newest("NeuronResponse").y_column == "bill_depth_mm")
    response = screen.heard.newest("NeuronResponse")
    assert response.activations.shape == (len(response.y_values), len(response.x_values))
    expect(panel.get_by_role("listbox").get_by_role("option")).to_have_count(screen.network.layers[0].width + 1)


def test_one_step_taken_apart_has_the_numbers_of_the_trace(trained: tuple[Screen, cr.Run]) -> None:
    screen, run = trained
    screen.show("One step")
    screen.wait_until(lambda: bool(screen.heard.all("BatchTrace")))
    shown, known = screen.heard.newest("BatchTrace"), cr.explain.trace(run, check=False)
    assert shown.loss == known.loss
    names = {
        "sums": "sums", "activations": "activations", "sum_gradients": "dloss_dsums", "weights": "weights",
        "weight_gradients": "gradient", "bias_gradients": "bias_gradient", "weights_after": "weights_after",
        "bias_after": "bias_after",
    }  # fmt: skip
    for layer, true in zip(shown.layers, known.layers, strict=True):
        for name, known_as in names.items():
            assert getattr(layer, name).tobytes() == np.asarray(getattr(true, known_as), np.float32).tobytes(), name
    stage = screen.page.locator(".walk select").first
    expect(stage).to_be_visible()
    for number in range(1, stage.locator("option").count()):
        screen.button("Next ›").click()
        expect(stage).to_have_value(stage.locator("option").nth(number).get_attribute("value") or "")
        expect(screen.page.locator(".stage-table").first).to_be_visible()
    after = screen.heard.newest("BatchTrace").layers[0].weights_after.copy()
    screen.button("Take this step").click()
    screen.show("Network")
    screen.expect_number("step", run.step + 1)
    drawn = [i for i, edge in enumerate(screen.network.edges) if edge[0] == 0]
    expected = [after[source, target] for _, source, target in screen.network.edges[drawn]]
    assert screen.tick.edge_weights[drawn].tolist() == expected


def test_a_neuron_is_written_out(trained: tuple[Screen, cr.Run]) -> None:
    screen, _ = trained
    screen.show("One step")
    screen.page.locator(".mark-hidden").first.click()
    arithmetic = screen.page.locator(".arithmetic")
    for part, words in (("Forward", "bill_length_mm"), ("Backward", "derivative of tanh"), ("Update", "bias")):
        expect(arithmetic.get_by_role("region", name=part)).to_contain_text(words)

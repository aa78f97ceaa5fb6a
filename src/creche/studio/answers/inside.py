"""Looking inside the network: responses of neurons, the loss against a weight, one step taken apart."""

from __future__ import annotations

import numpy as np

from creche.explain.trace.result import Trace
from creche.explain.trace.trace import trace
from creche.model.model import Model
from creche.plan.changes import SetWeight
from creche.studio.answers.registry import Turn, answers
from creche.studio.protocol import requests, views
from creche.studio.response import ResponseGrids, describe_response, describe_small_responses
from creche.studio.state import RefusedError, SessionState
from creche.studio.traced_step import describe_step, write_neuron
from creche.studio.weight_curve import curve_of_weight

__all__: list[str] = []

# The most numbers of a traced step: more would be megabytes for a page that shows a few.
MOST_NUMBERS = 2_000_000

MOST_PICTURES = 500


@answers(requests.Respond)
def respond(turn: Turn, request: requests.Respond) -> views.NeuronResponse:
    """Tell what a neuron responds to."""
    return describe_response(*_grids_and_model(turn.state), request)


@answers(requests.RespondSmall)
def respond_small(turn: Turn, request: requests.RespondSmall) -> views.SmallResponses:
    """Tell what several neurons respond to."""
    if len(request.places) > MOST_PICTURES:
        raise RefusedError("too_large", f"Small pictures are made of at most {MOST_PICTURES} neurons at once.")
    return describe_small_responses(*_grids_and_model(turn.state), request)


def _grids_and_model(state: SessionState) -> tuple[ResponseGrids, Model]:
    """Return what responses are computed with: the values to try, and the network as it is now."""
    run = state.need_live().run
    model = Model(run.current_plan, run.prepared.features, run.prepared.labels, run.parameters, 1)
    if state.response_grids is None or state.response_grids.prepared is not run.prepared:
        state.response_grids = ResponseGrids(model, run.prepared)
    return state.response_grids, model


@answers(requests.Probe)
def probe(turn: Turn, request: requests.Probe) -> views.WeightCurve:
    """Draw the loss against a weight."""
    return curve_of_weight(turn.state.need_live().run, request)


@answers(requests.ApplyWeight)
def apply_weight(turn: Turn, request: requests.ApplyWeight) -> views.Done:
    """Give a weight a value; the plan of the run says so."""
    state = turn.state
    weight = SetWeight(request.layer, request.target, request.value, request.source)
    state.need_live().change(weights=[weight])
    state.changed |= {"settings", "history"}
    return views.Done()


@answers(requests.TraceStep)
def trace_step(turn: Turn, request: requests.TraceStep) -> views.BatchTrace:
    """Take one training step apart."""
    state = turn.state
    run = state.need_live().run
    count = len(request.rows) or min(run.current_plan.batch_size, len(run.rows))
    network = run.current_plan.network
    if 3 * count * sum(network.widths) + 4 * network.parameters > MOST_NUMBERS:
        raise RefusedError(
            "too_large",
            f"One step on {count:,} rows of a network of {network.parameters:,} weights is too large for a page.",
            "Choose fewer rows or a smaller network, or use 'creche trace'.",
        )
    if request.rows:
        places = np.array([state.find_row(number) for number in request.rows])
        state.traced = trace(run, state.prepared.labelled.take(places), check=False)
    else:
        state.traced = trace(run, check=False)
    return describe_step(state.traced)


@answers(requests.ExplainNeuron)
def explain_neuron(turn: Turn, request: requests.ExplainNeuron) -> views.NeuronArithmetic:
    """Write out the arithmetic of a neuron in a row, by its number, of the last traced step."""
    return write_neuron(_need_trace(turn.state).follow(request.layer, request.neuron, request.row))


def _need_trace(state: SessionState) -> Trace:
    if state.traced is None:
        raise RefusedError("bad_value", "No step has been taken apart yet.", "Take one apart first.")
    return state.traced

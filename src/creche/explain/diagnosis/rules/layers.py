"""Layers that have died, or are saturated: nothing flows back through them."""

from __future__ import annotations

import numpy as np

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.rules.changes import lower_rates, standardize
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["dead_layer", "saturated_layer"]

DEAD = 0.5


LEAST_DEAD = 4


SATURATED = 0.6


LEVEL_OF_BASELINE = 0.1  # below such a loss, a network is sure because it is right


def dead_layer(case: RunFacts) -> Symptom | None:
    """Half of a hidden layer's neurons give 0 on all sampled rows."""
    if case.diverged:
        return None
    dead = [int((neurons.silent == 1).sum()) for neurons in case.neurons[:-1]]
    shares = [count / len(neurons.silent) for count, neurons in zip(dead, case.neurons, strict=False)]
    if not shares or max(shares) < DEAD or dead[int(np.argmax(shares))] < LEAST_DEAD:
        return None
    worst = int(np.argmax(shares))
    width = len(case.neurons[worst].silent)
    alive = width - dead[worst]
    left = (
        f"the layer is as good as one of {alive} neuron{'s' if alive > 1 else ''}"
        if alive
        else "nothing passes the layer"
    )
    how = "dead" if shares[worst] == 1 else "half dead" if shares[worst] < 0.6 else "mostly dead"
    return Symptom(
        f"{case.layer(worst).capitalize()} is {how}",
        f"{dead[worst]} of its {width} neurons give 0 on all sampled training rows{_since(case, worst)}",
        f"through a neuron that gives 0 on every row no gradient flows, so it cannot learn any more; {left}",
        [
            *standardize(case, "loss" if case.plan.task == "classification" else "rmse"),
            Alternative("leaky_relu in place of it", {"activation": "leaky_relu"}),
            *lower_rates(case, 3, 10, 100),
        ],
    )


def _since(case: RunFacts, layer: int) -> str:
    """Since when it is so, where that was recorded."""
    recording = case.recording
    if recording is None or not recording.has_activations or not len(recording):
        return ""
    is_dead = recording.dead[:, layer] >= DEAD
    if not is_dead[-1]:
        return ""
    living = np.flatnonzero(~is_dead)
    if not len(living):
        return ", from the beginning"
    return f"; half of them since epoch {int(recording.epochs[living[-1] + 1]) + 1}"


def saturated_layer(case: RunFacts) -> Symptom | None:
    """A layer of tanh or sigmoid is level nearly everywhere, and the loss is not low."""
    if case.diverged or not case.epochs or case.train[-1] < LEVEL_OF_BASELINE * case.baseline:
        return None
    shares = [float(neurons.saturated.mean()) for neurons in case.neurons[:-1]]
    known = [share for share in shares if np.isfinite(share)]
    if not known or max(known) < SATURATED:
        return None
    worst = int(np.nanargmax(shares))
    word = case.plan.network.layers[worst].activation.key
    began = ""
    if case.recording is not None and case.recording.has_activations and len(case.recording):
        began = f"; at the beginning {100 * case.recording.saturated[0, worst]:.0f} %"
    return Symptom(
        f"{case.layer(worst).capitalize()} is saturated",
        f"in {100 * shares[worst]:.0f} % of its neurons and the sampled training rows, {word} is nearly level: its "
        f"slope is less than a twentieth of the greatest{began}; the training loss is still {case.train[-1]:.3g}",
        "where an activation is level, hardly any gradient comes back, and what lies before it cannot learn",
        [
            *standardize(case, "loss" if case.plan.task == "classification" else "rmse"),
            *lower_rates(case, 3, 10),
            Alternative("relu in place of it", {"activation": "relu"}),
        ],
    )

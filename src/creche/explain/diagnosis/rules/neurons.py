"""Dead and saturated neurons: no gradient flows back through them."""

from __future__ import annotations

import numpy as np

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.rules.alternatives import divide_learning_rate, standardize_numbers
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["find_dead_neurons", "find_saturated_neurons"]

DEAD = 0.5  # share of a layer's neurons
MIN_DEAD = 4
SATURATED = 0.6  # share of a layer's activations
LEVEL_OF_BASELINE = 0.1  # below this share of the baseline's loss, neurons are saturated because the network is right


def find_dead_neurons(facts: RunFacts) -> Symptom | None:
    """Return a symptom if half of a hidden layer's neurons are 0 on all sampled rows."""
    if facts.diverged:
        return None
    dead = [int((neurons.inactive == 1).sum()) for neurons in facts.neurons[:-1]]
    shares = [count / len(neurons.inactive) for count, neurons in zip(dead, facts.neurons, strict=False)]
    if not shares or max(shares) < DEAD or dead[int(np.argmax(shares))] < MIN_DEAD:
        return None
    worst = int(np.argmax(shares))
    width = len(facts.neurons[worst].inactive)
    alive = width - dead[worst]
    rest = f"only {alive} of its neurons can still learn" if alive else "nothing passes through the layer"
    degree = "dead" if shares[worst] == 1 else "half dead" if shares[worst] < 0.6 else "mostly dead"
    return Symptom(
        f"{facts.layer_name(worst).capitalize()} is {degree}",
        f"{dead[worst]} of its {width} neurons are 0 on all sampled training rows{_since(facts, worst)}",
        f"no gradient flows through a neuron that is 0 on every row, so it can no longer learn; {rest}",
        [
            *standardize_numbers(facts, facts.error_measure),
            Alternative("leaky_relu as the activation", {"activation": "leaky_relu"}),
            *divide_learning_rate(facts, 3, 10, 100),
        ],
    )


def _since(facts: RunFacts, layer: int) -> str:
    """Say since when half of the layer has been dead, if that was recorded."""
    recording = facts.recording
    if recording is None or not recording.has_activations or not len(recording):
        return ""
    is_dead = recording.dead[:, layer] >= DEAD
    if not is_dead[-1]:
        return ""
    living = np.flatnonzero(~is_dead)
    if not len(living):
        return ", from the start"
    return f"; half of them since epoch {int(recording.epochs[living[-1] + 1]) + 1}"


def find_saturated_neurons(facts: RunFacts) -> Symptom | None:
    """Return a symptom if a layer of tanh or sigmoid is flat nearly everywhere while the loss is not low."""
    if facts.diverged or not facts.epochs or facts.train[-1] < LEVEL_OF_BASELINE * facts.baseline:
        return None
    shares = [float(neurons.saturated.mean()) for neurons in facts.neurons[:-1]]
    known = [share for share in shares if np.isfinite(share)]
    if not known or max(known) < SATURATED:
        return None
    worst = int(np.nanargmax(shares))
    key = facts.plan.network.layers[worst].activation.key
    start = ""
    if facts.recording is not None and facts.recording.has_activations and len(facts.recording):
        start = f"; at the start of training {100 * facts.recording.saturated[0, worst]:.0f} %"
    return Symptom(
        f"{facts.layer_name(worst).capitalize()} is saturated",
        f"in {100 * shares[worst]:.0f} % of its activations on the sampled training rows, {key} is nearly flat: its "
        f"slope is below a twentieth of its maximum{start}; the training loss is still {facts.train[-1]:.3g}",
        "where an activation is flat, hardly any gradient flows back, and the layers before it cannot learn",
        [
            *standardize_numbers(facts, facts.error_measure),
            *divide_learning_rate(facts, 3, 10),
            Alternative("relu as the activation", {"activation": "relu"}),
        ],
    )

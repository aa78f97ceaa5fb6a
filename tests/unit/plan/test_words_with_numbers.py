"""Words with a number, such as ``quantile:0.9``."""

from __future__ import annotations

from typing import Any

import pytest

import creche as cr
from creche.plan import ACTIVATIONS, LOSSES, OPTIMIZERS


@pytest.mark.parametrize(
    ("registry", "word", "expected"),
    [
        (LOSSES, "quantile:0.9", cr.Quantile(quantile=0.9)),
        (LOSSES, "quantile:0.05, 0.95", cr.Quantile([0.05, 0.95])),
        (LOSSES, "Huber: 2", cr.Huber(delta=2.0)),
        (LOSSES, "cross_entropy:0.1", cr.CrossEntropy(label_smoothing=0.1)),
        (ACTIVATIONS, "leaky_relu:0.2", cr.LeakyRelu(slope=0.2)),
        (OPTIMIZERS, "adam:0.01", cr.Adam(learning_rate=0.01)),
    ],
)
def test_a_number_after_the_colon(registry: Any, word: str, expected: Any) -> None:
    assert registry.of(word) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("quantile:9", "loss: got 'quantile:9'; needs a number above 0 and below 1"),
        ("quantile:high", "loss: got 'quantile:high'; needs a number after the colon, its quantile"),
        ("quantile:", "loss: got 'quantile:'; needs a number after the colon"),
        ("squared_error:1", "loss: got 'squared_error:1'; squared_error has no number to set"),
        ("quantil:0.9", "loss: got 'quantil:0.9'; did you mean 'quantile'"),
        ("quantile(0.9)", r"loss: got 'quantile\(0.9\)'; did you mean 'quantile:0.9'\?"),
        ("Quantile(quantile = 0.9)", "did you mean 'quantile:0.9'"),
        ("lion(0.9)", "choose one of cross_entropy"),
    ],
)
def test_mistakes(word: str, message: str) -> None:
    with pytest.raises(cr.PlanError, match=message) as caught:
        LOSSES.of(word)
    assert caught.value.argument == "loss"


def test_a_network_learns_the_quantile() -> None:
    model = cr.train("penguins-four", label="body_mass_hg", loss="quantile:0.9", epochs=2, threads=1).model
    assert model.quantiles == (0.9,)

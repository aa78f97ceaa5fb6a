"""Integrated gradients agree with Captum's for the same network, rows and baseline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche import explain

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")]


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")


@pytest.fixture
def captum() -> Any:
    return pytest.importorskip("captum.attr", reason="needs captum: pip install '.[peers]'")


def create_twin(torch: Any, model: cr.Model) -> Any:
    """Return the network in torch, which gives probabilities, in float64."""
    layers: list[Any] = []
    for i, (w, b) in enumerate(model.weights):
        linear = torch.nn.Linear(*w.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(w.T.astype(np.float64)))
            linear.bias.copy_(torch.tensor(b.astype(np.float64)))
        layers += [linear, torch.nn.Tanh() if i < len(model.weights) - 1 else torch.nn.Softmax(dim=1)]
    return torch.nn.Sequential(*layers)


@pytest.mark.parametrize("target", [0, 1, 2])
def test_attributions_agree_with_captum(torch: Any, captum: Any, target: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((60, 4))
    y = np.argmax(x @ rng.standard_normal((4, 3)), axis=1)
    model = cr.train(x, y, hidden=[8, 6], activation="tanh", epochs=20, standardize=False, threads=1).model
    ours = explain.integrated_gradients(model, x[:10], baseline=np.zeros(4), target=target)
    theirs = captum.IntegratedGradients(create_twin(torch, model)).attribute(
        torch.tensor(x[:10].astype(np.float32).astype(np.float64)), torch.zeros(10, 4, dtype=torch.float64),
        target=target, n_steps=128,
    )  # fmt: skip
    assert np.abs(ours.attributions).max() > 0.05
    np.testing.assert_allclose(ours.attributions, theirs.numpy(), atol=1e-6)

"""Networks with embeddings train as the same networks of PyTorch's modules, parameter by parameter."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import EMBEDDED_COLUMNS, Job

pytestmark = pytest.mark.peers

PERIODIC = {"kind": "periodic", "columns": [0, 3, 8], "width": 4, "frequencies": 6, "deviation": 0.3}
CATEGORY = {"kind": "category", "columns": [2], "sizes": [5], "width": 3}
LINEAR = {"kind": "linear", "columns": [5], "sizes": [3], "width": 2}


def torch_inputs(torch: ModuleType, p: dict[str, Any], x: Any) -> Any:
    """The inputs of the first layer: the three embeddings, then columns 1 and 4 as they are."""
    numbers = x[:, PERIODIC["columns"]]
    waves = torch.cos(2 * torch.pi * numbers[:, None, :] * p["0.frequencies"] + p["0.phases"])
    weights = p["0.weights"].reshape(6, 3, -1)
    learned = torch.einsum("rfi,fji->rij", waves, weights) + p["0.bias"].T
    periodic = torch.cat([learned, numbers[:, :, None]], dim=2).flatten(1)
    codes = x[:, 2].long()
    category = torch.nn.functional.embedding(torch.where((codes >= 0) & (codes < 5), codes, 0), p["1.vectors"])
    linear = torch.nn.functional.linear(x[:, 5:8], p["2.weights"].T, p["2.bias"])
    return torch.cat([periodic, category, linear, x[:, [1, 4]]], dim=1)


def test_training_gives_the_same_parameters(engine: ModuleType) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    job = Job(
        sizes=(EMBEDDED_COLUMNS, 12, 3), rows=60, batch_size=16, epochs=6, activation="silu", dtype=np.float64,
        shuffle=False, embeddings=(PERIODIC, CATEGORY, LINEAR),
        optimizer={"kind": "adamw", "learning_rate": 0.01, "weight_decay": 0.05, "regularize_bias": True},
    )  # fmt: skip
    ours = job.solo(engine)
    parameters = {name: torch.from_numpy(array).requires_grad_() for name, array in ours.parameters().items()}
    embeddings = {name.removeprefix("embeddings."): value for name, value in parameters.items() if "embed" in name}
    optimizer = torch.optim.AdamW(parameters.values(), lr=0.01, weight_decay=0.05)
    x, classes, _, _ = job.table()
    batches = list(zip(torch.from_numpy(x).split(16), torch.from_numpy(classes).long().split(16), strict=True))
    for _ in range(job.epochs):
        for rows, labels in batches:
            optimizer.zero_grad()
            inputs = torch_inputs(torch, embeddings, rows)
            hidden = torch.nn.functional.silu(inputs @ parameters["0.weights"] + parameters["0.bias"])
            outputs = hidden @ parameters["1.weights"] + parameters["1.bias"]
            torch.nn.functional.cross_entropy(outputs, labels).backward()
            optimizer.step()
    before = ours.parameters()
    assert ours.run() == "finished"
    for name, array in ours.parameters().items():
        assert not np.array_equal(array, before[name]), name
        np.testing.assert_allclose(array, parameters[name].detach().numpy(), rtol=1e-7, atol=1e-9, err_msg=name)

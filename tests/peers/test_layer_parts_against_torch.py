"""Networks with all parts of layers, and ensembles of submodels, train as the same of PyTorch, weight by weight."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import ALL_PARTS_BY_BATCH, PARTS, STATISTICS, Job

pytestmark = pytest.mark.peers

# Both as PyTorch's AdamW: weight decay of all but the shifts, which are biases.
ADAMW = {"kind": "adamw", "learning_rate": 0.01, "weight_decay": 0.05}


def torch_outputs(torch: ModuleType, parameters: dict[str, Any], x: Any, layers: int) -> Any:
    """The outputs of a residual network with SiLU and these parameters."""
    functional = torch.nn.functional
    for i in range(layers):
        p = {name.split(".")[1]: value for name, value in parameters.items() if name.startswith(f"{i}.")}
        z = functional.linear(x * p["scale"] if "scale" in p else x, p["weights"].T, p["bias"])
        if "running_mean" in p:
            z = functional.batch_norm(z, p["running_mean"], p["running_variance"], p["gain"], p["shift"], training=True)
        elif "gain" in p:
            z = functional.layer_norm(z, z.shape[1:], p["gain"], p["shift"])
        if i + 1 < layers:
            active = functional.silu(z)
            z = torch.lerp(z, active, p["slopes"]) if "slopes" in p else active
            z = z + x if z.shape == x.shape else z
        x = z
    return x


def train_by_torch(torch: ModuleType, job: Job, begun: dict[str, Any], outputs: Callable[..., Any]) -> dict[str, Any]:
    """The parameters after a job by PyTorch; outputs(torch, parameters, rows, layers) may be (submodels, rows, 3)."""
    parameters = {
        name: torch.from_numpy(array).requires_grad_(not name.endswith(STATISTICS)) for name, array in begun.items()
    }
    shifts = [value for name, value in parameters.items() if name.endswith((".bias", ".shift"))]
    others = [value for name, value in parameters.items() if not name.endswith((".bias", ".shift", *STATISTICS))]
    optimizer = torch.optim.AdamW(
        [{"params": others}, {"params": shifts, "weight_decay": 0.0}], lr=0.01, weight_decay=0.05
    )
    x, classes, _, _ = job.table()
    batches = list(zip(torch.from_numpy(x).split(16), torch.from_numpy(classes).long().split(16), strict=True))
    for _ in range(job.epochs):
        for rows, labels in batches:
            optimizer.zero_grad()
            z = outputs(torch, parameters, rows, len(job.sizes) - 1)
            repeated = labels.repeat(len(z) // len(labels) if z.ndim == 2 else len(z))
            torch.nn.functional.cross_entropy(z.reshape(-1, z.shape[-1]), repeated).backward()
            optimizer.step()
    return {name: value.detach().numpy() for name, value in parameters.items()}


def torch_submodels(torch: ModuleType, parameters: dict[str, Any], x: Any, layers: int) -> Any:
    """The outputs of each submodel (submodels, rows, outputs), in batched products, as in TabM."""
    z = x[None]
    for i in range(layers):
        p = {name.split(".")[1]: value for name, value in parameters.items() if name.startswith(f"{i}.")}
        z = (z * p["scale"][:, None] if "scale" in p else z) @ p["weights"]
        z = z * p["output_scale"][:, None] if "output_scale" in p else z
        z = z + (p["bias"][:, None] if p["bias"].ndim == 2 else p["bias"])
        if i + 1 < layers:
            z = torch.nn.functional.silu(z)
    return z


@pytest.mark.parametrize("sharing", ["mini", "full"])
def test_training_submodels_gives_the_same_parameters(engine: ModuleType, sharing: str) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    job = Job(
        sizes=(5, 12, 9, 3), rows=60, batch_size=16, epochs=6, activation="silu", dtype=np.float64, shuffle=False,
        submodels=5, sharing=sharing, submodel_start="normal", optimizer=ADAMW,
        parts=({"bias_initializer": "normal"},) * 3,
    )  # fmt: skip
    ours = job.solo(engine)
    begun = ours.parameters()
    expected = train_by_torch(torch, job, ours.parameters(), torch_submodels)
    assert ours.run() == "finished"
    for name, array in ours.parameters().items():
        assert not np.array_equal(array, begun[name]), name
        np.testing.assert_allclose(array, expected[name], rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("part", [*PARTS[1:], ALL_PARTS_BY_BATCH], ids=str)
def test_training_gives_the_same_parameters(engine: ModuleType, part: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    job = Job(
        sizes=(5, 12, 12, 3), rows=60, batch_size=16, epochs=6, activation="silu", dtype=np.float64, shuffle=False,
        parts=(part, part), residual=True, optimizer=ADAMW,
    )  # fmt: skip
    ours = job.solo(engine)
    parameters = train_by_torch(torch, job, ours.parameters(), torch_outputs)
    before = ours.parameters()
    assert ours.run() == "finished"
    for name, array in ours.parameters().items():
        assert not np.array_equal(array, before[name]), name
        np.testing.assert_allclose(array, parameters[name], rtol=1e-7, atol=1e-9, err_msg=name)

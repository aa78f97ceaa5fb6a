"""Networks with all parts of layers train as the same networks of PyTorch's modules, weight by weight."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import ALL_PARTS, PARTS, Job

pytestmark = pytest.mark.peers

# Both as PyTorch's AdamW: weight decay of all but the shifts, which are biases.
ADAMW = {"kind": "adamw", "learning_rate": 0.01, "weight_decay": 0.05}


def torch_outputs(torch: ModuleType, parameters: dict[str, Any], x: Any, layers: int) -> Any:
    """The outputs of a residual network with SiLU and these parameters."""
    functional = torch.nn.functional
    for i in range(layers):
        p = {name.split(".")[1]: value for name, value in parameters.items() if name.startswith(f"{i}.")}
        z = functional.linear(x * p["scale"] if "scale" in p else x, p["weights"].T, p["bias"])
        if "gain" in p:
            z = functional.layer_norm(z, z.shape[1:], p["gain"], p["shift"])
        if i + 1 < layers:
            active = functional.silu(z)
            z = torch.lerp(z, active, p["slopes"]) if "slopes" in p else active
            z = z + x if z.shape == x.shape else z
        x = z
    return x


@pytest.mark.parametrize("part", [*PARTS[1:-1], ALL_PARTS], ids=str)
def test_training_gives_the_same_parameters(engine: ModuleType, part: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    job = Job(
        sizes=(5, 12, 12, 3), rows=60, batch_size=16, epochs=6, activation="silu", dtype=np.float64, shuffle=False,
        parts=(part, part), residual=True, optimizer=ADAMW,
    )  # fmt: skip
    ours = job.solo(engine)
    parameters = {name: torch.from_numpy(array).requires_grad_() for name, array in ours.parameters().items()}
    shifts = [value for name, value in parameters.items() if name.endswith((".bias", ".shift"))]
    others = [value for name, value in parameters.items() if not name.endswith((".bias", ".shift"))]
    optimizer = torch.optim.AdamW(
        [{"params": others}, {"params": shifts, "weight_decay": 0.0}], lr=0.01, weight_decay=0.05
    )
    x, classes, _, _ = job.table()
    batches = list(zip(torch.from_numpy(x).split(16), torch.from_numpy(classes).long().split(16), strict=True))
    for _ in range(job.epochs):
        for rows, labels in batches:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(torch_outputs(torch, parameters, rows, 3), labels).backward()
            optimizer.step()
    before = ours.parameters()
    assert ours.run() == "finished"
    for name, array in ours.parameters().items():
        assert not np.array_equal(array, before[name]), name
        np.testing.assert_allclose(array, parameters[name].detach().numpy(), rtol=1e-7, atol=1e-9, err_msg=name)

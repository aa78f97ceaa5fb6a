"""Small plans and tables on which both engines train, and the comparison of what they end with."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.engine.native import Rows, new_run
from creche.engine.run_state import RunState
from creche.plan import OPTIMIZERS, Network, Plan

# 45 rows in batches of 8: the last batch of each epoch is smaller.
N_ROWS, INPUTS, OUTPUTS, BATCH_SIZE, EPOCHS = 45, 5, 3, 8, 5
CLASS_LOSSES = ("cross_entropy", "squared_error_of_classes")
TOLERANCE = 1e-9
SECONDS = ("seconds", "history.seconds")  # what no two runs have in common


def network(**fields: Any) -> Network:
    """Return a network of three layers, on both sides of the engine's sixteen lanes."""
    return Network.of(**{"inputs": INPUTS, "hidden": [17, 6], "outputs": OUTPUTS, **fields})


def create_plan(of: Network | None = None, **fields: Any) -> Plan:
    """Return a plan for the rows of `create_rows`, its lengths resolved."""
    fields = {"precision": "float64", "epochs": EPOCHS, "batch_size": BATCH_SIZE, "seed": 3, "keep": "last", **fields}
    if OPTIMIZERS.of(fields.get("optimizer", "adam")).takes_all_rows:
        fields["batch_size"] = N_ROWS
    return Plan(of or network(), **fields).resolved(N_ROWS)


def create_rows(plan: Plan, *, rows: int = N_ROWS, seed: int = 7, weighted: bool = False) -> Rows:
    """Return rows with labels that suit the loss of a plan."""
    random = np.random.default_rng(seed)
    dtype = np.dtype(plan.precision)
    x = random.standard_normal((rows, plan.network.inputs)).astype(dtype)
    for embedded in plan.network.embeddings:
        if embedded.embedding.key == "category":  # and some numbers beyond the codes
            for column, codes in zip(embedded.columns, embedded.sizes, strict=True):
                x[:, column] = random.integers(-1, codes + 1, rows)
    weights = random.uniform(0.2, 3, rows).astype(dtype) if weighted else None
    outputs = plan.network.outputs
    kind = plan.loss.engine_settings(plan.task, outputs)["kind"]
    signal = x @ np.random.default_rng(99).standard_normal((x.shape[1], outputs)) + 0.1
    if kind in CLASS_LOSSES:
        return Rows(x, signal.argmax(axis=1).astype(np.int32), None, weights)
    if kind == "binary_cross_entropy":
        return Rows(x, None, (signal > 0).astype(dtype), weights)
    targets = random.poisson(np.exp(np.clip(signal, -2, 2))) if kind == "poisson" else signal
    return Rows(x, None, targets.astype(dtype), weights)


def assert_same_state(ours: dict[str, Any], theirs: dict[str, Any], tolerance: float = TOLERANCE) -> None:
    """Compare all of two states, names, shapes and types too, but for the time that epochs took."""
    assert list(ours) == list(theirs)
    for name, mine in ours.items():
        yours = theirs[name]
        assert (mine.shape, mine.dtype) == (yours.shape, yours.dtype), name
        if name == "progress":
            mine, yours = (RunState({"progress": each}).with_progress(seconds=0).arrays[name] for each in (mine, yours))
        if name not in SECONDS:
            np.testing.assert_allclose(mine, yours, rtol=tolerance, atol=tolerance, err_msg=name)


def train_both(
    torch_run: Any, plan: Plan, *, weighted: bool = False, validation: bool = False, tolerance: float = TOLERANCE
) -> Any:
    """Train a plan on both engines, compare what they end with, and return the run on PyTorch."""
    rows = create_rows(plan, weighted=weighted)
    held_out = create_rows(plan, rows=21, seed=8, weighted=weighted) if validation else None
    native, ours = new_run(plan, rows, held_out, 1), torch_run(plan, rows, held_out, "cpu")
    before = native.parameters()
    assert ours.run() == native.run()
    after = native.parameters()
    assert any(np.abs(after[name] - before[name]).max() > 1e-4 for name in before), "nothing was trained"
    assert_same_state(ours.state(), native.state(), tolerance)
    return ours

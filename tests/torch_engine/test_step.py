"""A step asks the device for nothing, is few kernels, and has the same shapes each time: it can be captured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from creche.plan import Plan
from creche.plan.optimizers import OPTIMIZERS, Adam
from tests.torch_engine.small_runs import create_plan, create_rows, network

pytestmark = pytest.mark.peers

MOST_KERNELS = 36  # of a step of three layers with Adam
ALL_PARTS: dict[str, Any] = {
    "hidden": [6, 6], "parametric_activation": True, "scale_inputs": True, "dropout": 0.2, "residual": True,
}  # fmt: skip
# Operations that only make another view of the same memory, or take memory and write nothing.
NO_KERNELS = {
    "alias", "as_strided", "detach", "empty", "empty_like", "expand", "new_empty", "permute", "select", "slice",
    "split", "t", "transpose", "unbind", "unsqueeze", "view", "_unsafe_view",
}  # fmt: skip


@pytest.fixture
def recorded() -> Callable[[Any, Plan, int], list[list[tuple[str, list[Any]]]]]:
    """The kernels of some steps in turn, each with the shapes of its arguments."""
    torch = pytest.importorskip("torch")
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.kernels: list[tuple[str, list[Any]]] = []

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            name = function._overloadpacket.__name__
            if name not in NO_KERNELS:
                shapes = [tuple(arg.shape) if isinstance(arg, torch.Tensor) else type(arg) for arg in args]
                self.kernels.append((name, shapes))
            return function(*args, **(kwargs or {}))

    def record(torch_run: Any, plan: Plan, steps: int, device: str = "cpu") -> list[list[tuple[str, list[Any]]]]:
        from creche.engine.torch.settings import engine_settings

        run = torch_run(plan, create_rows(plan), None, device)
        found = []
        with engine_settings(torch.device(device)):
            window = run._trainer.windows.take(run._numbers, steps)
            for inputs, sums in zip(window.steps, window.sums, strict=True):
                with Recorder() as recorder:
                    run._trainer.step.take(inputs, sums)
                found.append(recorder.kernels)
        return found

    return record


def test_few_kernels(torch_run: Any, recorded: Any) -> None:
    (kernels,) = recorded(torch_run, create_plan(optimizer=Adam()), 1)
    assert len(kernels) <= MOST_KERNELS, [name for name, _ in kernels]


PLANS = [create_plan(optimizer=word) for word in OPTIMIZERS.members if word != "lbfgs"] + [
    create_plan(network(normalization="batch", **ALL_PARTS)),
    create_plan(network(normalization="layer", submodels=2, weight_sharing="full", **ALL_PARTS)),
    create_plan(network(submodels=3, dropout=0.2), submodel_batches="own"),
]


@pytest.mark.parametrize("plan", PLANS, ids=repr)
def test_a_step_runs_without_any_numbers(torch_run: Any, recorded: Any, plan: Plan) -> None:
    # On this device tensors have shapes and types alone: whatever asked for a number would raise an error.
    assert recorded(torch_run, plan, 1, "meta")


@pytest.mark.parametrize("plan", PLANS, ids=repr)
def test_steps_are_the_same_kernels_with_the_same_shapes(torch_run: Any, recorded: Any, plan: Plan) -> None:
    first, *others = recorded(torch_run, plan, 4)
    assert others == [first] * 3

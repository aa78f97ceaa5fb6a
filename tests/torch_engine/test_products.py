"""Products of rounded numbers: what is rounded, and how."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.device import Device
from creche.engine.hardware import Hardware
from creche.errors import PlanError

pytestmark = pytest.mark.peers
KEPT_BITS = {"tf32": 13, "bfloat16": 16}  # of the low bits of float32, how many are left out


def rounded(x: Any, precision: str) -> Any:
    """Round numbers to the nearest with fewer bits, ties to even, as exact integers say."""
    step = 1 << KEPT_BITS[precision]
    bits = np.asarray(x, np.float32).view(np.uint32).astype(np.int64)
    below, rest = bits // step, bits % step
    up = (rest * 2 > step) | ((rest * 2 == step) & (below % 2 == 1))
    return ((below + up) * step).astype(np.uint32).view(np.float32)


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")


@pytest.mark.parametrize("precision", KEPT_BITS)
def test_operands_are_rounded_to_the_nearest_and_sums_are_float32(torch: Any, precision: Any) -> None:
    from creche.engine.torch.products import Products

    products = Products(precision, torch.device("cpu"))
    random = np.random.default_rng(0)
    a = np.concatenate([random.standard_normal((6, 7)), [[0.0, -0.0, 1.0, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-11, 1e30]]])
    a, b, bias = (np.asarray(array, np.float32) for array in (a, random.standard_normal((7, 3)), random.random(3)))
    expected = rounded(a, precision).astype(np.float64) @ rounded(b, precision).astype(np.float64)
    tensors = [torch.tensor(array) for array in (a, b, bias)]
    found = products.multiply(*tensors[:2])
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(products.add(tensors[2], *tensors[:2]).numpy(), expected + bias, rtol=1e-5)
    out = torch.empty(7, 3)
    products.multiply_into(*tensors[:2], out)
    np.testing.assert_array_equal(out.numpy(), found.numpy())
    stacked = products.multiply(tensors[0].expand(2, -1, -1), tensors[1].expand(2, -1, -1))
    np.testing.assert_allclose(stacked[1].numpy(), expected, rtol=1e-5)
    assert np.isnan(products.multiply(torch.tensor([[np.nan]]), torch.tensor([[1.0]])).item())


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("precision", KEPT_BITS)
def test_a_network_learns_with_rounded_products(precision: Any) -> None:
    job: dict[str, Any] = {"label": "species", "hidden": [8], "epochs": 6, "threads": 1, "on_progress": False}
    full = cr.train("penguins", **job)
    plan = cr.Plan.from_dict({**full.plan.to_dict(), "precision": precision})
    assert plan.dtype == "float32"
    run = cr.Run(plan, full.prepared, Hardware(1, Device("cpu", engine="torch"))).resume(on_progress=False)
    losses, before = run.history.validation_loss, full.history.validation_loss
    assert not np.array_equal(losses, before)
    np.testing.assert_allclose(losses, before, rtol=0.02)
    assert all(array.dtype == np.float32 for array in run.parameters.values())
    assert run.model.predict("penguins").shape == (344,)


def test_tf32_is_set_for_all_threads_and_given_back(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from creche.engine.torch.settings import engine_settings

    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    chosen = torch.backends.cuda.matmul
    before = chosen.fp32_precision
    with engine_settings(torch.device("cuda"), "tf32"):
        assert chosen.fp32_precision == "tf32"
        with engine_settings(torch.device("cuda"), "tf32"):
            pass
        with (
            pytest.raises(PlanError, match=r"^precision: PyTorch multiplies with or without tf32 on all threads"),
            engine_settings(torch.device("cpu"), "float32"),
        ):
            pass
        assert chosen.fp32_precision == "tf32"
    assert chosen.fp32_precision == before

"""The parts of the device check, on PyTorch on the processor: they run, and find what they should."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from creche.engine.device import Device

pytestmark = pytest.mark.peers
ROOT = Path(__file__).parents[2]
HERE = Device("cpu", engine="torch")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    pytest.importorskip("torch", reason="needs torch: pip install '.[peers]'")
    for folder in ("tools", "benchmarks"):
        monkeypatch.syspath_prepend(str(ROOT / folder))
    parts = importlib.import_module("device_check_torch")
    small = [parts.SMALL, parts.Shape(5, (17,), 3, 16)]
    monkeypatch.setattr(parts, "SHAPES", small)
    monkeypatch.setattr(parts, "MIDDLE", small[1])
    return parts


def test_the_processor_has_the_losses_of_the_processor(parts: Any) -> None:
    found = parts.parity(HERE)
    assert found.pop("ok")
    assert len(found) == 4
    assert any(found.values())  # another engine has other bits


def test_a_run_gives_the_same_bytes_again(parts: Any) -> None:
    assert parts.torch_again(HERE) == {"ok": True, "resumed": True, "eager_equals_graphs": True}


def test_steps_are_timed(parts: Any) -> None:
    found = parts.launch_floor(HERE, seconds=0.001)
    assert found.pop("ok")
    assert all(facts[name] > 0 for facts in found.values() for name in ("flops", "cpu", "eager", "graph"))


def test_lower_precisions_have_other_losses(parts: Any) -> None:
    found = parts.precisions(HERE, parts.SMALL, seconds=0.001)
    assert found["ok"]
    assert len({found[name]["loss"] for name in ("float32", "tf32", "bfloat16")}) == 3

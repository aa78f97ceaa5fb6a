"""The PTX of the kernels, executed by a processor, gives the bytes of the native engine.

The assembler for a GPU may only keep what these instructions say of rounding; tools/device_check.py finds out whether a
GPU does.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from creche import _core
from tests.device.ptx_device import CAN_RUN, PtxDevice
from tests.device.ptx_to_c import unrounded
from tests.engine.small_plans import ACTIVATIONS, CLASS_LOSSES, LOSSES, Job
from tests.engine.test_device_warp import RULES, SHAPES, assert_as_alone

pytestmark = [pytest.mark.device, pytest.mark.skipif(not CAN_RUN, reason="changing stacks is written for x86-64")]

SCHEDULES: list[dict[str, Any]] = [
    {}, {"kind": "cosine", "length": 9.0, "per_step": True}, {"kind": "cosine_log", "length": 3.0},
    {"kind": "one_cycle", "length": 7.0, "per_step": True}, {"kind": "exponential", "factor": 0.9},
    {"kind": "step", "length": 1.0, "factor": 0.3, "warmup": 2.0}, {"kind": "flat_cosine", "length": 2.0},
    {"kind": "reduce_on_plateau", "patience": 0.0, "factor": 0.5},
]  # fmt: skip


def loss_of(number: int) -> str:
    """Each loss for some shape; those of classes where there are several outputs."""
    loss = LOSSES[number % len(LOSSES)]
    return "squared_error" if loss in CLASS_LOSSES and SHAPES[number][-1] == 1 else loss


def varied_jobs(number: int) -> list[Job]:
    """Every rule, with all else different from network to network."""
    return [
        Job(
            sizes=SHAPES[number], rows=47, batch_size=(5, 20, 32, 47)[n % 4], epochs=2, loss=loss_of(number), seed=n,
            activation=ACTIVATIONS[(number + n) % len(ACTIVATIONS)], validation=37 * (n % 2), weighted=n % 3 == 0,
            dropout=0.25 * (n % 5 == 1), schedule=SCHEDULES[n % len(SCHEDULES)], shuffle=n % 7 != 3,
            optimizer={
                **rule, "clip_norm": 0.5 * (n % 4 == 2), "clip_value": 0.05 * (n % 6 == 1), "l1": 0.002 * (n % 5 == 2),
                "weight_decay": 0.01 * (n % 3 == 1),
            },
            early_stopping={"patience": 1} if n % 4 == 1 else {},
        )
        for n, rule in enumerate(RULES)
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(len(SHAPES)), ids=lambda number: f"{SHAPES[number]}-{loss_of(number)}")
def test_the_bytes_of_the_engine(number: int, tmp_path: Path) -> None:
    """128 registers leave room for 16 warps on each multiprocessor of a GPU."""
    device = PtxDevice(folder=tmp_path)
    assert_as_alone(_core.load(), varied_jobs(number), device)
    [compiled] = device.compiled
    [registers] = re.findall(r"Used (\d+) registers", compiled.log)
    [spilled] = re.findall(r"(\d+) bytes spill stores", compiled.log)
    assert int(registers) <= 128
    assert int(spilled) < 64
    assert unrounded(compiled.ptx) == []


def test_an_instruction_that_may_be_fused_is_found() -> None:
    body = (
        "fma.rn.f32 %f1, %f2, %f3, %f4;\n mul.f32 %f5, %f1, %f2;\n add.rn.ftz.f32 %f6, %f5, %f1;\n add.s32 %r1, %r2, 1;"
    )
    found = unrounded(f".visible .entry train(\n)\n{{\n{body}\n}}")
    assert [instruction.split()[0] for instruction in found] == ["mul.f32", "add.rn.ftz.f32"]

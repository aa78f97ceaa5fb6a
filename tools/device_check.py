"""What only a GPU can show of the kernels and of the torch engine: bytes, rates, and what they do when memory runs out.

Prints a line of JSON for each part and exits with the number of parts that failed; without a GPU it says so and exits
with 0. Each part is a process of its own with a limit of time. After eight minutes no other part begins.

    python tools/device_check.py [PART ...]
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from creche import _core
from creche.engine.device import Device
from creche.engine.device_colony.colony import DeviceColony
from creche.engine.device_colony.cuda import CudaDevice
from creche.errors import PlanError

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tools")]

Facts = dict[str, Any]
SECONDS = 480  # after which no other part begins


class Part(NamedTuple):
    """A check: it returns what it found, with ``ok``."""

    seconds: int
    check: Callable[[CudaDevice], Facts]


def of_torch(name: str) -> Callable[[CudaDevice], Facts]:
    """Return a part of the torch engine, which is imported when it is checked."""

    def check(device: CudaDevice) -> Facts:
        import device_check_torch

        found: Facts = getattr(device_check_torch, name)(Device("cuda"))
        return found

    return check


def where(device: CudaDevice) -> Facts:
    """Which GPU this is."""
    found = {"gpu": device.name, "architecture": device.architecture, "driver": device.driver_version}
    return {"ok": True, **found, "nvrtc": device.compiler.version, "free_bytes": device.free_memory()}


def state_digest(colony: Any, number: int) -> str:
    """The digest of a member's state but for the seconds that it took."""
    from creche.engine.run_state import PROGRESS

    digest = hashlib.sha256()
    for name, array in sorted(colony.state(number).items()):
        if name != "history.seconds":
            kept = array.copy()
            if name == "progress":
                kept[PROGRESS.index("seconds")] = 0
            digest.update(name.encode() + kept.tobytes())
    return digest.hexdigest()


def bits(device: CudaDevice) -> Facts:
    """Every shape with every rule: the bytes of the CPU's engine."""
    from tests.device.test_ptx import varied_jobs
    from tests.engine.test_colony import members_and_tables
    from tests.engine.test_device_warp import SHAPES

    engine, different, compared = _core.load(), [], 0
    for number, shape in enumerate(SHAPES):
        jobs = varied_jobs(number)
        colony = DeviceColony(engine, *members_and_tables(engine, jobs), device)
        colony.run()
        for member, job in enumerate(jobs):
            solo = job.solo(engine)
            solo.run()
            compared += 1
            if state_digest(_Alone(solo), 0) != state_digest(colony, member):
                different.append(f"{shape} {job.optimizer['kind']}")
    return {"ok": not different, "compared": compared, "different": different}


class _Alone:
    """A network alone as a colony of one."""

    def __init__(self, solo: Any) -> None:
        self._solo = solo

    def state(self, number: int) -> Any:
        return self._solo.state()


def rate(device: CudaDevice) -> Facts:
    """The time of a step of one network."""
    from gpu import NETWORKS, jobs_of, rates

    return {"ok": True, "rates": [measured._asdict() for measured in rates(device, jobs_of(False), NETWORKS)]}


def again(device: CudaDevice) -> Facts:
    """The same bytes in a second run, and in one that stops after each epoch."""
    from tests.device.test_ptx import varied_jobs
    from tests.engine.test_colony import members_and_tables

    engine, jobs = _core.load(), varied_jobs(0)
    digests = []
    for stops in (False, False, True):
        colony = DeviceColony(engine, *members_and_tables(engine, jobs), device)
        for epoch in (1, 2) if stops else (-1,):
            colony.run(epoch=epoch)
        digests.append([state_digest(colony, member) for member in range(len(jobs))])
    return {"ok": digests[0] == digests[1] == digests[2]}


def memory(device: CudaDevice) -> Facts:
    """Networks that do not fit: a message, and nothing is allocated."""
    from tests.engine.small_plans import Job
    from tests.engine.test_colony import members_and_tables

    engine = _core.load()
    filler = device.allocate(device.free_memory() - 2**26)
    try:
        members, tables = members_and_tables(engine, [Job()])
        before = device.free_memory()
        count = before // 4_000
        DeviceColony(engine, [members[0]] * count, tables, device)
    except PlanError as error:
        return {"ok": device.free_memory() == before, "message": str(error)}
    finally:
        device.free(filler)
    return {"ok": False, "message": "no error"}


PARTS = {
    "where": Part(20, where),
    "bits": Part(200, bits),
    "rate": Part(150, rate),
    "again": Part(60, again),
    "memory": Part(40, memory),
    "parity": Part(45, of_torch("parity")),
    "launch_floor": Part(45, of_torch("launch_floor")),
    "compiled": Part(100, of_torch("compiled")),
    "precisions": Part(30, of_torch("precisions")),
    "torch_again": Part(30, of_torch("torch_again")),
    "torch_memory": Part(15, of_torch("torch_memory")),
}


def run_part(name: str) -> Facts:
    """Run a part in a process of its own."""
    begin = time.perf_counter()
    command = [sys.executable, __file__, "--inside", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PARTS[name].seconds)
        if done.returncode:
            facts = {"ok": False, "error": done.stderr[-2000:]}
        else:
            facts = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        facts = {"ok": False, "error": f"not done after {PARTS[name].seconds} seconds"}
    return {"part": name, **facts, "seconds": round(time.perf_counter() - begin, 1)}


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--inside"]:
        print(json.dumps(PARTS[arguments[1]].check(CudaDevice())))
        return 0
    if unknown := [name for name in arguments if name not in PARTS]:
        print(f"device_check.py: no part {unknown[0]!r}; choose among {', '.join(PARTS)}", file=sys.stderr)
        return 2
    try:
        CudaDevice()
    except PlanError as error:
        message = f"there is no GPU here, so that nothing was checked: {error}"
        print(json.dumps({"part": "where", "gpu": None, "message": message}))
        return 0
    failed, begin = 0, time.monotonic()
    for name in arguments or PARTS:
        if time.monotonic() - begin > SECONDS:
            print(json.dumps({"part": name, "ok": None, "message": f"not checked: {SECONDS} seconds are over"}))
            continue
        facts = run_part(name)
        failed += not facts["ok"]
        print(json.dumps(facts), flush=True)
    return failed


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

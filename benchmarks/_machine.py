"""The machine and the versions with which a figure was measured."""

import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("creche", "numpy", "torch", "scikit-learn", "jax", "jaxlib", "pandas", "polars")

# The flags of /proc/cpuinfo that determine how fast a matrix product can be.
INSTRUCTION_SETS = ("avx2", "fma", "avx512f", "avx512bw", "avx512_bf16", "amx_bf16", "asimd", "sve")


def describe_machine() -> list[str]:
    """One line per fact, ready to print above a table."""
    facts = _cpuinfo()
    flags = facts.get("flags", facts.get("Features", "")).split()
    cores = sorted(os.sched_getaffinity(0))
    model = facts.get("model name", platform.machine())
    signature = "-".join(facts.get(key, "?") for key in ("cpu family", "model", "stepping"))
    return [
        f"Processor: {model} (family-model-stepping {signature})",
        f"Instruction sets: {' '.join(name for name in INSTRUCTION_SETS if name in flags) or 'unknown'}",
        f"Cores this process may use: {len(cores)}",
        f"Memory: {_total_memory() / 2**30:.1f} GiB; {platform.system()}",
        f"Python {platform.python_version()}; " + ", ".join(f"{name} {_version(name)}" for name in LIBRARIES),
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    ]


def busy_share(seconds: float = 1.0) -> float:
    """The share of all cores' time that other processes used while this one slept."""
    before = _idle_and_total_ticks()
    time.sleep(seconds)
    idle, total = (after - earlier for after, earlier in zip(_idle_and_total_ticks(), before, strict=True))
    return 1 - idle / total


def _idle_and_total_ticks() -> tuple[int, int]:
    ticks = [int(field) for field in Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)  # idle and waiting for a disk; see proc_stat(5)


def _cpuinfo() -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    return facts


def _total_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"

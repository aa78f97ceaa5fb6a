"""What this process may use of the machine: cores and memory, limits of containers included."""

from __future__ import annotations

import math
import numbers
import os
from pathlib import Path

from rookery.errors import PlanError

__all__ = ["available_memory", "resolve_threads", "usable_cores"]

CGROUPS = Path("/sys/fs/cgroup")


def resolve_threads(threads: int | None) -> int:
    """How many threads to use: the argument, else ``ROOKERY_NUM_THREADS``, else the cores this process may use.

    Raises
    ------
    PlanError
        If either is no whole number of at least 1.

    """
    if threads is None:
        setting = os.environ.get("ROOKERY_NUM_THREADS", "").strip()
        if not setting:
            return usable_cores()
        return _checked("ROOKERY_NUM_THREADS", int(setting) if setting.isdecimal() else setting)
    return _checked("threads", threads)


def _checked(where: str, threads: object) -> int:
    most = 1024
    if isinstance(threads, bool) or not isinstance(threads, numbers.Integral) or not 1 <= int(threads) <= most:
        raise PlanError(f"{where}: got {threads!r}; needs a whole number from 1 to {most}")
    return int(threads)


def usable_cores(cgroups: Path = CGROUPS) -> int:
    """Cores that affinity and the container's quota leave to this process; at least 1."""
    cores = len(os.sched_getaffinity(0))
    quota = _quota(cgroups)
    return max(1, min(cores, math.ceil(quota))) if quota else cores


def _quota(cgroups: Path) -> float | None:
    """CPUs' worth of time that the control group allows (version 2, then version 1), or None for no limit."""
    text = _read(cgroups / "cpu.max")
    if text:
        quota, _, period = text.partition(" ")
        return None if quota == "max" else int(quota) / int(period or 100_000)
    quota, period = _read(cgroups / "cpu/cpu.cfs_quota_us"), _read(cgroups / "cpu/cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def available_memory(cgroups: Path = CGROUPS, meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Bytes that can still be allocated, or None if that is not to be known."""
    free = [_meminfo_available(meminfo)]
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        most, now = _read(cgroups / limit), _read(cgroups / used)
        if most.isdecimal() and now.isdecimal():
            free.append(int(most) - int(now))
    known = [amount for amount in free if amount is not None]
    return max(0, min(known)) if known else None


def _meminfo_available(meminfo: Path) -> int | None:
    for line in _read(meminfo).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""

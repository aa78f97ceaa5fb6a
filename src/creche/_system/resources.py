"""The cores and the memory that this process may use, including the limits of containers."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterator
from pathlib import Path

from creche.errors import PlanError

__all__ = ["ALWAYS_AVAILABLE", "available_memory", "resolve_threads", "usable_cores"]

# Bytes that are taken without asking the machine for its free memory, which takes longer than using them.
ALWAYS_AVAILABLE = 16_000_000

CGROUPS = Path("/sys/fs/cgroup")

OWN_GROUPS = Path("/proc/self/cgroup")

MAX_THREADS = 1024


def resolve_threads(threads: int | None) -> int:
    """Return the number of threads: the argument, else ``CRECHE_NUM_THREADS``, else the usable cores.

    Raises
    ------
    PlanError
        If it is not a whole number from 1 to 1024.

    """
    if threads is None:
        setting = os.environ.get("CRECHE_NUM_THREADS", "").strip()
        if not setting:
            return usable_cores()
        return _check_threads("CRECHE_NUM_THREADS", int(setting) if setting.isdecimal() else setting)
    return _check_threads("threads", threads)


def usable_cores(cgroups: Path = CGROUPS, own: Path = OWN_GROUPS) -> int:
    """Return the number of cores that affinity and the quotas of control groups leave to this process, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for quota in map(_read_quota, _group_folders(cgroups, own, "cpu")) if quota is not None]
    return max(1, min(cores, *(math.ceil(quota) for quota in quotas))) if quotas else cores


def available_memory(
    cgroups: Path = CGROUPS, meminfo: Path = Path("/proc/meminfo"), own: Path = OWN_GROUPS
) -> int | None:
    """Return how many bytes can still be allocated, or None if that is unknown."""
    free = [_read_meminfo(meminfo)]
    for group in _group_folders(cgroups, own, "memory"):
        # Version 2, then version 1. Cached pages of files count as used, but are freed when memory is needed.
        for limit, used, pages in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            maximum, current = _read(group / limit), _read(group / used)
            if maximum.isdecimal() and current.isdecimal():
                free.append(int(maximum) - max(0, int(current) - (_read_entry(group / "memory.stat", pages) or 0)))
    known = [amount for amount in free if amount is not None]
    return max(0, min(known)) if known else None


def _check_threads(where: str, threads: object) -> int:
    if isinstance(threads, bool) or not isinstance(threads, numbers.Integral) or not 1 <= int(threads) <= MAX_THREADS:
        raise PlanError(f"{where}: got {threads!r}; needs a whole number from 1 to {MAX_THREADS}")
    return int(threads)


def _group_folders(cgroups: Path, own: Path, controller: str) -> Iterator[Path]:
    """Yield the folders that may hold limits: those of the control groups of this process, and of their parents.

    In a container, its own group is the outermost. A process of a service or a session is in an inner group, and each
    parent of it may have a limit too.
    """
    yield from (cgroups, cgroups / controller)
    for line in _read(own).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        root, inner = cgroups / controller if controllers else cgroups, Path(group.lstrip("/"))
        yield from (root / part for part in (inner, *inner.parents) if part.parts and ".." not in part.parts)


def _read_quota(group: Path) -> float | None:
    """Return how many cores the control group allows (version 2, then version 1), or None for no limit."""
    text = _read(group / "cpu.max")
    if text:
        quota, _, period = text.partition(" ")
        return None if quota == "max" else int(quota) / int(period or 100_000)
    quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _read_meminfo(meminfo: Path) -> int | None:
    kilobytes = _read_entry(meminfo, "MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def _read_entry(file: Path, name: str) -> int | None:
    """Return the number after a name at the start of a line, or None."""
    for line in _read(file).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""

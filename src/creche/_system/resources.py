"""What this process may use of the machine: cores and memory, limits of containers included."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Iterator
from pathlib import Path

from creche.errors import PlanError

__all__ = ["available_memory", "resolve_threads", "usable_cores"]

CGROUPS = Path("/sys/fs/cgroup")


OWN_GROUPS = Path("/proc/self/cgroup")


def resolve_threads(threads: int | None) -> int:
    """How many threads to use: the argument, else ``CRECHE_NUM_THREADS``, else the cores this process may use.

    Raises
    ------
    PlanError
        If either is no whole number of at least 1.

    """
    if threads is None:
        setting = os.environ.get("CRECHE_NUM_THREADS", "").strip()
        if not setting:
            return usable_cores()
        return _checked("CRECHE_NUM_THREADS", int(setting) if setting.isdecimal() else setting)
    return _checked("threads", threads)


def _checked(where: str, threads: object) -> int:
    most = 1024
    if isinstance(threads, bool) or not isinstance(threads, numbers.Integral) or not 1 <= int(threads) <= most:
        raise PlanError(f"{where}: got {threads!r}; needs a whole number from 1 to {most}")
    return int(threads)


def usable_cores(cgroups: Path = CGROUPS, own: Path = OWN_GROUPS) -> int:
    """Cores that affinity and the control groups' quotas leave to this process; at least 1."""
    cores = len(os.sched_getaffinity(0))
    quotas = [quota for quota in map(_quota, _folders(cgroups, own, "cpu")) if quota is not None]
    return max(1, min(cores, *(math.ceil(quota) for quota in quotas))) if quotas else cores


def _folders(cgroups: Path, own: Path, controller: str) -> Iterator[Path]:
    """Where limits can stand: the control groups this process is in, each with those around it.

    A container sees its own group as the outermost. A process of a service or a session is in an inner one, and each
    around it may have a limit too.
    """
    yield from (cgroups, cgroups / controller)
    for line in _read(own).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        root, inner = cgroups / controller if controllers else cgroups, Path(group.lstrip("/"))
        yield from (root / part for part in (inner, *inner.parents) if part.parts and ".." not in part.parts)


def _quota(group: Path) -> float | None:
    """CPUs' worth of time that the control group allows (version 2, then version 1), or None for no limit."""
    text = _read(group / "cpu.max")
    if text:
        quota, _, period = text.partition(" ")
        return None if quota == "max" else int(quota) / int(period or 100_000)
    quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def available_memory(
    cgroups: Path = CGROUPS, meminfo: Path = Path("/proc/meminfo"), own: Path = OWN_GROUPS
) -> int | None:
    """Bytes that can still be allocated, or None if that is not to be known."""
    free = [_meminfo_available(meminfo)]
    for group in _folders(cgroups, own, "memory"):
        # Version 2, then version 1. Pages of files that were read count as used, but make room when it is needed.
        for limit, used, pages in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            most, now = _read(group / limit), _read(group / used)
            if most.isdecimal() and now.isdecimal():
                free.append(int(most) - max(0, int(now) - (_entry(group / "memory.stat", pages) or 0)))
    known = [amount for amount in free if amount is not None]
    return max(0, min(known)) if known else None


def _meminfo_available(meminfo: Path) -> int | None:
    kilobytes = _entry(meminfo, "MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def _entry(file: Path, name: str) -> int | None:
    """The number that stands behind a name, one to a line."""
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

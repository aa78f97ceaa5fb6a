from __future__ import annotations

import os
from pathlib import Path

import pytest

from creche._system import resources as machine
from creche._system.resources import available_memory, resolve_threads, usable_cores
from creche.errors import PlanError


@pytest.fixture(autouse=True)
def no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRECHE_NUM_THREADS", raising=False)


@pytest.fixture
def sixteen_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)))


def folder(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_the_argument_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRECHE_NUM_THREADS", "3")
    assert resolve_threads(5) == 5
    assert resolve_threads(None) == 3


@pytest.mark.parametrize("setting", ["", "  "])
def test_an_empty_setting_is_none(monkeypatch: pytest.MonkeyPatch, setting: str, tmp_path: Path) -> None:
    monkeypatch.setenv("CRECHE_NUM_THREADS", setting)
    monkeypatch.setattr(machine, "usable_cores", lambda: 7)
    assert resolve_threads(None) == 7


@pytest.mark.parametrize("setting", ["0", "-2", "two", "2.5", "1025"])
def test_an_invalid_setting_is_named(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("CRECHE_NUM_THREADS", setting)
    with pytest.raises(PlanError, match=f"CRECHE_NUM_THREADS: got '?{setting}'?; needs a whole number from 1 to 1024"):
        resolve_threads(None)


@pytest.mark.parametrize("threads", [0, -1, 2.0, "2", True, 1025], ids=repr)
def test_an_invalid_argument_is_named(threads: int) -> None:
    with pytest.raises(PlanError, match=f"threads: got {threads!r}; needs a whole number from 1 to 1024"):
        resolve_threads(threads)


def test_all_cores_count_where_the_system_knows_no_affinity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cores(tmp_path, tmp_path) == 6


def test_affinity_is_honoured(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores(tmp_path, tmp_path) == 1
        assert resolve_threads(None) == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores(tmp_path, tmp_path) == len(before)


@pytest.mark.usefixtures("sixteen_cores")
@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 16),
        ({"cpu.max": "max 100000"}, 16),
        ({"cpu.max": "400000 100000\n"}, 4),
        ({"cpu.max": "250000 100000"}, 3),
        ({"cpu.max": "10000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 16),
        ({"cpu.max": "200000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu/cpu.cfs_quota_us": "150000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 16),
    ],
    ids=repr,
)
def test_the_quota_of_a_container_is_honoured(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    assert usable_cores(folder(tmp_path, files), tmp_path / "none") == cores


SLICES = {"self": "0::/work.slice/job.scope\n"}
VERSION_1 = {"self": "5:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc/inner\n"}


@pytest.mark.usefixtures("sixteen_cores")
@pytest.mark.parametrize(
    ("files", "cores"),
    [
        (SLICES, 16),
        (SLICES | {"work.slice/job.scope/cpu.max": "300000 100000"}, 3),
        (SLICES | {"work.slice/job.scope/cpu.max": "max 100000", "work.slice/cpu.max": "200000 100000"}, 2),
        (SLICES | {"work.slice/job.scope/cpu.max": "300000 100000", "work.slice/cpu.max": "500000 100000"}, 3),
        (SLICES | {"work.slice/other.scope/cpu.max": "300000 100000"}, 16),
        (VERSION_1 | {"cpu/docker/abc/cpu.cfs_quota_us": "400000", "cpu/docker/abc/cpu.cfs_period_us": "100000"}, 4),
        (VERSION_1 | {"cpu/docker/cpu.cfs_quota_us": "400000", "cpu/docker/cpu.cfs_period_us": "100000"}, 4),
        ({"self": "0::/../elsewhere\n", "elsewhere/cpu.max": "100000 100000"}, 16),
    ],
    ids=repr,
)
def test_the_quotas_of_the_groups_around_it_are_honoured(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    assert usable_cores(folder(tmp_path, files), tmp_path / "self") == cores


MEMINFO = "MemTotal:       16000 kB\nMemFree:         500 kB\nMemAvailable:    8000 kB\n"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, None),
        ({"meminfo": MEMINFO}, 8000 * 1024),
        ({"meminfo": MEMINFO, "memory.max": "max\n", "memory.current": "1000\n"}, 8000 * 1024),
        ({"meminfo": MEMINFO, "memory.max": "5000000\n", "memory.current": "1000000\n"}, 4_000_000),
        ({"memory.max": "5000000\n", "memory.current": "6000000\n"}, 0),
        ({"meminfo": MEMINFO, "memory.max": "99000000000\n", "memory.current": "0\n"}, 8000 * 1024),
        ({"memory/memory.limit_in_bytes": "7000", "memory/memory.usage_in_bytes": "2000"}, 5000),
        ({"memory.max": "5000", "memory.current": "4900", "memory.stat": "anon 1000\ninactive_file 3500\n"}, 3600),
        ({"memory.max": "5000", "memory.current": "4900", "memory.stat": "inactive_file 9000\n"}, 5000),
        (
            {
                "memory/memory.limit_in_bytes": "7000",
                "memory/memory.usage_in_bytes": "6900",
                "memory/memory.stat": "inactive_file 0\ntotal_inactive_file 900\n",
            },
            1000,
        ),
        ({"meminfo": "MemTotal: 5 kB\n"}, None),
    ],
    ids=repr,
)
def test_memory_is_the_least_that_any_limit_leaves(tmp_path: Path, files: dict[str, str], free: int | None) -> None:
    assert available_memory(folder(tmp_path, files), tmp_path / "meminfo", tmp_path / "none") == free


@pytest.mark.parametrize(
    ("files", "free"),
    [
        (SLICES | {"work.slice/job.scope/memory.max": "5000", "work.slice/job.scope/memory.current": "1000"}, 4000),
        (SLICES | {"work.slice/memory.max": "5000", "work.slice/memory.current": "3000"}, 2000),
        (
            VERSION_1
            | {
                "memory/docker/abc/inner/memory.limit_in_bytes": "7000",
                "memory/docker/abc/inner/memory.usage_in_bytes": "1000",
            },
            6000,
        ),
    ],
    ids=repr,
)
def test_memory_of_the_groups_around_it_counts(tmp_path: Path, files: dict[str, str], free: int) -> None:
    assert available_memory(folder(tmp_path, files), tmp_path / "meminfo", tmp_path / "self") == free


def test_this_machine_has_cores_and_memory() -> None:
    assert 1 <= usable_cores() <= len(os.sched_getaffinity(0))
    free = available_memory()
    assert free is not None
    assert 0 < free < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

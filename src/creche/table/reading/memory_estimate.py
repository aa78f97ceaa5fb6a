"""Refusing a file that does not fit into memory before it is read, with what to do instead."""

from __future__ import annotations

from pathlib import Path

from creche._advice import advise
from creche._system.disk_space import format_size
from creche._system.resources import available_memory
from creche.errors import TableError

__all__ = ["check_fits", "estimate_memory"]

SMALL = 100_000_000  # bytes of a file that is not looked at

# What a byte of a file takes in memory: cells as words of 16 bytes each, and the numbers that they hold.
OF_TEXT, OF_ARROW = 3.0, 2.0

BYTES_PER_CELL = 16  # of a Parquet file, whose size tells little

# The first bytes of files that are not text; a compressed one may hold anything.
PARQUET, ARROW = b"PAR1", b"ARROW1"
COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def check_fits(path: Path, source: str) -> None:
    """Check that a file can be read into the available memory.

    Raises
    ------
    TableError
        If it surely cannot.

    """
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError:
        return  # reading it gives a better error
    if size < SMALL:
        return
    needed, free = estimate_memory(path, size), available_memory()
    if free is None or needed <= free:
        return
    limit = advise("memory", f"{max(1, round(free / 2e9))}GB")
    raise TableError(
        f"{source}: takes about {format_size(needed)} in memory, and {format_size(free)} are available; to train on "
        f"it in pieces, set {limit}; for other work, encode it into a folder first",
        argument="memory",
    )


def estimate_memory(path: Path, size: int) -> float:
    """Return about how many bytes a table takes in memory; 0 for a compressed file, which does not tell."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(COMPRESSED):
        return 0.0
    if head.startswith(PARQUET):
        import polars as pl

        try:
            scan = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            return float(scan.select(pl.len()).collect().item()) * len(scan.collect_schema()) * BYTES_PER_CELL
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            return 0.0
    return size * (OF_ARROW if head.startswith(ARROW) else OF_TEXT)

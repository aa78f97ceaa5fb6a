"""Which format bytes are in, told by the first of them."""

from __future__ import annotations

from pathlib import Path

from creche.errors import TableError

__all__ = ["OF_NAMES", "format_of_bytes", "format_of_name"]

OF_NAMES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
COMPRESSED = (".gz", ".zst", ".bz2", ".xz", ".zip")
BEGINNINGS = {b"PAR1": "parquet", b"PARE": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow"}
# What people have beside tables that can be read, and what to do with it.
OTHERS = {
    b"SQLite format 3\0": "an SQLite database; export the table as CSV",
    b"\x89HDF\r\n": "an HDF5 file; export the table as Parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel or Office file; save its sheet as CSV (UTF-8)",
    b"%PDF": "a PDF; export the table as CSV",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x80\x04\x95": "a pickle, which could run code when loaded; save the table as Parquet",
    b"\x80\x05\x95": "a pickle, which could run code when loaded; save the table as Parquet",
    b"\x7fELF": "a program",
    b"Obj\x01": "an Avro file; export the table as Parquet",
    b"ORC": "an ORC file; export the table as Parquet",
    b"FEA1": "a Feather file of version 1; save the table as Feather 2 (Arrow) or Parquet",
}


def format_of_bytes(head: bytes, source: str) -> str | None:
    """parquet, arrow, or None for what may be text.

    Raises
    ------
    TableError
        If it is a file of a known other kind.

    """
    for beginning, name in BEGINNINGS.items():
        if head.startswith(beginning):
            return name
    for beginning, what in OTHERS.items():
        if head.startswith(beginning) and not (beginning == b"ORC" and head[3:4].isalpha()):
            raise TableError(f"{source}: is {what}")
    return None


def format_of_name(name: str | Path) -> tuple[str | None, str]:
    """Format and compression that a file's name asks for.

    Examples
    --------
    >>> format_of_name("predictions.csv.gz"), format_of_name("table.parquet"), format_of_name("table")
    (('csv', '.gz'), ('parquet', ''), (None, ''))

    """
    endings = [ending.lower() for ending in Path(name).suffixes]
    compression = endings.pop() if endings and endings[-1] in COMPRESSED else ""
    return (OF_NAMES.get(endings[-1]) if endings else None), compression

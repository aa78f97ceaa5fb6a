"""The format of a file, told by its name and first bytes."""

from __future__ import annotations

from pathlib import Path

from creche.errors import TableError
from creche.table.reading.byte_streams import ZIP
from creche.table.reading.json_tables import is_json_array, is_json_object_of_columns

__all__ = ["SUFFIXES", "detect_format", "detect_text_format", "format_from_name", "separates_by_tabs"]

SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}

COMPRESSION_SUFFIXES = (".gz", ".zst", ".bz2", ".xz", ".zip")

SIGNATURES = {
    b"PAR1": "parquet",
    b"PARE": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
    ZIP: "excel",  # other archives are unpacked before
    b"\xd0\xcf\x11\xe0": "excel",
}

# Files that people have but that cannot be read, and what to do instead.
UNREADABLE = {
    b"SQLite format 3\0": "an SQLite database; name its table by an address: sqlite:///file.db?table=NAME",
    b"\x89HDF\r\n": "an HDF5 file; export the table as Parquet",
    b"%PDF": "a PDF; export the table as CSV",
    b"\x89PNG": "a picture; needs a table",
    b"\xff\xd8\xff": "a picture; needs a table",
    b"\x80\x04\x95": "a pickle, which could run code when loaded; save the table as Parquet",
    b"\x80\x05\x95": "a pickle, which could run code when loaded; save the table as Parquet",
    b"\x7fELF": "a program; needs a table",
    b"Obj\x01": "an Avro file; export the table as Parquet",
    b"ORC": "an ORC file; export the table as Parquet",
    b"<stata_dta>": "a Stata file; pass pandas.read_stata(…), or export the table as CSV",
    b"$FL2@(#)": "an SPSS file; pass pandas.read_spss(…), or export the table as CSV",
    b"$FL3@(#)": "an SPSS file; pass pandas.read_spss(…), or export the table as CSV",
    b"HEADER RECORD*******": "a SAS file; pass pandas.read_sas(…), or export the table as CSV",
    bytes(12) + b"\xc2\xea\x81\x60": "a SAS file; pass pandas.read_sas(…), or export the table as CSV",
    b"RDX2\n": "a file of R; export the table as CSV",
    b"RDX3\n": "a file of R; export the table as CSV",
    b"\x93NUMPY": "an array of NumPy; pass numpy.load(…)",
    b"FEA1": "a Feather file of version 1; save the table as Feather 2 (Arrow) or Parquet",
}


def format_from_name(name: str | Path) -> tuple[str | None, str]:
    """Return the format (or None) and the compression that the suffixes of a file's name stand for.

    Examples
    --------
    >>> format_from_name("predictions.csv.gz"), format_from_name("table.parquet"), format_from_name("table")
    (('csv', '.gz'), ('parquet', ''), (None, ''))

    """
    suffix, compression = _split_suffixes(name)
    return SUFFIXES.get(suffix), compression


def separates_by_tabs(name: str | Path) -> bool:
    """Whether the name of a CSV file promises tabs between its cells.

    Examples
    --------
    >>> separates_by_tabs("predictions.tsv.gz"), separates_by_tabs("predictions.txt")
    (True, False)

    """
    return _split_suffixes(name)[0] in (".tsv", ".tab")


def _split_suffixes(name: str | Path) -> tuple[str, str]:
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    compression = suffixes.pop() if suffixes and suffixes[-1] in COMPRESSION_SUFFIXES else ""
    return (suffixes[-1] if suffixes else ""), compression


def detect_format(head: bytes, source: str) -> str | None:
    """Return "parquet", "arrow" or "excel" by the first bytes of a file, or None if it may be text.

    Raises
    ------
    TableError
        If it is a file of another known format.

    """
    for signature, name in SIGNATURES.items():
        if head.startswith(signature):
            return name
    for signature, what in UNREADABLE.items():
        if head.startswith(signature) and not (signature == b"ORC" and head[3:4].isalpha()):
            raise TableError(f"{source}: is {what}")
    return None


def detect_text_format(text: str, source: str) -> str:
    """Return "csv", "json" or "jsonl" by the beginning of a text.

    Raises
    ------
    TableError
        If it is a page or a spreadsheet in HTML or XML.

    """
    start = text[:1000].lstrip()
    suffix = format_from_name(source)[0]
    if suffix != "csv":
        if start.startswith("{"):
            if is_json_object_of_columns(text) or (suffix == "json" and text.count("\n", 0, len(text.rstrip())) == 0):
                return "json"
            return "jsonl"
        if is_json_array(start):
            return "json"
    if "urn:schemas-microsoft-com:office:spreadsheet" in start or "urn:oasis:names:tc:opendocument" in start:
        raise TableError(f"{source}: is a spreadsheet saved as plain XML; save it as .xlsx, .ods or CSV")
    if start[:15].lower().startswith(("<!doctype", "<html", "<?xml", "<table")):
        raise TableError(
            f"{source}: is a page of HTML or XML, not a table; download the file itself, or save it as CSV"
        )
    return "csv"

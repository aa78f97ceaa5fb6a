"""Sheets of Excel and OpenDocument files (.xlsx, .xlsb, .xls, .ods), by python-calamine."""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from creche._advice import advise
from creche._system.resources import available_memory
from creche.errors import FileError, TableError, nearest
from creche.table.checks import warn
from creche.table.reading.options import ReadOptions
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.sheet_layout import Sheet, frame_from_sheet

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

__all__ = ["read_excel_frame"]

CELL_BYTES = 100  # of a cell in memory: calamine's own and Python's object

PIECE = 4 << 20  # bytes

ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

CELL_COLUMN = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})[0-9]')

CELL_ROW = re.compile(rb'<row\b[^>]*?\br="([0-9]+)"')

ERROR_CELL = re.compile(rb'<c\b[^>]*?\bt="e"')

# A formula whose result was never computed; one whose result is an empty text has the type "str".
BARE_FORMULA = re.compile(
    rb"<c\b((?:(?!t=\"str\")[^>])*)>\s*<f\b(?:[^>]*/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>|</c>)"
)

NAMESPACES = {
    "main": "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "packages": "http://schemas.openxmlformats.org/package/2006/relationships",
}

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


_DAMAGE_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, ElementTree.ParseError, KeyError, NotImplementedError, RuntimeError,
    OSError, EOFError, ValueError,
)  # fmt: skip


@dataclass(slots=True)
class Survey:
    """What the XML of a sheet holds that python-calamine does not tell.

    Attributes
    ----------
    columns : set of bytes
        The letters of the columns that have cells.
    last_row : int
    errors : int
        How many cells hold an error, such as #N/A.
    bare_formulas : int
        How many formulas have no value.

    """

    columns: set[bytes] = field(default_factory=set)
    last_row: int = 0
    errors: int = 0
    bare_formulas: int = 0


def read_excel_frame(path: Path, source: str, options: ReadOptions) -> PlainFrame:
    """Read the table in a sheet.

    Parameters
    ----------
    path : Path
        The file, which may have any name.
    source : str
        The name of the file in messages.
    options : ReadOptions
        Which sheet to read, by default the first visible one that is not empty (a warning names the others), where its
        rows begin, and the names of its columns.

    Raises
    ------
    FileError
        If the file is damaged or protected by a password, or python-calamine is not installed.
    TableError
        If there is no such sheet, or it holds no table.

    """
    try:
        from python_calamine import CalamineWorkbook
    except ImportError as error:
        raise FileError(
            f"{source}: is an Excel or OpenDocument file; reading it needs python-calamine, the extra 'excel': "
            "pip install python-calamine"
        ) from error
    surveys = _survey_sheets(path)
    _check_extent(surveys, source)
    with path.open("rb") as file, _calamine_errors(path, source), CalamineWorkbook.from_filelike(file) as workbook:
        chosen = _choose_sheet(workbook, options.sheet, source)
        top, left = chosen.start or (0, 0)
        rows = chosen.to_python()
        merged = chosen.merged_cell_ranges or []
    if chosen.name in surveys:
        _warn_of_lost_cells(surveys[chosen.name], chosen.name, source)
    return frame_from_sheet(Sheet(chosen.name, rows, top, left, merged), source, options)


def _choose_sheet(workbook: CalamineWorkbook, sheet: str | int | None, source: str) -> CalamineSheet:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [about for about in workbook.sheets_metadata if about.typ == SheetTypeEnum.WorkSheet]
    names = [about.name for about in sheets]
    visible = [about.name for about in sheets if about.visible == SheetVisibleEnum.Visible]
    if sheet is None:
        return _first_filled_sheet(workbook, names, visible, source)
    if sheet in names:
        return workbook.get_sheet_by_name(str(sheet))
    if str(sheet).isdecimal() and 1 <= int(sheet) <= len(visible):
        return workbook.get_sheet_by_name(visible[int(sheet) - 1])
    if str(sheet).lstrip("-").isdecimal():
        raise TableError(f"{source}: has no sheet {sheet}; its sheets are {_number_sheets(visible)}")
    raise TableError(f"{source}: has no sheet {sheet!r}; {nearest(sheet, names)}")


def _first_filled_sheet(workbook: CalamineWorkbook, names: list[str], visible: list[str], source: str) -> CalamineSheet:
    chosen, others = None, []
    for name in visible:
        candidate = workbook.get_sheet_by_name(name)
        if candidate.start is None:
            continue
        if chosen is None:
            chosen = candidate
        else:
            others.append(name)
    if chosen is None:
        hidden = [name for name in names if name not in visible]
        hint = f"; a hidden one ({', '.join(hidden)}) is read only by its name" if hidden else ""
        raise TableError(f"{source}: no visible sheet holds data; needs a row of column names and rows below it{hint}")
    if others:
        warn(
            f"{source}: read sheet {chosen.name!r}, the first with data; for another ({', '.join(others)}), set "
            f"{advise('ReadOptions.sheet', others[0])}"
        )
    return chosen


def _number_sheets(names: list[str]) -> str:
    return ", ".join(f"{number} ({name!r})" for number, name in enumerate(names, 1)) or "all hidden"


@contextmanager
def _calamine_errors(path: Path, source: str) -> Iterator[None]:
    from python_calamine import CalamineError, PasswordError

    try:
        yield
    except PasswordError as error:
        raise _password_error(source) from error
    except (CalamineError, OSError, ValueError) as error:
        if isinstance(error, FileError | TableError):
            raise
        if ENCRYPTED in path.read_bytes():
            raise _password_error(source) from error
        raise FileError(
            f"{source}: is an Office file in which no sheet can be read ({error}); if it has sheets, it is cut short "
            "or damaged: save it again as .xlsx or as CSV"
        ) from error


def _password_error(source: str) -> FileError:
    return FileError(f"{source}: is protected by a password; save a copy without one, or its sheet as CSV")


def _survey_sheets(path: Path) -> dict[str, Survey]:
    """Return what the XML of each sheet of an .xlsx file holds, by name; empty for other files and damaged ones."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _survey_sheet(archive, part) for name, part in _sheet_parts(archive).items()}
    except _DAMAGE_ERRORS:  # calamine judges better what can be read
        return {}


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the name of the XML file of each sheet."""
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {
        each.get("Id"): each.get("Target", "") for each in relations.iterfind("packages:Relationship", NAMESPACES)
    }
    workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    parts = {}
    for sheet in workbook.iterfind("main:sheets/main:sheet", NAMESPACES):
        target = targets[sheet.get(RELATION)]
        parts[sheet.get("name", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return {name: part for name, part in parts.items() if "worksheets/" in part}


def _survey_sheet(archive: zipfile.ZipFile, part: str) -> Survey:
    survey = Survey()
    with archive.open(part) as file:
        rest = b""
        for piece in iter(lambda: file.read(PIECE), b""):
            text = rest + piece
            end = text.rfind(b"<row") if text.rfind(b"<row") > 0 else len(text)
            _count_cells(text[:end], survey)
            rest = text[end:]
        _count_cells(rest, survey)
    return survey


def _count_cells(xml: bytes, survey: Survey) -> None:
    survey.columns.update(CELL_COLUMN.findall(xml))
    survey.last_row = max([survey.last_row, *map(int, CELL_ROW.findall(xml)[-1:])])
    if b't="e"' in xml:
        survey.errors += len(ERROR_CELL.findall(xml))
    if b"<f" in xml:
        survey.bare_formulas += len(BARE_FORMULA.findall(xml))


def _check_extent(surveys: dict[str, Survey], source: str) -> None:
    """Refuse a sheet with a cell so far out that the rectangle up to it does not fit in memory."""
    free = available_memory()
    for name, survey in surveys.items():
        last = max(survey.columns, key=lambda letters: (len(letters), letters), default=b"")
        width = 0
        for letter in last:
            width = 26 * width + letter - ord("A") + 1
        needed = survey.last_row * width * CELL_BYTES
        if free is not None and needed > free:
            raise TableError(
                f"{source}: sheet {name!r} reaches to cell {last.decode()}{survey.last_row}, which takes "
                f"{needed / 1e9:,.1f} GB of memory; delete what lies far from the table, or save the table as CSV"
            )


def _warn_of_lost_cells(survey: Survey, name: str, source: str) -> None:
    if survey.errors:
        cells = "cell holds an error" if survey.errors == 1 else "cells hold errors"
        warn(f"{source}: sheet {name!r}: {survey.errors:,} {cells} (such as #N/A); read as missing")
    if survey.bare_formulas:
        formulas = "formula has" if survey.bare_formulas == 1 else "formulas have"
        warn(
            f"{source}: sheet {name!r}: {survey.bare_formulas:,} {formulas} no stored result; read as missing: open "
            "the file in Excel or LibreOffice and save it, so that results are stored"
        )

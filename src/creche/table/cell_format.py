"""How the cells of a column are written: what is learnt from a training table and holds for all later ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from creche.errors import FileError

__all__ = ["DEFAULT_MISSING", "CellFormat", "ExpectedColumn"]

DEFAULT_MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "None", "?")

LONGEST_WORD = 1000  # characters


@dataclass(frozen=True, slots=True)
class CellFormat:
    """How the cells of a column are written.

    Attributes
    ----------
    decimal : str, default "."
        The decimal mark: "." or ",".
    thousands : str, default ""
        The mark between groups of three digits: ",", ".", " " (any kind of space), "'" or none.
    unit : str, default ""
        The currency sign or unit around numbers, such as "$", "%" or "kg".
    is_accounting : bool, default False
        Whether negative numbers are in parentheses, or have their minus after them.
    day_first : bool, optional
        Whether 3/4/2020 is 3 April; None if no date has decided it.
    missing : tuple of str
        The words that stand for a missing value.

    """

    decimal: str = "."
    thousands: str = ""
    unit: str = ""
    is_accounting: bool = False
    day_first: bool | None = None
    missing: tuple[str, ...] = DEFAULT_MISSING

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, as plain data."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {**plain, "missing": list(self.missing)} if "missing" in plain else plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the format that `to_dict` described.

        Raises
        ------
        FileError
            If the data describe none.

        """
        plain = dict(data) if isinstance(data, Mapping) else {"": data}
        missing = plain.get("missing", list(DEFAULT_MISSING))
        is_valid = (
            plain.keys() <= asdict(cls()).keys()
            and plain.get("decimal", ".") in (".", ",")
            and plain.get("thousands", "") in ("", ",", ".", " ", "'")
            and isinstance(plain.get("unit", ""), str)
            and len(plain.get("unit", "")) <= LONGEST_WORD
            and isinstance(plain.get("is_accounting", False), bool)
            and plain.get("day_first") in (None, True, False)
            and isinstance(missing, list)
            and all(isinstance(word, str) and len(word) <= LONGEST_WORD for word in missing)
        )
        if not is_valid:
            raise FileError(
                f"features: {str(data)[:80]} is not a format of cells; the file was damaged or made by hand"
            )
        return cls(**{**plain, "missing": tuple(missing)})


@dataclass(frozen=True, slots=True)
class ExpectedColumn:
    """How a column is to be read.

    Attributes
    ----------
    kind : str
        The kind of its values (see `creche.table.table.Column`).
    format : CellFormat, optional
        How its cells are written; None if that is to be detected, because the training rows were not text.

    """

    kind: str
    format: CellFormat | None = None

from __future__ import annotations

import re
from typing import Any

import pytest

from creche.errors import FileError
from creche.table.cell_format import DEFAULT_MISSING, CellFormat

FORMATS = [
    CellFormat(),
    CellFormat(",", ".", "€", True, None, (*DEFAULT_MISSING, "-")),
    CellFormat(day_first=True),
    CellFormat(day_first=False, missing=("",)),
    CellFormat(thousands=" ", unit="kg/m³"),
]


@pytest.mark.parametrize("format", FORMATS)
def test_plain_data_and_back(format: CellFormat) -> None:
    assert CellFormat.from_dict(format.to_dict()) == format


def test_only_what_differs_is_kept() -> None:
    assert CellFormat().to_dict() == {}
    assert CellFormat(decimal=",").to_dict() == {"decimal": ","}


@pytest.mark.parametrize(
    "data",
    [
        None, [], "x", {"decimal": ";"}, {"thousands": "x"}, {"unit": 5}, {"unit": "x" * 1001}, {"is_accounting": 1},
        {"day_first": "yes"}, {"missing": "NA"}, {"missing": [5]}, {"missing": ["x" * 1001]}, {"other": 1},
    ],
)  # fmt: skip
def test_damaged_data_are_refused(data: Any) -> None:
    with pytest.raises(FileError, match=re.escape(str(data)[:20])) as error:
        CellFormat.from_dict(data)
    assert "is not a format of cells" in str(error.value)

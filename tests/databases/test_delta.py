"""Delta tables, by the package deltalake."""

from __future__ import annotations

from pathlib import Path

import pytest

from creche.errors import FileError
from creche.table.reading.read import read_table
from tests.unit.databases.penguins import numbered_penguins, weights_from

pytestmark = pytest.mark.databases


def test_a_network_has_the_bits_of_the_table(tmp_path: Path) -> None:
    frame = numbered_penguins()
    frame.write_delta(tmp_path / "penguins")
    assert weights_from(f"delta:///{tmp_path}/penguins") == weights_from(frame)
    assert weights_from(f"delta:///{tmp_path}/penguins", memory="200MB") == weights_from(frame)


def test_what_is_no_delta_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(FileError, match="name the folder of a Delta table"):
        read_table(f"delta:///{tmp_path}/other")

"""The Python code of docs/tables.md runs, in order, and its table of roles is complete."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import pytest

from creche.errors import CrecheWarning
from creche.table.roles import ROLES

PAGE = (Path(__file__).parents[3] / "docs" / "tables.md").read_text(encoding="utf-8")


def test_the_code_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CrecheWarning)
        for block in blocks:
            exec(block, names)
    assert (tmp_path / "out_of_fold.csv").read_text().startswith("row,true_species,predicted_species,probability_")


def test_each_role_has_its_line() -> None:
    table = PAGE.split("## The roles of columns")[1].split("\n\n")[1]
    assert tuple(re.findall(r"(?m)^\| (\w+) \|", table)[1:]) == ROLES

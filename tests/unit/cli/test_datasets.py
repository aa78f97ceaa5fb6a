from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from creche.pages.datasets import datasets_markdown
from creche.table.dataset_cards import CARDS
from tests.unit.cli.commands import main


def test_the_tables_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets"]) == 0
    printed = capsys.readouterr().out
    assert all(f"{card.name} ({card.rows} rows" in printed for card in CARDS.values())


def test_a_card_has_source_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "penguins"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "Gorman" in printed
    assert "Licence: CC0 1.0" in printed


def test_an_unknown_table_is_an_error_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "house"]) == 2
    assert "did you mean 'houses'?" in capsys.readouterr().err


def test_the_page_of_the_documentation_is_that_of_the_cards() -> None:
    page = Path(__file__).parents[3] / "docs" / "datasets.md"
    assert page.read_text(encoding="utf-8") == datasets_markdown()


def test_each_command_names_its_table() -> None:
    for card in CARDS.values():
        words = shlex.split(card.command)
        assert words[0] == "creche"
        assert card.name in words or card.name == "penguins-four"

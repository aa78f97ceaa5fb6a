from __future__ import annotations

import polars as pl
import pytest
from tools.generate_tables import TABLES, table_text

import creche as cr
from creche.table.dataset_cards import CARDS
from creche.table.datasets import BUNDLED, bundled_path, resolve_bundled
from creche.table.reading.read import read_table


def test_penguins_four_are_the_measured_penguins_in_other_units() -> None:
    measured = cr.datasets.penguins().drop_nulls(
        ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    )
    expected = {
        "bill_length_mm": measured["bill_length_mm"].to_list(),
        "bill_depth_mm": measured["bill_depth_mm"].to_list(),
        "flipper_length_cm": [length / 10 for length in measured["flipper_length_mm"]],
        "body_mass_hg": [mass / 100 for mass in measured["body_mass_g"]],
        "species": measured["species"].to_list(),
    }
    assert cr.datasets.penguins_four().to_dict(as_series=False) == expected


def test_each_bundled_table_is_known_by_its_name() -> None:
    for name in BUNDLED:
        path = bundled_path(name)
        assert path is not None
        assert path == resolve_bundled(name)
        assert len(read_table(name)) == len(pl.read_csv(path))


def test_each_generated_table_is_what_its_rule_gives() -> None:
    assert [name for name in BUNDLED if not name.startswith("penguins")] == list(TABLES)
    for name in TABLES:
        path = bundled_path(name)
        assert path is not None
        assert path.read_text(encoding="utf-8") == table_text(name)


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_true(name: str) -> None:
    card = CARDS[name]
    frame = getattr(cr.datasets, name.replace("-", "_"))()
    assert len(frame) == card.rows
    assert card in cr.datasets.cards()
    inspected = cr.inspect_columns(name, label=list(card.labels) if len(card.labels) > 1 else card.labels[0])
    assert inspected.label is not None
    assert inspected.label.task == card.task


def test_the_column_that_gives_the_subscribers_away_is_found_and_the_label_can_be_learnt_without_it() -> None:
    inspected = cr.inspect_columns("subscribers", label="cancelled")
    assert any("'exit_survey' alone gives the label" in str(finding) for finding in inspected.findings)
    run = cr.train("subscribers", label="cancelled", schema={"exit_survey": "ignore"}, learning_rate=0.01, threads=1)
    assert run.evaluation is not None
    assert run.evaluation.accuracy > run.evaluation.baseline["accuracy"] + 0.1


def test_spirals_need_hidden_layers() -> None:
    wide = cr.train("spirals", label="arm", hidden=[32, 32], epochs=200, learning_rate=0.01, threads=1)
    none = cr.train("spirals", label="arm", hidden=[], epochs=200, learning_rate=0.01, threads=1)
    assert wide.evaluation is not None
    assert none.evaluation is not None
    assert wide.evaluation.accuracy > 0.95
    assert none.evaluation.accuracy < 0.75

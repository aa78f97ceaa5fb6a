from __future__ import annotations

import polars as pl

import creche as cr
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

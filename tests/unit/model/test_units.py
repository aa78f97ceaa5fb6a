"""Conversions between units, against values of physics."""

from __future__ import annotations

import numpy as np
import pytest

from creche.model.units import list_conversions


@pytest.mark.parametrize(
    ("column", "unit", "value", "converted"),
    [
        ("flipper_length_mm", "centimetres", 19.2, 192),
        ("flipper_length_mm", "inches", 7.5, 190.5),
        ("body_mass_g", "hectograms", 30.0, 3000),
        ("body_mass_g", "kilograms", 3.75, 3750),
        ("Weight (kg)", "pounds", 220.46226, 100),
        ("Temp [°C]", "°F", 68.0, 20),
        ("temp_c", "°F", 212.0, 100),
        ("temperature_fahrenheit", "°C", 100.0, 212),
        ("temp_k", "°C", 26.85, 300),
        ("durationSec", "minutes", 2.5, 150),
        ("delay_ms", "seconds", 1.2, 1200),
        ("trip.hours", "minutes", 90.0, 1.5),
        ("distance km", "miles", 26.2, 42.1648),
        ("wind_m/s", "km/h", 36.0, 10),
        ("pressure_hPa", "kilopascals", 101.3, 1013),
        ("area_m2", "square feet", 1076.391, 100),
        ("humidity_pct", "shares", 0.55, 55),
    ],
)  # fmt: skip
def test_names_of_columns_give_units(column: str, unit: str, value: float, converted: float) -> None:
    (found,) = (c for c in list_conversions(column, 0.5, 1.5) if c.name == unit)
    assert float(found.apply(np.array([value]))[0]) == pytest.approx(converted, rel=1e-5)
    assert found.rank <= 1


@pytest.mark.parametrize("column", ["bill_length", "x0", "price", "temp_min", "amount_paid", "count", "Ä"])
def test_without_a_unit_powers_of_ten_come_first(column: str) -> None:
    found = list_conversions(column, 10.0, 20.0)
    assert {c.factor for c in found if c.rank == 1} >= {10.0, 100.0, 1000.0, 0.1, 0.01, 0.001}
    assert any(c.name == "°F, not °C" for c in found if c.rank == 2)


@pytest.mark.parametrize(
    ("low", "high", "value", "unit", "converted"),
    [
        (1.58e9, 1.61e9, 1.6e12, "milliseconds since 1970", 1.6e9),
        (1.58e9, 1.61e9, 18_500.0, "days since 1970", 18_500 * 86_400),
        (1.58e9, 1.61e9, 44_069.0, "Excel's days", 1_598_400_000),  # 26 August 2020
        (1.58e12, 1.61e12, 1.6e9, "seconds since 1970", 1.6e12),
        (0.0, 1.0, 45.0, "percent", 0.45),
    ],
)
def test_times_since_1970_and_shares(low: float, high: float, value: float, unit: str, converted: float) -> None:
    found = next(c for c in list_conversions("t0", low, high) if c.name == unit)
    assert float(found.apply(np.array([value]))[0]) == pytest.approx(converted)
    assert found.rank == 0


def test_formulas_are_short() -> None:
    found = {c.name: c.formula for c in list_conversions("length_cm", 1.0, 2.0)}
    assert (found["metres"], found["millimetres"], found["inches"]) == ("× 100", "÷ 10", "× 2.54")
    assert {c.name: c.formula for c in list_conversions("t_c", 1.0, 2.0)}["°F"] == ""

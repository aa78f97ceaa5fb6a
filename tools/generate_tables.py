"""Make the bundled tables that are generated, in src/creche/data: python tools/generate_tables.py [--check].

Each is drawn from a rule, with noise, by the raw bits of a Philox generator, whose stream never changes. Its values are
rounded, so that they are the same on every machine. ``--check`` says whether the files are those that this makes.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "src" / "creche" / "data"

Row: TypeAlias = Sequence[object]


class Chance:
    """Random numbers that no version of NumPy changes."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.Philox(key=seed)

    def uniform(self, n: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        unit = (self._bits.random_raw(n) >> np.uint64(11)) * 2.0**-53
        return low + (high - low) * unit

    def noise(self, n: int, deviation: float = 1.0) -> np.ndarray:
        """Nearly normal: the sum of twelve uniform numbers, minus 6."""
        return deviation * (self.uniform(12 * n).reshape(12, n).sum(axis=0) - 6.0)

    def choice(self, n: int, words: Sequence[str], shares: Sequence[float]) -> list[str]:
        ends = np.cumsum(shares)
        assert abs(ends[-1] - 1) < 1e-9
        return [words[min(int(np.searchsorted(ends, u, side="right")), len(words) - 1)] for u in self.uniform(n)]


def make_spirals() -> list[Row]:
    chance = Chance(1)
    n = 200
    rows: list[Row] = []
    for arm, turn in (("first", 0.0), ("second", np.pi)):
        t = np.sqrt(chance.uniform(n)) * 3 * np.pi
        x = t / np.pi * np.cos(t + turn) + chance.noise(n, 0.08)
        y = t / np.pi * np.sin(t + turn) + chance.noise(n, 0.08)
        rows += [(f"{a:.2f}", f"{b:.2f}", arm) for a, b in zip(x, y, strict=True)]
    return [("x", "y", "arm"), *rows]


def make_waves() -> list[Row]:
    chance = Chance(2)
    n = 300
    x = np.sort(chance.uniform(n, 0.0, 10.0))
    y = 3 * np.sin(x) + 0.5 * x + chance.noise(n) * (0.1 + 0.15 * x)
    return [("x", "y"), *((f"{a:.2f}", f"{b:.2f}") for a, b in zip(x, y, strict=True))]


def make_houses() -> list[Row]:
    chance = Chance(3)
    n = 400
    districts = {"center": 1.45, "river": 1.25, "north": 1.0, "harbor": 0.85}
    district = chance.choice(n, list(districts), (0.2, 0.2, 0.4, 0.2))
    area = np.round(np.clip(95 + chance.noise(n, 35), 28, 240))
    rooms = np.clip(np.round(area / 28 + chance.noise(n, 0.7)), 1, 9)
    built = np.round(chance.uniform(n, 1890, 2024))
    garden = chance.uniform(n) < 0.35
    distance = np.round(chance.uniform(n, 0.2, 18.0), 1)
    missing = chance.uniform(n) < 0.06
    factor = np.array([districts[name] for name in district])
    square_meter = 2600 * factor * (1 + 0.0022 * (built - 1960) - 0.018 * distance)
    price = area * square_meter + 9000 * rooms + 28000 * garden
    price = np.round(price * (1 + chance.noise(n, 0.06)), -3)
    head = ("area_m2", "rooms", "built", "district", "garden", "distance_km", "price")
    rows = zip(area, rooms, built, district, garden, distance, price, missing, strict=True)
    return [
        head,
        *(
            (f"{a:.0f}", f"{r:.0f}", "" if m else f"{b:.0f}", d, "yes" if g else "no", f"{k:.1f}", f"{p:.0f}")
            for a, r, b, d, g, k, p, m in rows
        ),
    ]


def make_subscribers() -> list[Row]:
    chance = Chance(4)
    n = 500
    months = np.floor(chance.uniform(n, 1, 60))
    plan = chance.choice(n, ("basic", "plus", "pro"), (0.5, 0.3, 0.2))
    fee = np.array([{"basic": 9.0, "plus": 19.0, "pro": 39.0}[name] for name in plan])
    calls = np.floor(np.clip(chance.noise(n, 1.6) + 1.4, 0, None))
    idle = np.floor(np.clip(chance.uniform(n, 0, 40) - 0.2 * months, 0, None))
    minutes = np.round(chance.uniform(n, 5, 600))
    score = 0.9 * calls + 0.11 * idle - 0.03 * months + 0.02 * fee - 0.002 * minutes - 2.9 + chance.noise(n, 0.7)
    cancelled = score > 0
    answered = np.where(cancelled, "answered", "not sent")
    head = ("months", "plan", "fee", "minutes_a_week", "support_calls", "idle_days", "exit_survey", "cancelled")
    rows = zip(months, plan, fee, minutes, calls, idle, answered, cancelled, strict=True)
    return [
        head,
        *((f"{m:.0f}", p, f"{f:.0f}", f"{w:.0f}", f"{c:.0f}", f"{i:.0f}", a, "yes" if g else "no")
          for m, p, f, w, c, i, a, g in rows),
    ]  # fmt: skip


def make_rides() -> list[Row]:
    chance = Chance(5)
    n = 730
    first = date(2023, 1, 1)
    days = [first + timedelta(days=k) for k in range(n)]
    season = np.array([np.cos(2 * np.pi * (day.timetuple().tm_yday - 200) / 365.25) for day in days])
    temperature = np.round(11 + 10 * season + chance.noise(n, 3.5), 1)
    rain = np.round(np.clip(chance.noise(n, 4) - 1, 0, None), 1)
    weekend = np.array([day.weekday() >= 5 for day in days])
    rate = np.exp(3.4 + 0.045 * temperature - 0.12 * rain - 0.35 * weekend + 0.0004 * np.arange(n))
    rides = np.clip(np.round(rate + chance.noise(n) * np.sqrt(rate)), 0, None)
    return [
        ("date", "temperature_c", "rain_mm", "rides"),
        *(
            (day.isoformat(), f"{t:.1f}", f"{r:.1f}", f"{k:.0f}")
            for day, t, r, k in zip(days, temperature, rain, rides, strict=True)
        ),
    ]


def make_grades() -> list[Row]:
    chance = Chance(6)
    n = 360
    hours = np.round(chance.uniform(n, 0, 20), 1)
    attendance = np.round(np.clip(75 + chance.noise(n, 15), 20, 100))
    sleep = np.round(np.clip(7 + chance.noise(n, 1), 4, 10), 1)
    previous = np.round(np.clip(60 + chance.noise(n, 14), 10, 100))
    score = 0.45 * previous + 1.6 * hours + 0.25 * attendance - 2.0 * (sleep - 7.5) ** 2 + chance.noise(n, 4)
    words = np.array(["poor", "fair", "good", "excellent"])
    grade = words[np.searchsorted([46.0, 60.0, 74.0], score)]
    head = ("hours_of_study", "attendance", "hours_of_sleep", "previous_score", "grade")
    rows = zip(hours, attendance, sleep, previous, grade, strict=True)
    return [head, *((f"{h:.1f}", f"{a:.0f}", f"{s:.1f}", f"{p:.0f}", str(g)) for h, a, s, p, g in rows)]


def make_films() -> list[Row]:
    chance = Chance(7)
    n = 400
    minutes = np.round(np.clip(108 + chance.noise(n, 18), 70, 190))
    cuts = np.round(np.clip(11 + chance.noise(n, 5), 2, 30), 1)
    jokes = np.round(np.clip(chance.noise(n, 12) + 14, 0, None))
    loudness = np.round(np.clip(62 + chance.noise(n, 8), 40, 90), 1)
    action = 0.35 * (cuts - 11) + 0.18 * (loudness - 62) + chance.noise(n, 0.8) > 0.6
    comedy = 0.16 * (jokes - 16) - 0.02 * (minutes - 108) + chance.noise(n, 0.6) > 0
    drama = 0.05 * (minutes - 104) - 0.22 * (cuts - 11) + chance.noise(n, 0.8) > 0
    head = ("minutes", "cuts_per_minute", "jokes", "loudness_db", "action", "comedy", "drama")
    rows = zip(minutes, cuts, jokes, loudness, action, comedy, drama, strict=True)
    return [
        head,
        *((f"{m:.0f}", f"{c:.1f}", f"{j:.0f}", f"{v:.1f}", *("yes" if t else "no" for t in tags))
          for m, c, j, v, *tags in rows),
    ]  # fmt: skip


def make_machines() -> list[Row]:
    chance = Chance(8)
    machines, readings = 40, 10
    worn = chance.uniform(machines) < 0.35
    base = 58 + chance.noise(machines, 6)
    rows: list[Row] = []
    for machine in range(machines):
        load = np.round(chance.uniform(readings, 20, 100))
        heat = base[machine] + 0.18 * load + 5 * worn[machine] + chance.noise(readings, 1.5)
        shake = 1.2 + 0.012 * load + 0.6 * worn[machine] + chance.noise(readings, 0.28)
        rows += [
            (f"M{machine + 1:02d}", f"{a:.0f}", f"{b:.1f}", f"{max(c, 0):.2f}", "yes" if worn[machine] else "no")
            for a, b, c in zip(load, heat, shake, strict=True)
        ]
    return [("machine", "load", "temperature_c", "vibration_mm_s", "worn"), *rows]


TABLES: dict[str, Callable[[], list[Row]]] = {
    "spirals": make_spirals,
    "waves": make_waves,
    "houses": make_houses,
    "subscribers": make_subscribers,
    "rides": make_rides,
    "grades": make_grades,
    "films": make_films,
    "machines": make_machines,
}


def table_text(name: str) -> str:
    """Return the CSV file of a table."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(TABLES[name]())
    return text.getvalue()


def main(arguments: list[str]) -> int:
    stale = []
    for name in TABLES:
        path, text = FOLDER / f"{name}.csv", table_text(name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text, encoding="utf-8")
    print(f"{'differ' if '--check' in arguments else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a fresh environment runs to tell how long calls of the engine take: python cost_inside.py, far from the sources.

It prints the seconds of each, as JSON: the shortest of several measurements, which other work disturbs least.
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable
from typing import Any

import creche as cr

REPEATS = 7


def train(**keywords: Any) -> cr.Run:
    shared: dict[str, Any] = {"label": "species", "hidden": [5, 5], "batch_size": 20, "seed": 0, "threads": 1}
    return cr.train(cr.datasets.penguins(), **shared, optimizer=cr.Adam(0.01), on_progress=False, **keywords)


def measure(call: Callable[[], object], loops: int) -> float:
    call()
    return min(timeit.repeat(call, number=loops, repeat=REPEATS)) / loops


def main() -> None:
    run = train(epochs=100)
    model = run.model
    table = cr.datasets.penguins().head(1)
    row = {name: table[name][0] for name in table.columns if name != "species"}
    inputs = model.encode_rows(table)
    steps = train(epochs=100_000, steps=1)
    found = {
        "predict one row, encoded": measure(lambda: model.predict_encoded(inputs), 2000),
        "predict one row, given as a dict": measure(lambda: model.predict_proba(row), 200),
        "one training step of 20 rows": measure(lambda: steps.resume(steps=1), 200),
        "train a network for 100 epochs": measure(lambda: train(epochs=100), 1),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

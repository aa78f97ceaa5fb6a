"""Keep model files of this version of Creche with their predictions, in tests/data/kept/.

Run it before a release: python tools/keep_model.py. `tests/unit/model/test_old_versions.py` checks that every later
version reads them and predicts the same; a kept file is never written again.
"""

from __future__ import annotations

import csv
import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.unit.model.kept import FOLDER, predictions  # noqa: E402

import creche as cr  # noqa: E402

PENGUINS = Path(cr.__file__).parent / "data" / "penguins.csv"
ROWS = 12  # for which predictions are kept

Cells = list[list[str]]


@dataclass(frozen=True)
class Kept:
    """A model to keep: its table, label and arguments. The first row of `cells` has the names of the columns."""

    name: str
    cells: Cells
    label: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)


def penguins() -> Cells:
    with PENGUINS.open(newline="") as file:
        return list(csv.reader(file))


def visits(rows: int = 300) -> Cells:
    """Create a table with a column for each encoder and each of its branches, and some empty cells."""
    rng = np.random.default_rng(2)
    towns = [f"town {i}" for i in range(20)]
    cells = [["age", "dose", "member", "town", "street", "seen", "ill"]]
    for _ in range(rows):
        age, dose = rng.integers(18, 90), rng.lognormal()
        town = towns[min(int(rng.exponential(4)), len(towns) - 1)]
        seen = datetime(2021, 3, 1) + timedelta(hours=int(rng.integers(0, 3 * 365 * 24)))
        ill = "yes" if age / 90 + dose / 4 + rng.normal() / 4 > 1 else "no"
        row = [f"{age}", f"{dose:.4f}", rng.choice(["true", "false"]), town, f"street {rng.integers(0, 40)}"]
        row += [seen.isoformat(sep=" "), ill]
        cells.append(["" if i < 6 and rng.random() < 0.05 else str(cell) for i, cell in enumerate(row)])
    return cells


def plane(rows: int = 200) -> Cells:
    """Create a table of numbers with two labels."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((rows, 3))
    y = np.column_stack([700 * x[:, 0] - 300 * x[:, 2] + 4000, x[:, 1] ** 2])
    return [["a", "b", "c", "first", "second"], *([f"{v:.6f}" for v in row] for row in np.hstack([x, y]))]


def kept_models() -> Iterator[Kept]:
    yield Kept("classes", penguins(), ("species",), {"hidden": [5, 5], "epochs": 30, "learning_rate": 0.01})
    yield Kept(
        "number", penguins(), ("body_mass_g",),
        {"hidden": [8], "activation": "gelu", "dropout": 0.1, "loss": "huber", "preprocessing": "robust", "epochs": 20,
         "precision": "float64", "optimizer": "sgd", "learning_rate": 0.01, "missing_label": "drop"},
    )  # fmt: skip
    yield Kept(
        "two_classes", visits(), ("ill",),
        {"hidden": [6], "activation": "tanh", "loss": "binary_cross_entropy", "schedule": "cosine", "epochs": 15,
         "preprocessing": {"scaling": "quantile", "max_categories": 4, "buckets": 3},
         "schema": {"street": "categorical", "seen": "datetime"}, "early_stopping": 5, "class_weight": "balanced"},
    )  # fmt: skip
    yield Kept("two_numbers", plane(), ("first", "second"), {"hidden": [7], "epochs": 10, "preprocessing": "none"})
    cells = plane(230)
    later = {name: [float(row[i]) for row in cells[201:]] for i, name in enumerate(cells[0])}
    yield Kept(
        "beside", cells[:201], ("first",),
        {"hidden": [4], "epochs": 8, "validation_data": later, "sample_weight": np.linspace(1, 2, 200)},
    )  # fmt: skip
    yield Kept("array", plane(), ("first", "second"), {"hidden": [4], "epochs": 10})


def write_csv(path: Path, cells: Cells) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(cells)


def train(kept: Kept, table: Path) -> cr.Run:
    if kept.name != "array":
        label = kept.label[0] if len(kept.label) == 1 else list(kept.label)
        return cr.train(table, label=label, threads=1, **kept.arguments)
    numbers = np.array(kept.cells[1:], dtype=np.float64)
    features = len(kept.cells[0]) - len(kept.label)
    return cr.train(numbers[:, :features], numbers[:, features:], threads=1, **kept.arguments)


def keep(kept: Kept, folder: Path) -> None:
    """Train and write the model, some rows without the label, and the predictions for them."""
    columns = [i for i, name in enumerate(kept.cells[0]) if name not in kept.label]
    with TemporaryDirectory() as place:
        table = Path(place) / "table.csv"
        write_csv(table, kept.cells)
        model = train(kept, table).model
    every = (len(kept.cells) - 1) // ROWS
    rows = [kept.cells[0], *kept.cells[1::every][:ROWS]]
    path = folder / f"{kept.name}.creche"
    write_csv(path.with_suffix(".csv"), [[row[i] for i in columns] for row in rows])
    model.save(path)
    content = {
        "made_by": f"tools/keep_model.py of Creche {cr.__version__}",
        "predictions": predictions(model, path.with_suffix(".csv")),
    }
    path.with_suffix(".json").write_text(json.dumps(content) + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def main() -> int:
    folder = FOLDER / cr.__version__
    folder.mkdir(parents=True, exist_ok=True)
    for kept in kept_models():
        if (folder / f"{kept.name}.creche").exists():
            print(f"{kept.name}: has been kept before")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cr.CrecheWarning)
            keep(kept, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Keeps model files of the present version: `.venv/bin/python tools/keep_model.py`.

Rookery reads the files of every version there was. For each version of the format, tests/data/kept/ holds models of
several kinds and what they predicted; tests/unit/files/test_old_versions.py loads them for ever. What is there is never
written again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import rookery as rk
from rookery.files.archive import VERSION

KEPT = Path(__file__).parents[1] / "tests" / "data" / "kept"


def models() -> dict[str, rk.Model]:
    """One of each kind of label, encoding and network."""
    penguins = rk.datasets.penguins()
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3))
    common = {"epochs": 3, "threads": 1}
    return {
        "classes": rk.train(penguins, label="species", hidden=[5, 5], **common).model,
        "two-classes": rk.train(
            penguins, label="sex", missing_label="drop", loss="binary_cross_entropy", activation="mish",
            encoding={"scaling": "quantile"}, **common,
        ).model,
        "numbers": rk.train(
            penguins, label=["body_mass_g", "bill_length_mm"], missing_label="drop", loss="huber", hidden=[],
            encoding={"scaling": "robust"}, schema={"flipper_length_mm": "category"}, **common,
        ).model,
        "arrays": rk.train(x, x[:, 0] > 0, precision="float64", early_stopping=2, dropout=0.1, **common).model,
        "counts": rk.train(x, np.floor(np.exp(x[:, 0])), loss="poisson", standardize=False, **common).model,
    }  # fmt: skip


def main() -> None:
    folder = KEPT / f"version-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in models().items():
        path = folder / f"{name}.rookery"
        if path.exists():
            print(f"{path}: is kept already")
            continue
        model.save(path)
        np.save(folder / f"{name}.npy", predicted(model))
        print(f"{path}: {path.stat().st_size:,} bytes")


def predicted(model: rk.Model) -> np.ndarray:
    """What a kept model says about the bundled penguins, or about these numbers."""
    data = rk.datasets.penguins() if model.features.kinds else np.linspace(-2, 2, 60).reshape(20, 3)
    return model.predict(data) if model.classes is None else model.predict_proba(data)


if __name__ == "__main__":
    main()

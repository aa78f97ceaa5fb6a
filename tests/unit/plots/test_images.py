"""Plots look like the images kept of them, as an eye sees them from afar: shades and places, not dots."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creche import plots
from tests.unit.plots import made
from tests.unit.plots.pictures import BASELINE, PICTURES, STYLES, drawn, seen

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("PIL", reason="matplotlib reads images with it")

DRAWN_BY = (BASELINE / "MATPLOTLIB").read_text().strip()
MEAN, PATCH, PATCHES = 0.004, 0.12, 0.002  # of grey values from 0 to 1; how far a patch may be off; the share that may
LARGEST = 30 * 1024

pytestmark = pytest.mark.skipif(
    matplotlib.__version__ != DRAWN_BY,
    reason=f"the images were drawn by matplotlib {DRAWN_BY}, and this is {matplotlib.__version__}",
)


def kept(name: str, style: str) -> np.ndarray[Any, Any]:
    return seen((BASELINE / f"{name}_{style}.png").read_bytes())


def alike(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    if one.shape != other.shape:
        return False
    off = np.abs(one - other).max(axis=2)
    return bool(off.mean() <= MEAN and (off > PATCH).mean() <= PATCHES)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_looks_as_it_did(name: str, style: str) -> None:
    assert alike(seen(drawn(name, style)), kept(name, style)), (
        "if it is meant to look different, draw it again with tools/baseline_images.py, and look at it"
    )


def test_each_image_is_of_a_picture_and_small() -> None:
    files = {path.name: path.stat().st_size for path in BASELINE.glob("*.png")}
    assert set(files) == {f"{name}_{style}.png" for name in PICTURES for style in STYLES}
    assert max(files.values()) <= LARGEST


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("loss_curves", lambda: plots.loss_curves(made.history(validation=False))),
        ("confusion_matrix", lambda: plots.confusion_matrix(made.of_classes(rows=60))),
        ("roc_curves", lambda: plots.roc_curves(made.of_classes(rows=84))),
        ("network", lambda: plots.network(made.model((5, 5)))),
        ("network", lambda: plots.network(made.model(names=("a", "b", "c", "d", "e", "f")))),
    ],
)
def test_what_looks_different_is_told(name: str, other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PICTURES, name, other)
    assert not alike(seen(drawn(name, "light")), kept(name, "light"))

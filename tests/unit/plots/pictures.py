"""The plots that are compared with images kept with the tests."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from creche import plots
from tests.unit.plots import made

BASELINE = Path(__file__).parent / "baseline"
DOTS_PER_INCH = 60

PICTURES: dict[str, Callable[[], Any]] = {
    "network": lambda: plots.network(made.model()),
    "network_wide": lambda: plots.network(made.model((40,), 30)),
    "loss_curves": lambda: plots.loss_curves(made.history()),
    "metric_curves": lambda: plots.metric_curves(made.history()),
    "confusion_matrix": lambda: plots.confusion_matrix(made.of_classes()),
    "reliability_diagram": lambda: plots.reliability_diagram(made.of_classes(rows=300)),
    "roc_curves": lambda: plots.roc_curves(made.of_classes()),
    "precision_recall": lambda: plots.precision_recall(made.of_classes()),
    "predicted_against_true": lambda: plots.predicted_against_true(made.of_numbers()),
    "residuals": lambda: plots.residuals(made.of_numbers()),
    "weight_histograms": lambda: plots.weight_histograms(made.model()),
    "weights_over_epochs": lambda: plots.weights_over_epochs([made.model(), made.model((5, 5))], 0),
}
STYLES = {"light": "default", "dark": "dark_background"}


def drawn(name: str, style: str) -> bytes:
    """The picture as a PNG, in the font that comes with matplotlib."""
    import matplotlib
    from matplotlib import pyplot as plt

    own = {"font.family": "DejaVu Sans", "savefig.dpi": DOTS_PER_INCH, "svg.hashsalt": "creche"}
    with matplotlib.rc_context(), plt.style.context([STYLES[style], own]):
        axes = PICTURES[name]()
        file = io.BytesIO()
        axes.figure.savefig(file, format="png", metadata={"Software": None})
        plt.close(axes.figure)
    return file.getvalue()


def seen(png: bytes) -> np.ndarray[Any, Any]:
    """The mean colours of 4 x 4 dots, as an eye sees from afar: (height / 4, width / 4, 3), from 0 to 1."""
    from matplotlib import image

    dots = image.imread(io.BytesIO(png), format="png")[..., :3].astype(np.float64)
    height, width = (side // 4 for side in dots.shape[:2])
    return dots[: 4 * height, : 4 * width].reshape(height, 4, width, 4, 3).mean(axis=(1, 3))

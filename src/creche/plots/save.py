"""Pictures as files: all there are of a model and rows, in light or dark."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from creche._system.atomic_files import open_replacement
from creche.errors import FileError, PlanError, nearest
from creche.plots.style import off_screen, pyplot

__all__ = ["BACKGROUNDS", "FONT", "FORMATS", "ensure_folder", "list_pictures", "render_picture", "save_all"]

FORMATS = ("png", "svg", "pdf")


BACKGROUNDS = {"light": "#ffffff", "dark": "#16181d"}


DOTS_PER_INCH = 150


LABELS_DRAWN = 8


FONT = "DejaVu Sans"  # comes with matplotlib


# No date and no version: the same picture is the same file.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None}, "svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None, "Producer": None},
}  # fmt: skip


def save_all(
    model: Any,
    data: Any,
    folder: str | Path,
    y: Any = None,
    *,
    dark: bool = False,
    format: str = "png",
    missing_label: str = "error",
) -> list[Path]:
    """Draws all pictures of a model and of rows whose label is known, each into a file of its own.

    The network, its weights, the losses by epoch; of classes, the confusion matrix, reliability, ROC, precision and
    recall; of numbers, predicted against true, and residuals. An ensemble has no network of its own.

    Parameters
    ----------
    model : Model or Ensemble
    data, y
        As for `Model.evaluate`.
    folder : path
        Is made, if it is not there; files of the same names are replaced.
    dark : bool, default False
        Whether they are for a dark background.
    format : {"png", "svg", "pdf"}, default "png"
    missing_label : {"error", "drop"}, default "error"
        What becomes of rows whose label is missing.

    Returns
    -------
    list of Path
        The files, in the order in which to look at them.

    Raises
    ------
    TableError
        If the rows cannot be judged.
    FileError
        If the folder or a file cannot be written. Nothing is written before all is drawn.
    PlanError
        If there is no such format.
    CrecheError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tempfile, creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[4], epochs=5, threads=1).model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in save_all(model, "penguins", folder, format="svg")][:3]
    ['network.svg', 'weight_histograms.svg', 'loss_curves.svg']

    """
    from creche.plots.evaluated import evaluate_rows

    pyplot()
    if format not in FORMATS:
        raise PlanError(f"format: got {format!r}; {nearest(format, FORMATS)}")
    into = ensure_folder(folder)
    drawings = list_pictures(model, evaluate_rows(model, data, y, missing_label=missing_label))
    files = {name: render_picture(draw, format, dark) for name, draw in drawings.items()}
    try:
        into.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{into}: cannot be made: {error.strerror}; choose another folder") from error
    written = []
    for name, content in files.items():
        written.append(into / f"{name}.{format}")
        with open_replacement(written[-1]) as file:
            file.write(content)
    return written


def list_pictures(model: Any, judged: Any) -> dict[str, Callable[[], Any]]:
    """All pictures of a model and what it was judged by: name of each, and a function that draws it.

    Parameters
    ----------
    model : Model or Ensemble
    judged : Judged

    """
    from creche import plots
    from creche.model.model import Model

    found: dict[str, Callable[[], Any]] = {}
    if isinstance(model, Model):
        found["network"] = partial(plots.network, model)
        found["weight_histograms"] = partial(plots.weight_histograms, model)
    if model.provenance is not None and len(model.provenance.history):
        found["loss_curves"] = partial(plots.loss_curves, model)
        found["metric_curves"] = partial(plots.metric_curves, model)
    if model.classes is not None:
        for name in ("confusion_matrix", "reliability_diagram", "roc_curves", "precision_recall"):
            found[name] = partial(getattr(plots, name), judged)
        return found
    labels = judged.evaluation.labels[:LABELS_DRAWN]
    for number, label in enumerate(labels, 1):
        for name in ("predicted_against_true", "residuals"):
            which = f"{name}_{number}" if len(labels) > 1 else name
            found[which] = partial(getattr(plots, name), judged, label=label)
    return found


def render_picture(draw: Callable[[], Any], format: str = "png", dark: bool = False, *, as_text: bool = False) -> bytes:
    """What a function draws, as the content of a file: for a light or a dark background, whatever the user's style.

    Parameters
    ----------
    draw : callable
        Draws with `axes_for`, and returns the Axes.
    format : {"png", "svg", "pdf"}
    dark : bool
    as_text : bool
        Whether letters stay letters in SVG, in a font of the reader's, rather than becoming shapes.

    """
    plt = pyplot()
    ground = BACKGROUNDS["dark" if dark else "light"]
    own = {
        "font.family": FONT, "svg.fonttype": "none" if as_text else "path",
        "axes.facecolor": ground, "figure.facecolor": ground, "savefig.facecolor": ground, "pdf.fonttype": 42,
        "savefig.dpi": DOTS_PER_INCH, "svg.hashsalt": "creche",
    }  # fmt: skip
    file = io.BytesIO()
    with plt.style.context(["dark_background" if dark else "default", own]), off_screen():
        draw().figure.savefig(file, format=format, metadata=METADATA[format])
    return file.getvalue()


def ensure_folder(folder: str | Path) -> Path:
    """A folder that is there or can be made: if not, that is said before any work is done.

    Raises
    ------
    FileError

    """
    path = Path(folder)
    nearest_there = path.absolute()
    while not nearest_there.exists() and nearest_there != nearest_there.parent:
        nearest_there = nearest_there.parent
    if not nearest_there.is_dir():
        raise FileError(f"{nearest_there}: is a file, not a folder; choose another place for the pictures")
    if not os.access(nearest_there, os.W_OK):
        raise FileError(f"{nearest_there}: may not be written; permit it (chmod u+w), or choose another folder")
    return path

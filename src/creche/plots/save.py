"""Plots as files: one plot, or all plots of a model and its rows, for light or dark backgrounds."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from creche._system.atomic_files import check_folder, open_replacement
from creche._system.output_files import Folder, check_outputs
from creche.errors import FileError, PlanError, nearest
from creche.plan.words import MissingLabel, check_word
from creche.plots.evaluated import EvaluatedRows, evaluate_rows
from creche.plots.style import PAGE_GROUND, PAGE_INK, off_screen, pyplot
from creche.table.datasets import resolve_bundled

__all__ = [
    "BACKGROUNDS",
    "FONT",
    "FORMATS",
    "PICTURES",
    "picture_style",
    "render_picture",
    "resolve_picture",
    "save_all",
    "save_picture",
]

PictureFormat: TypeAlias = Literal["png", "svg", "pdf"]
FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
PICTURES = tuple(f"*.{format}" for format in FORMATS)  # the names of files that `save_all` writes
BACKGROUNDS = {"light": "#ffffff", "dark": "#16181d"}
# What takes the colour of a page's text.
INK = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "patch.edgecolor")
DOTS_PER_INCH = 150
LABELS_DRAWN = 8
FONT = "DejaVu Sans"  # comes with matplotlib

# Without date and version, the same plot is the same file.
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
    format: PictureFormat = "png",
    missing_label: MissingLabel = "error",
) -> list[Path]:
    """Draw all plots of a model and of labelled rows, and write each to a file of its own.

    Every model: the network, the histograms of its weights, loss and metric by epoch; an ensemble has no diagram of a
    network. Classification: the confusion matrix, the reliability diagram, ROC curves, precision and recall.
    Regression: predicted against true values, and residuals.

    Parameters
    ----------
    model : Model or Ensemble
    data, y
        Rows with their labels, as for `Model.evaluate`.
    folder : str or Path
        The folder of the files; it is created if it does not exist. Files of the same names are replaced.
    dark : bool, default False
        Whether to draw for a dark background.
    format : {"png", "svg", "pdf"}, default "png"
        The format of the files.
    missing_label : {"error", "drop"}, default "error"
        Whether a row without a label is an error or dropped.

    Returns
    -------
    list of Path
        The files, in the order in which to look at them.

    Raises
    ------
    TableError
        If the rows cannot be evaluated.
    FileError
        If the folder or a file cannot be written. Nothing is written before everything is drawn.
    PlanError
        If there is no such format, or the table would be overwritten.
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
    pyplot()
    format = check_word("format", format, FORMATS)
    target = Path(folder)
    check_folder(target)
    check_outputs({"folder": Folder(target, PICTURES)}, {"table": resolve_bundled(data)})
    drawings = _list_pictures(model, evaluate_rows(model, data, y, missing_label=missing_label))
    files = {name: render_picture(draw, format, dark) for name, draw in drawings.items()}
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{target}: cannot be made: {error.strerror}; choose another folder") from error
    paths = []
    for name, content in files.items():
        paths.append(target / f"{name}.{format}")
        with open_replacement(paths[-1]) as file:
            file.write(content)
    return paths


def _list_pictures(model: Any, evaluated: EvaluatedRows) -> dict[str, Callable[[], Any]]:
    """Return the name of each plot of a model and its evaluation, with a function that draws it."""
    from creche import plots
    from creche.model.model import Model

    found: dict[str, Callable[[], Any]] = {}
    if isinstance(model, Model):
        found["network"] = partial(plots.network, model)
        found["weight_histograms"] = partial(plots.weight_histograms, model)
    if model.provenance is not None and len(model.provenance.history):
        found["loss_curves"] = partial(plots.loss_curves, model)
        if np.isfinite(model.provenance.history.train_metric).any():  # a model of `creche.fit` has its losses only
            found["metric_curves"] = partial(plots.metric_curves, model)
    if model.classes is not None:
        for name in ("confusion_matrix", "reliability_diagram", "roc_curves", "precision_recall"):
            found[name] = partial(getattr(plots, name), evaluated)
        return found
    if model.labels.is_multilabel:
        for number, label in enumerate(model.labels.names[:LABELS_DRAWN], 1):
            own = evaluated.of_label(label)
            for name in ("confusion_matrix", "reliability_diagram", "roc_curves", "precision_recall"):
                found[f"{name}_{number}"] = partial(getattr(plots, name), own)
        return found
    labels = evaluated.evaluation.label_names[:LABELS_DRAWN]
    names = ("predicted_intervals",) if len(model.quantiles) > 1 else ("predicted_against_true", "residuals")
    for number, label in enumerate(labels, 1):
        for name in names:
            stem = f"{name}_{number}" if len(labels) > 1 else name
            found[stem] = partial(getattr(plots, name), evaluated, label=label)
    return found


def render_picture(
    draw: Callable[[], Any], format: str = "png", dark: bool = False, *, for_page: bool = False
) -> bytes:
    """Draw for a light or a dark background, independent of the user's style, and return the content of a file.

    Parameters
    ----------
    draw : callable
        Draws, and returns the Axes.
    format : {"png", "svg", "pdf"}, default "png"
    dark : bool, default False
    for_page : bool, default False
        Whether an SVG becomes part of a page: its letters stay text, in a font of the reader's, and text and background
        have the colours `PAGE_INK` and `PAGE_GROUND`.

    """
    with picture_style(dark, for_page=for_page):
        if format != "svg":
            return _render(draw, format)
        from creche.plots.svg_file import lay_out_once, write_svg

        figure = _draw_off_screen(draw)
        if for_page:
            lay_out_once(figure)
        return write_svg(figure, DOTS_PER_INCH, METADATA["svg"])


def picture_style(dark: bool = False, *, for_page: bool = False) -> AbstractContextManager[None]:
    """Return the style in which `render_picture` draws, as a context manager."""
    background = PAGE_GROUND if for_page else BACKGROUNDS["dark" if dark else "light"]
    around = "none" if for_page else background
    style = {
        "font.family": FONT, "svg.fonttype": "none" if for_page else "path", "axes.facecolor": background,
        "figure.facecolor": around, "savefig.facecolor": around, "pdf.fonttype": 42,
        # No plot has ticks above it, for which each drawing would look.
        "axes.titley": 1.0, "svg.hashsalt": "creche", **(dict.fromkeys(INK, PAGE_INK) if for_page else {}),
    }  # fmt: skip
    context: AbstractContextManager[None] = pyplot().style.context(["dark_background" if dark else "default", style])
    return context


def save_picture(draw: Callable[[], Any], path: str | Path) -> None:
    """Draw in the user's style, without opening a window, and write the picture to a file.

    Parameters
    ----------
    draw : callable
        Draws, and returns the Axes.
    path : str or Path
        The file; its suffix determines the format, one of those that matplotlib writes. Without one, it is ``.png``.

    Raises
    ------
    PlanError
        If matplotlib does not write files of that format.
    FileError
        If the file cannot be written; an older file of that name is unchanged then.

    """
    file_name = resolve_picture(path)
    content = _render(draw, _format_of(file_name))
    with open_replacement(file_name) as file:
        file.write(content)


def resolve_picture(path: str | Path) -> Path:
    """Return the file that `save_picture` writes: a new name without a suffix gets ``.png``.

    Raises
    ------
    PlanError
        If matplotlib does not write files of that format.

    """
    pyplot()
    from matplotlib.figure import Figure

    file_name = Path(path)
    if not file_name.suffix and (file_name.is_file() or not file_name.exists()):  # and no /dev/stdout
        file_name = Path(f"{path}.png")
    format = _format_of(file_name)
    known = Figure().canvas.get_supported_filetypes()
    if format not in known:
        raise PlanError(f"{path}: matplotlib writes no files of the format {format!r}; {nearest(format, known)}")
    return file_name


def _format_of(file_name: Path) -> str:
    return file_name.suffix.removeprefix(".").lower() or "png"


def _render(draw: Callable[[], Any], format: str) -> bytes:
    file = io.BytesIO()
    _draw_off_screen(draw).savefig(file, format=format, dpi=DOTS_PER_INCH, metadata=METADATA.get(format))
    return file.getvalue()


def _draw_off_screen(draw: Callable[[], Any]) -> Any:
    with off_screen():
        return draw().figure

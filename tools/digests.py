"""Write tests/golden/digests.json: SHA-256 of the bytes that training, predicting, encoding and splitting give.

`tests/unit/test_digests.py` compares with that file, so no change may alter a byte of a result unnoticed. Whoever means
to alter one (a new default, a corrected formula) runs ``python tools/digests.py``, looks at which keys differ, and says
in the commit why. ``--check FILE`` compares with any such file and writes nothing; exit 1 if a key differs.

Only the public interface is used, and nothing is digested that carries names: no JSON text, no file with a header. What
the engine, splitting and encoding give is digested bit for bit. NumPy's logarithms differ in their last bit from one
processor to another, so what is computed with them is rounded first (`rounded`).
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

import creche as cr

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden" / "digests.json"

# How the public interface spells things, each spelling once: a renamed word is changed here and nowhere else.
CLASSIFICATION, REGRESSION = "classification", "regression"
NUMERIC, CATEGORICAL, BOOLEAN, DATETIME = "numeric", "categorical", "boolean", "datetime"
TEXT, IDENTIFIER, IGNORE = "text", "identifier", "ignore"
PREPROCESSING = "preprocessing"  # the argument
TEXT_ENCODING = "text_encoding"  # of `ReadOptions`
READ_OPTIONS, CHECKPOINT_EVERY, RESAMPLES = "read_options", "checkpoint_every", "n_resamples"
Preprocessing, ReadOptions = cr.Preprocessing, cr.ReadOptions


def encoded(run: Any) -> Arrays:
    """What the engine trains on and watches: inputs, labels and weights."""
    found: Arrays = {}
    for name, rows in (("train", run.rows), ("validation", run.validation)):
        for part in ("x", "classes", "targets", "weights"):
            array = None if rows is None else getattr(rows, part)
            if array is not None:
                found[f"{name}.{part}"] = array
    return found


def split_of(trained: Any) -> Arrays:
    """The row numbers of each part of the table, from 0, of a run or a member."""
    prepared = trained.prepared
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    return {name: part.observations.row_indices for name, part in parts.items() if part is not None}


def weights_of(trained: Any) -> Arrays:
    parameters = trained.parameters
    layers = enumerate(parameters.layers)
    others = {f"layer {name.replace('.', ' ')}": array for name, array in parameters.beyond_layers.items()}
    return {f"layer {i} {name}": array for i, layer in layers for name, array in zip("Wb", layer, strict=True)} | others


def held_out(crossed: Any) -> Arrays:
    """Out-of-fold predictions, how far the networks disagree, and by how many each row was predicted."""
    return {
        "predictions": crossed.predictions,
        "times": crossed.prediction_counts,
        "doubt": rounded(crossed.disagreement),
    }


# From here on, nothing that a rename would touch.

Arrays = dict[str, NDArray[Any]]
Case = Callable[[], dict[str, Arrays]]

HISTORY = ("train_loss", "validation_loss", "train_metric", "validation_metric", "learning_rate")
# All epochs and the last weights, as it was before the best epoch was kept.
TO_THE_END: dict[str, Any] = {"early_stopping": False, "keep": "last"}
DEFAULT: dict[str, Any] = {"early_stopping": None, "keep": "best"}

ACTIVATIONS: dict[str, Any] = {
    "identity": "identity", "relu": "relu", "leaky_relu": cr.LeakyRelu(0.05), "elu": cr.Elu(0.7), "selu": "selu",
    "gelu": "gelu", "gelu_tanh": "gelu_tanh", "silu": "silu", "mish": "mish", "tanh": "tanh", "sigmoid": "sigmoid",
    "softplus": cr.Softplus(2.0),
}  # fmt: skip
INITIALIZERS: dict[str, Any] = {
    "glorot_uniform": "glorot_uniform", "glorot_normal": "glorot_normal", "he_uniform": "he_uniform",
    "he_normal": cr.initializers.HeNormal(0.5), "lecun_uniform": "lecun_uniform", "lecun_normal": "lecun_normal",
    "orthogonal": "orthogonal", "zeros": "zeros", "constant": cr.initializers.Constant(0.1),
}  # fmt: skip
OPTIMIZERS: dict[str, Any] = {
    "sgd": cr.SGD(0.05),
    "sgd, momentum, dampening": cr.SGD(0.05, momentum=0.9, dampening=0.3),
    "sgd, nesterov": cr.SGD(0.02, momentum=0.9, nesterov=True),
    "sgd, weight decay": cr.SGD(0.05, weight_decay=0.01),
    "sgd, decoupled weight decay of biases too": cr.SGD(0.05, weight_decay=0.01, decoupled=True, regularize_bias=True),
    "sgd, l1": cr.SGD(0.05, l1=0.001),
    "sgd, clipped norm": cr.SGD(0.05, clip_norm=0.3),
    "sgd, clipped values": cr.SGD(0.05, clip_value=0.02),
    "adagrad": cr.Adagrad(0.05, learning_rate_decay=0.01, initial_accumulator=0.1),
    "adadelta": cr.Adadelta(),
    "rmsprop": cr.RMSprop(0.003),
    "rmsprop, centered, momentum": cr.RMSprop(0.002, momentum=0.5, centered=True),
    "adam": cr.Adam(0.01),
    "adam, amsgrad, clipped norm": cr.Adam(0.01, amsgrad=True, clip_norm=0.5),
    "adamw": cr.AdamW(0.01),
    "nadam": cr.NAdam(0.01),
    "radam": cr.RAdam(0.01),
    "lion": cr.Lion(0.001, weight_decay=0.1),
}
SHARDS: dict[str, Any] = {
    "4": {"shards": 4, "dropout": 0.2},
    "3, clipped norm, submodels": {"shards": 3, "submodels": 3, "optimizer": cr.AdamW(0.01, clip_norm=0.3)},
    "2, lbfgs": {"shards": 2, "optimizer": "lbfgs", "batch_size": 100, "epochs": 12},
}
FULL_BATCH: dict[str, Any] = {
    "lbfgs": cr.LBFGS(),
    "lbfgs, weight decay": cr.LBFGS(3.0, weight_decay=0.01, history=3),
    "lbfgs, points that are not finite": cr.LBFGS(1e30),
}
PARTS: dict[str, dict[str, Any]] = {
    "learned scale": {"scale_inputs": True},
    "layer normalization": {"normalization": "layer"},
    "batch normalization": {"normalization": ["batch", "batch"], "hidden": [12, 20]},
    "parametric activation": {"parametric_activation": True, "activation": "mish"},
    "residual": {"hidden": [12, 12, 12], "residual": True},
    "unit variance": {"initializer": "unit_variance", "bias_initializer": "normal"},
    "all": {
        "hidden": [20, 20], "activation": "selu", "dropout": 0.2, "scale_inputs": [True, True, True],
        "normalization": ["layer", None], "parametric_activation": True, "residual": True,
        "initializer": "unit_variance", "bias_initializer": "sampled",
        "optimizer": cr.AdamW(0.02, groups={"scale": {"learning_rate": 6.0}, "slopes": {"weight_decay": 0.1}}),
    },
}  # fmt: skip
EMBEDDINGS: dict[str, dict[str, Any]] = {
    "periodic": {"number_embedding": cr.PeriodicEmbedding(deviation=0.5)},
    "linear": {"number_embedding": cr.LinearEmbedding(3), PREPROCESSING: "piecewise_linear"},
    "periodic, all parts": {**PARTS["all"], "number_embedding": cr.PeriodicEmbedding(6, 5, 0.2)},
    "periodic, submodels": {"number_embedding": "periodic", "submodels": 4, "weight_sharing": "full"},
}  # fmt: skip
SUBMODELS: dict[str, dict[str, Any]] = {
    "mini": {"submodels": 5, "dropout": 0.2, "optimizer": cr.AdamW(0.01, clip_norm=0.5)},
    "full": {"submodels": 3, "weight_sharing": "full", "activation": "relu", "bias_initializer": "uniform"},
    "full, all parts": {**PARTS["all"], "submodels": 3, "weight_sharing": "full"},
    "batches of their own": {
        "submodels": 5, "submodel_batches": "own", "dropout": 0.2, "number_embedding": cr.LinearEmbedding(3),
        PREPROCESSING: "piecewise_linear",
    },
}  # fmt: skip
SCHEDULES: dict[str, Any] = {
    "step": cr.schedules.Step(2, 0.5),
    "exponential": cr.schedules.Exponential(0.9, per="step"),
    "cosine": cr.schedules.Cosine(minimum=0.1),
    "one_cycle": cr.schedules.OneCycle(),
    "reduce_on_plateau": cr.schedules.ReduceOnPlateau(0.5, patience=0, threshold=0.2),
    "warmup": cr.schedules.Warmup(2),
    "warmup, cosine": cr.schedules.Warmup(5, start=0.1, then=cr.schedules.Cosine(per="step"), per="step"),
}


def squared(outputs: NDArray[Any], labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """A loss of one's own."""
    error = outputs - labels
    return (error * error).sum(axis=1), 2 * error


# ---- tables: from a generator whose bits NumPy guarantees for ever


def uniform(stream: int, *shape: int) -> NDArray[np.float64]:
    """Numbers from 0 up to 1."""
    raw = np.random.PCG64(stream).random_raw(int(np.prod(shape)))
    return ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def points(rows: int = 96, columns: int = 4, stream: int = 1) -> NDArray[np.float64]:
    """Numbers about 0."""
    return 3 * (uniform(stream, rows, columns) + uniform(stream + 100, rows, columns) - 1)


def signal(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """What labels are made from: no sum here has an order that could differ."""
    return x[:, 0] - 0.5 * x[:, 1] + x[:, 2] * x[:, 3]


def labels_of(x: NDArray[np.float64], kind: str) -> NDArray[Any]:
    z = signal(x)
    if kind == "three classes":
        return np.array(["a", "b", "c"])[np.digitize(z, [-0.7, 0.7])]
    if kind == "two classes":
        return z > 0.1
    if kind == "counts":
        return np.minimum(np.floor(np.abs(z) * 2), 4.0)
    if kind == "two numbers":
        return np.stack([4000 + 700 * z, z - x[:, 3]], axis=1)
    return 4000 + 700 * z


def visits(rows: int = 90) -> dict[str, list[Any]]:
    """A table with a column for each role, some cells empty, some rows twice."""
    u = uniform(7, 12, rows)
    start = datetime.datetime(2021, 3, 1)
    towns = ["Biscoe", "Dream, east", 'the "Torgersen"', "Ørnøya", "Cormorant", "Humble"]
    columns: dict[str, list[Any]] = {
        "mass": [None if v < 0.1 else round(3000 + 2000 * v, 1) for v in u[0].tolist()],
        "count": [int(20 * v * v) for v in u[1].tolist()],
        "ringed": [v < 0.4 for v in u[2].tolist()],
        "town": [None if v < 0.05 else towns[int(6 * v * v)] for v in u[3].tolist()],
        "street": [f"street {int(v * 40)}" for v in u[4].tolist()],
        "seen": [None if v < 0.05 else start + datetime.timedelta(hours=int(26_000 * v)) for v in u[5].tolist()],
        "notes": [f"seen from the {'boat' if v < 0.6 else 'shore'} in {'rain' if v < 0.3 else 'sun'}" for v in u[6]],
        "id": [f"N{i}A{i % 7}" for i in range(rows)],
        "nest": [f"nest {int(v * 12)}" for v in u[7].tolist()],
        "year": [2015 + int(v * 6) for v in u[8].tolist()],
        "part": ["train" if v < 0.6 else "validation" if v < 0.8 else "test" for v in u[9].tolist()],
        "times": [int(3 * v) for v in u[10].tolist()],
    }
    z = u[0] + u[1] * u[2] - u[3] + 0.3 * u[11]
    columns["entered"] = [datetime.date(2020, 1, 1) + datetime.timedelta(days=int(60 * v)) for v in u[5].tolist()]
    columns["species"] = [("Adelie", "Chinstrap", "Gentoo")[int(i)] for i in np.digitize(z, [0.0, 0.4])]
    columns["price"] = [float(v) for v in 1000 + 500 * z]
    for values in columns.values():  # copies of rows
        values[40:46] = values[50:56]
    return columns


ROLES = {
    "mass": NUMERIC, "count": NUMERIC, "ringed": BOOLEAN, "town": CATEGORICAL, "street": CATEGORICAL, "seen": DATETIME,
    "notes": TEXT, "id": IDENTIFIER, "nest": IGNORE, "year": NUMERIC, "part": IGNORE, "times": IGNORE,
    "entered": IGNORE,
}  # fmt: skip


# ---- what is digested


def rounded(values: Any) -> NDArray[Any]:
    """To six significant digits, as text."""
    return np.array([f"{value:.6g}" for value in np.asarray(values, dtype=np.float64).ravel().tolist()])


def digest(arrays: Arrays) -> str:
    """The SHA-256 of arrays by their shapes, types and bytes, in order of names (which are this file's own)."""
    out = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        array = np.asarray(array)
        if array.dtype.kind in "OU":
            out.update(f"{name} {array.shape} text\n".encode())
            out.update("\n".join(map(str, array.ravel().tolist())).encode())
        else:
            out.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
            out.update(np.ascontiguousarray(array).tobytes())
    return out.hexdigest()


def history_of(trained: Any) -> Arrays:
    return {name: getattr(trained.history, name) for name in HISTORY}


def predictions_of(model: Any, data: Any) -> Arrays:
    found: Arrays = {"labels": model.predict(data)}
    return found if model.classes is None else {**found, "probabilities": model.predict_proba(data)}


def train(data: Any, y: Any = None, new: Any = None, **arguments: Any) -> dict[str, Arrays]:
    """A run, in parts: its split and its rows, its weights and history, what it predicts."""
    basic = {
        "hidden": [6, 5], "activation": "relu", "epochs": 3, "batch_size": 16, "seed": 5, "threads": 1, **TO_THE_END,
    }  # fmt: skip
    run = cr.train(data, y, **(basic | arguments))
    return {
        "split": split_of(run), "rows": encoded(run), "weights": weights_of(run), "history": history_of(run),
        "predictions": predictions_of(run.model, data if new is None else new),
    }  # fmt: skip


# ---- the cases


def plan_cases() -> Iterator[tuple[str, Case]]:
    """Arrays: everything a plan says."""
    x = points()
    three, two, number = (labels_of(x, kind) for kind in ("three classes", "two classes", "a number"))

    def case(y: NDArray[Any], **arguments: Any) -> Case:
        def found() -> dict[str, Arrays]:
            parts = train(x, y, new=points(17, stream=2), **arguments)
            return {part: parts[part] for part in ("weights", "history", "predictions")}

        return found

    for precision in ("float32", "float64"):
        yield f"plan: {precision}, classes", case(three, precision=precision)
        yield f"plan: {precision}, a number", case(number, precision=precision)
    for name, activation in ACTIVATIONS.items():
        yield f"activation: {name}", case(three, activation=activation)
    for name, initializer in INITIALIZERS.items():
        yield f"initializer: {name}", case(three, initializer=initializer)
    for name, optimizer in OPTIMIZERS.items():
        yield f"optimizer: {name}", case(three, optimizer=optimizer)
    yield "optimizer: adam in float64", case(three, optimizer=cr.Adam(0.01), precision="float64")
    for name, optimizer in FULL_BATCH.items():
        yield f"optimizer: {name}", case(three, optimizer=optimizer, batch_size=100, epochs=12)
    for name, arguments in PARTS.items():
        yield f"layers: {name}", case(three, **arguments)
    for name, arguments in SUBMODELS.items():
        yield f"submodels: {name}", case(three, **arguments)
    for name, arguments in EMBEDDINGS.items():
        yield f"embeddings: {name}", case(three, **arguments)
    for name, schedule in SCHEDULES.items():
        yield f"schedule: {name}", case(number, schedule=schedule, epochs=6, learning_rate=0.02)
    classes: dict[str, Any] = {
        "cross_entropy, smoothed": cr.CrossEntropy(0.1), "binary_cross_entropy": "binary_cross_entropy",
        "squared_error": "squared_error",
    }  # fmt: skip
    for name, loss in classes.items():
        yield f"loss of three classes: {name}", case(three, loss=loss)
        yield f"loss of two classes: {name}", case(two, loss=loss)
    yield "loss of two classes: cross_entropy", case(two)
    numbers: dict[str, Any] = {
        "squared_error": "squared_error", "absolute_error": "absolute_error", "huber": cr.Huber(0.5),
        "quantile": cr.Quantile(0.9), "custom": squared,
    }  # fmt: skip
    for name, loss in numbers.items():
        yield f"loss of a number: {name}", case(number, loss=loss)
    yield "loss of counts: poisson", case(labels_of(x, "counts"), loss="poisson", task=REGRESSION)
    yield "loss of two numbers: squared_error", case(labels_of(x, "two numbers"))
    yield "whole numbers as classes", case(labels_of(x, "counts").astype(np.int64), task=CLASSIFICATION)

    yield "plan: no hidden layer", case(three, hidden=[])
    yield "plan: wide and deep", case(three, hidden=[40, 17, 33, 8])
    yield (
        "plan: each layer its own",
        case(
            three, activation=["tanh", "relu"], dropout=[0.0, 0.3], initializer=["he_normal", "zeros", "glorot_uniform"]
        ),
    )
    yield "plan: dropout", case(three, dropout=0.4)
    yield "plan: dropout in float64", case(number, dropout=0.2, precision="float64")
    yield "plan: dropout in bfloat16", case(three, dropout=0.2, precision="bfloat16")
    yield "plan: rows in order", case(three, shuffle=False)
    for name, arguments in SHARDS.items():
        yield f"shards: {name}", case(three, **arguments)
    yield "plan: rows in windows", case(three, shuffle=cr.Windows(block=7, window=4))
    yield "plan: one batch", case(three, batch_size=1000)
    yield "plan: batches of 1", case(three, batch_size=1, epochs=1)
    yield "plan: no epoch", case(three, epochs=0)
    yield "plan: seed of 64 bits", case(three, seed=2**63 + 11)
    yield "plan: split seed", case(three, split_seed=9)
    yield "plan: two threads", case(three, threads=2, hidden=[40, 40])
    stops = {"epochs": 60, "learning_rate": 0.1}
    best = {"keep": "best"}
    yield "early stopping: best", case(three, early_stopping=cr.EarlyStopping(3, min_delta=0.01), **best, **stops)
    yield "early stopping: last", case(three, early_stopping=3, **stops)
    yield "early stopping: on training rows", case(three, early_stopping=2, validation_fraction=0.0, **best, **stops)
    for watch in ("accuracy", "auc", "f1"):
        watched = {"early_stopping": cr.EarlyStopping(4, watch=watch)}
        yield f"early stopping: {watch}", case(three, **watched, **best, **stops)
    watched = {"early_stopping": cr.EarlyStopping(watch="mae")}
    yield (
        "early stopping: mean absolute error in float64",
        case(number, **watched, **best, **stops, precision="float64"),
    )
    yield "default ending: classes", case(three, **DEFAULT, **stops)
    yield "default ending: a number", case(number, **DEFAULT, **stops)
    yield "default ending: the best of all epochs", case(three, early_stopping=False, **best, **stops)
    yield "default ending: no validation rows", case(three, **DEFAULT, validation_fraction=0.0, **stops)
    some = np.floor(3 * uniform(8, len(x)))
    yield "weights: of rows, some 0", lambda: train(x, three, sample_weight=some)
    yield "weights: of rows, a number", lambda: train(x, number, sample_weight=uniform(8, len(x)))
    yield "weights: balanced classes", lambda: train(x, three, class_weight="balanced")
    given = {"a": 2.0, "b": 0.5, "c": 1.0}
    yield "weights: given classes", lambda: train(x, three, class_weight=given, sample_weight=some)
    yield "stopped by on_epoch", case(three, epochs=9, on_epoch=lambda record: record.epoch >= 4)


def table_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Tables: reading, roles, encoding, splitting."""
    columns = visits()
    frame = pl.DataFrame(columns)
    basic: dict[str, Any] = {"label": "species", "schema": ROLES}

    def case(**arguments: Any) -> Case:
        return lambda: train(frame, **(basic | arguments))

    files = {
        "csv": frame.write_csv, "parquet": frame.write_parquet, "arrow": frame.write_ipc, "jsonl": frame.write_ndjson
    }  # fmt: skip
    for ending, write in files.items():
        write(folder / f"visits.{ending}")
        yield f"file: {ending}", lambda e=ending: train(folder / f"visits.{e}", **basic)  # type: ignore[misc]
    odd = frame.write_csv(separator=";", decimal_comma=True, datetime_format="%Y-%m-%d %H:%M")
    (folder / "odd.csv").write_bytes(odd.encode("latin-1"))
    written = ReadOptions(separator=";", decimal_comma=True, **{TEXT_ENCODING: "latin-1"})
    yield "file: csv, as found", lambda: train(folder / "odd.csv", **basic)
    yield "file: csv, as told", lambda: train(folder / "odd.csv", **basic, **{READ_OPTIONS: written})
    yield "file: penguins", lambda: train("penguins", label="species")
    yield "file: penguins, a number", lambda: train("penguins", label="body_mass_g", missing_label="drop")
    yield "frame: polars", case()
    yield "frame: pandas", lambda: train(frame.to_pandas(), **basic)
    yield "frame: roles as inferred", lambda: train(frame, label="species")
    yield "frame: a number", case(label="price", schema={**ROLES, "species": IGNORE})
    yield "frame: two numbers", case(label=["price", "count"], schema={**ROLES, "species": IGNORE})
    yield "frame: yes or no", case(label="ringed", schema={**ROLES, "species": CATEGORICAL})
    yield "frame: weights in a column", case(sample_weight="times")
    yield "frame: all classes named", case(classes=["Adelie", "Chinstrap", "Emperor", "Gentoo"])
    yield "frame: labels apart", lambda: train(frame.drop("species"), columns["species"], schema=ROLES)
    for role in (NUMERIC, CATEGORICAL, BOOLEAN, DATETIME, TEXT):
        others = {name: r if r == role else IGNORE for name, r in ROLES.items()}
        yield f"encoding: only role {ROLES_SAID[role]}", case(schema={**others, "price": IGNORE})
    yield "encoding: numbers as categories", case(schema={**ROLES, "year": CATEGORICAL, "count": CATEGORICAL})
    for scaling in ("standard", "robust", "quantile", "none"):
        for precision in ("float32", "float64"):
            yield f"encoding: {scaling}, {precision}", case(**{PREPROCESSING: scaling}, precision=precision)
        yield f"encoding: {scaling}, weighted", case(**{PREPROCESSING: scaling}, sample_weight="times")
        yield (
            f"encoding: {scaling}, array",
            lambda s=scaling: train(points(), labels_of(points(), "a number"), **{PREPROCESSING: s}),  # type: ignore[misc]
        )
    yield "encoding: not standardized", case(standardize=False)
    yield "encoding: hashed categories", case(**{PREPROCESSING: Preprocessing(max_categories=4, buckets=3)})
    yield "encoding: realmlp", case(**{PREPROCESSING: "realmlp"})
    yield "encoding: bins at quantiles", case(**{PREPROCESSING: "piecewise_linear"})
    bins = {"numeric_encoding": "piecewise_linear", "bins": 6, "bin_edges": "tree"}
    yield "encoding: bins by the labels", case(**{PREPROCESSING: Preprocessing("quantile", clip="smooth", **bins)})
    yield (
        "encoding: bins by number labels, array",
        lambda: train(points(), labels_of(points(), "a number"), **{PREPROCESSING: Preprocessing(clamp=True, **bins)}),
    )
    every = cr.CategoryEmbedding(3, more_than=0)
    yield "embeddings: categories", case(category_embedding=every, number_embedding="periodic")
    yield "embeddings: rare categories", case(category_embedding=every, **{PREPROCESSING: Preprocessing(infrequent=12)})
    yield "encoding: rare categories", case(**{PREPROCESSING: Preprocessing(infrequent=12)})
    yield (
        "encoding: words never seen",
        case(new=frame.with_columns(pl.lit("Nowhere").alias("town"), pl.lit(None, pl.Float64).alias("mass"))),
    )
    yield "split: by share", case(validation_fraction=0.25, test_fraction=0.2)
    yield "split: not stratified", case(test_fraction=0.2, stratify=False)
    yield "split: none", case(validation_fraction=0.0)
    yield "split: by group", case(group="nest", test_fraction=0.2)
    yield "split: by time", case(time="entered", test_fraction=0.2)
    yield "split: by a number as time", case(time="year", test_fraction=0.2)
    yield "split: by column", case(split_column="part")
    yield "split: of a number", case(label="price", test_fraction=0.1, schema={**ROLES, "species": IGNORE})
    yield "split: duplicates dropped", case(duplicates="drop")
    yield "split: duplicates together", case(duplicates="together", test_fraction=0.2)
    yield "split: a table for validation", lambda: train(frame[:60], validation_data=frame[60:], **basic)
    x = points()
    y = labels_of(x, "three classes")
    yield "split: arrays", lambda: train(x, y, validation_data=(x[:20], y[:20]), test_data=(x[20:30], y[20:30]))


ROLES_SAID = {
    NUMERIC: "numeric", CATEGORICAL: "categorical", BOOLEAN: "boolean", DATETIME: "datetime", TEXT: "text"
}  # fmt: skip


def colony_cases(folder: Path) -> Iterator[tuple[str, Case]]:
    """Several networks, and runs that were stopped and resumed."""
    x = points()
    three, number = labels_of(x, "three classes"), labels_of(x, "a number")
    basic: dict[str, Any] = {
        "hidden": [6, 5], "activation": "relu", "epochs": 4, "batch_size": 16, "threads": 1, **TO_THE_END,
    }  # fmt: skip
    stops = {"learning_rate": 0.1, "epochs": 30}
    frame = pl.DataFrame(visits())

    def sweep(y: NDArray[Any], **arguments: Any) -> Case:
        def found() -> dict[str, Arrays]:
            colony = cr.sweep(x, y, **(basic | arguments))
            return {
                "weights": {f"{i:03} {k}": a for i, one in enumerate(colony) for k, a in weights_of(one).items()},
                "history": {f"{i:03} {k}": a for i, one in enumerate(colony) for k, a in history_of(one).items()},
                "ranking": {"ranking": colony.ranking()},
            }

        return found

    yield "sweep: seeds", sweep(three, seeds=20, seed=3)
    yield (
        "sweep: much differs",
        sweep(
            three, seeds=2, hidden=[[5, 5], [9]], optimizer=["sgd", "adam"], learning_rate=cr.log_range(1e-3, 1e-1, 3)
        ),
    )
    yield (
        "sweep: of each lane",
        sweep(number, weight_decay=[0.0, 0.01], dropout=[0.0, 0.2], batch_size=[8, 16], clip_norm=[0.0, 0.5]),
    )
    yield "sweep: early stopping", sweep(three, seeds=10, early_stopping=2, keep="best", **stops)
    yield "sweep: default ending", sweep(three, seeds=10, **DEFAULT, **stops)
    watched = {"early_stopping": cr.EarlyStopping(3, watch="balanced_accuracy"), "keep": "best"}
    yield "sweep: balanced accuracy", sweep(three, seeds=10, **watched, **stops)
    yield "sweep: bootstrap", sweep(three, seeds=5, bootstrap=True)
    yield "sweep: folds", sweep(three, seeds=2, folds=3, learning_rate=[0.001, 0.02])
    yield "sweep: halving", sweep(three, halving=True, learning_rate=cr.log_range(1e-4, 1e-1, 9), epochs=9)
    yield "sweep: encodings", sweep(three, **{PREPROCESSING: ["standard", "quantile"]})
    yield "sweep: float64", sweep(number, seeds=9, precision="float64")
    yield (
        "sweep: lbfgs",
        sweep(number, optimizer="lbfgs", batch_size=100, epochs=12, seeds=5, learning_rate=[0.5, 1.0, 1e30]),
    )

    def ensemble() -> dict[str, Arrays]:
        colony = cr.sweep(x, three, seeds=8, learning_rate=[0.003, 0.03], **basic)
        new = points(17, stream=2)
        plain, warm = colony.ensemble(5, temperature=False), colony.ensemble(5)
        warm.save(folder / "ensemble.creche")
        return {
            "shares": {"shares": plain.shares},
            "predictions": predictions_of(plain, new),
            "with temperature": {"probabilities": rounded(warm.predict_proba(new))},
            "disagreement": {"disagreement": rounded(plain.disagreement(new))},
            "loaded": {"probabilities": rounded(cr.load(folder / "ensemble.creche").predict_proba(new))},
        }

    def ensemble_of_numbers() -> dict[str, Arrays]:
        together = cr.sweep(x, number, seeds=6, **basic).ensemble(4)
        return {"predictions": predictions_of(together, points(17, stream=2))}

    yield "ensemble: classes", ensemble
    yield "ensemble: a number", ensemble_of_numbers

    def cross(data: Any, y: Any = None, **arguments: Any) -> Case:
        def found() -> dict[str, Arrays]:
            crossed = cr.cross_validate(data, y, **(basic | {RESAMPLES: 0} | arguments))
            parts = [split_of(one) for one in crossed.members]
            return {
                "weights": {f"{i:03} {k}": a for i, m in enumerate(crossed.members) for k, a in weights_of(m).items()},
                "folds": {f"{i:03} {name}": rows for i, split in enumerate(parts) for name, rows in split.items()},
                "predictions": held_out(crossed),
            }

        return found

    tabled: dict[str, Any] = {"label": "species", "schema": ROLES}
    yield "cross-validation: classes", cross(x, three, folds=4, seeds=2, repeats=2)
    yield "cross-validation: a number", cross(x, number, folds=3)
    yield "cross-validation: early stopping", cross(x, three, folds=3, early_stopping=2, keep="best", epochs=12)
    yield "cross-validation: default ending", cross(x, three, folds=3, **DEFAULT, **stops)
    yield "cross-validation: custom loss", cross(x, number, folds=3, loss=squared)
    yield "cross-validation: table", cross(frame, folds=3, **tabled)
    yield "cross-validation: groups", cross(frame, folds=3, group="nest", **tabled)
    yield "cross-validation: time", cross(frame, folds=3, time="year", **tabled)
    yield "cross-validation: duplicates together", cross(frame, folds=3, duplicates="together", **tabled)

    def rates() -> dict[str, Arrays]:
        shared = {name: value for name, value in basic.items() if name != "keep"}
        found = cr.find_learning_rate(x, three, rates=cr.log_range(1e-4, 10, 12), seeds=2, **shared)
        return {"losses": {"losses": found.losses}, "rates": {"rates": rounded([*found.rates, found.rate])}}

    yield "learning rates", rates

    def resumed() -> dict[str, Arrays]:
        kept: dict[str, Any] = {"checkpoint": folder / "run", CHECKPOINT_EVERY: 2, "dropout": 0.2, **basic}
        cr.train(x, three, on_epoch=lambda record: record.epoch >= 2, **kept)
        run = cr.resume(folder / "run", x, three, threads=1)
        run.model.save(folder / "model.creche")
        loaded = predictions_of(cr.load(folder / "model.creche"), points(17, stream=2))
        return {"weights": weights_of(run), "history": history_of(run), "predictions": loaded}

    yield "resumed, saved and loaded", resumed

    def evaluated(y: NDArray[Any], **arguments: Any) -> Case:
        def found() -> dict[str, Arrays]:
            run = cr.train(x, y, **(basic | arguments))
            metrics = run.model.evaluate(points(40, stream=3), labels_of(points(40, stream=3), kinds[id(y)])).metrics()
            return {"metrics": {"metrics": np.sort(rounded(list(metrics.values())))}}  # whatever they are called

        return found

    two = labels_of(x, "two classes")
    kinds = {id(three): "three classes", id(two): "two classes", id(number): "a number"}
    yield "evaluation: three classes", evaluated(three)
    yield "evaluation: two classes", evaluated(two)
    yield "evaluation: a number", evaluated(number)

    def estimator(kind: str, y: NDArray[Any], **arguments: Any) -> Case:
        def found() -> dict[str, Arrays]:
            fitted = getattr(cr, kind)(**(basic | {"random_state": 4} | arguments)).fit(x, y)
            return {"weights": weights_of(fitted.model_), "predictions": predictions_of(fitted.model_, x)}

        return found

    yield "estimator: classifier", estimator("DNNClassifier", three)
    yield "estimator: regressor", estimator("DNNRegressor", number, early_stopping=2, keep="best")
    yield "estimator: validation rows", estimator("DNNRegressor", number, validation_fraction=0.2, **DEFAULT, **stops)


def digests(without: tuple[str, ...] = ()) -> dict[str, str]:
    """All of them, by ``case / part``, but for cases whose names begin with some words."""
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)  # copies of rows, columns left out: meant so
        for cases in (plan_cases(), table_cases(Path(folder)), colony_cases(Path(folder))):
            for name, case in cases:
                if name.startswith(without):
                    continue
                found |= {f"{name} / {part}": digest(arrays) for part, arrays in case().items()}
    return found


def differing(found: dict[str, str], kept: dict[str, str]) -> list[str]:
    """The keys that are not the same in both, or only in one."""
    return sorted(key for key in found.keys() | kept.keys() if found.get(key) != kept.get(key))


def main() -> int:
    """Writes the file, or compares with one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", type=Path, metavar="FILE", help="compare with this file instead of writing")
    parser.add_argument("--to", type=Path, default=GOLDEN, metavar="FILE", help="where to write (%(default)s)")
    parser.add_argument("--without", nargs="*", default=[], metavar="WORDS", help="leave out cases that begin so")
    options = parser.parse_args()
    if options.without and options.check is None:
        parser.error("--without: the file that is written needs all cases; use it with --check")
    without = tuple(options.without)
    found = digests(without)
    if options.check is None:
        options.to.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")
        print(f"{len(found)} digests written to {options.to}")
        return 0
    kept = json.loads(options.check.read_text())
    wrong = differing(found, {key: value for key, value in kept.items() if not key.startswith(without)})
    print("\n".join(wrong) if wrong else f"all {len(found)} digests are the same")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

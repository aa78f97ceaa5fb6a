"""From the weighted sums of networks to probabilities, numbers and labels, as expressions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from creche.errors import PlanError
from creche.exporting.sql.query import Expression, Query, Steps, double, number, text
from creche.model.calibration import SMALLEST_PROBABILITY, TINY, Calibration
from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.thresholds import class_threshold
from creche.table.labels import LabelEncoder

LONGEST_NAME = 63  # bytes

__all__ = ["apply_head", "calibrate", "free_name", "name_interval", "name_results"]


def apply_head(query: Query, model: Model, z: list[Expression]) -> Steps:
    """Turn weighted sums, of each submodel after the one before, into what `Model.decode_outputs` returns."""
    network, head = model.plan.network, model.plan.loss.head(model.plan.task).key
    size, count = network.outputs, network.submodels
    if head == "softmax":
        highest = yield [query.largest(*z[k * size : (k + 1) * size]) for k in range(count)], z
        z = yield [query.exp(f"{name} - {highest[i // size]}") for i, name in enumerate(z)], []
        totals = yield [" + ".join(z[k * size : (k + 1) * size]) for k in range(count)], z
        z = [f"{name} / {totals[i // size]}" for i, name in enumerate(z)]
    elif head in ("sigmoid", "cumulative"):
        z = [f"1e0 / (1e0 + {query.exp(f'-{name}')})" for name in z]
    elif head == "exp":
        z = [query.exp(name) for name in z]
    if count > 1:
        z = [f"({' + '.join(z[j::size])}) / {count}e0" for j in range(size)]
    p = yield z, []
    if head in ("cumulative", "sorted"):
        p = yield from _sort(query, p, len(model.labels.quantiles) if head == "sorted" else size)
    if model.labels.task == "regression":
        return (yield [_decode(query, name, model.labels, j) for j, name in enumerate(p)], [])
    if head == "cumulative":
        # The sorted ones ascend: the last is the probability of a class above the first.
        bounds = ["1e0", *reversed(p), "0e0"]
        return (yield [f"{bounds[j]} - {bounds[j + 1]}" for j in range(size + 1)], [])
    if head != "sigmoid" or model.labels.is_multilabel:
        return p
    if size == 1:
        return (yield [f"1e0 - {p[0]}", p[0]], [])
    total = f"({' + '.join(p)})"
    return (yield [f"CASE WHEN {total} > 0e0 THEN {name} / {total} ELSE {number(1 / size)} END" for name in p], [])


def _sort(query: Query, values: list[Expression], size: int) -> Steps:
    """Sort each `size` neighbouring values, by exchanging neighbours: as many steps as there are values."""
    for begin in range(size):
        computed = list(values)
        for first in range(0, len(values), size):
            for i in range(first + begin % 2, first + size - 1, 2):
                computed[i], computed[i + 1] = query.smallest(*values[i : i + 2]), query.largest(*values[i : i + 2])
        values = yield computed, []
    return values


def _decode(query: Query, name: Expression, labels: LabelEncoder, output: int) -> Expression:
    value = name
    if labels.scale:
        scale, mean = (labels.repeat(np.array(each, dtype=np.float64)) for each in (labels.scale, labels.mean))
        value = f"{name} * {number(scale[output])} + ({number(mean[output])})"
    if not labels.bounds:
        return value
    low, high = labels.repeat(np.array(labels.bounds, dtype=np.float64).T)
    return query.clip(value, low[output], high[output])


def calibrate(query: Query, calibration: Calibration, mean: list[Expression]) -> Steps:
    """Do to the mean of several networks' predictions what `Calibration.apply` does."""
    if calibration.lowest:
        repeats = len(mean) // len(calibration.lowest)
        limits = zip(np.repeat(calibration.lowest, repeats), np.repeat(calibration.highest, repeats), strict=True)
        return (yield [query.clip(name, low, high) for name, (low, high) in zip(mean, limits, strict=True)], [])
    p = mean
    if calibration.matrix or calibration.offsets or calibration.temperature != 1:
        smallest = number(SMALLEST_PROBABILITY if calibration.matrix else float(TINY))
        by = number(calibration.temperature)
        logits = yield [f"ln({query.largest(name, smallest)}) / {by}" for name in p], p
        if calibration.matrix:
            middle = f"(({' + '.join(logits)}) / {len(logits)}e0)"
            columns = zip(*calibration.matrix, strict=True)
            products = [
                " + ".join(f"({x} - {middle}) * {number(weight)}" for x, weight in zip(logits, column, strict=True))
                for column in columns
            ]
            logits = yield products, p
        if calibration.offsets:
            logits = [f"{logit} + {number(offset)}" for logit, offset in zip(logits, calibration.offsets, strict=True)]
        powers = yield [query.exp(f"{logit} - {query.largest(*logits)}") for logit in logits], p
        if not calibration.matrix:
            powers = yield [f"CASE WHEN {p[j]} > 0e0 THEN {power} ELSE 0e0 END" for j, power in enumerate(powers)], []
        p = yield [f"{power} / ({' + '.join(powers)})" for power in powers], []
    if calibration.mix == 0:
        return p
    return (yield [
        f"{number(1 - calibration.mix)} * {name} + {number(calibration.mix * share)}"
        for name, share in zip(p, calibration.shares, strict=True)
    ], [])  # fmt: skip


def name_results(model: Model | Ensemble, p: Sequence[Expression], taken: set[str]) -> dict[str, Expression]:
    """Return the columns of the result by name: the predicted labels, and the probability of each class."""
    found: dict[str, Expression] = {}

    def add(name: str, expression: Expression) -> None:
        found[free_name(name, {*taken, *found})] = expression

    labels = model.labels
    if labels.classes is not None:
        add(f"predicted_{labels.name}", _choose(model, p))
        for label, name in zip(labels.classes, p, strict=True):
            add(f"probability_{label}", name)
    elif labels.is_multilabel:
        limits = np.broadcast_to(np.array(0.5 if model.threshold is None else model.threshold), len(p))
        for label, name, limit in zip(labels.names, p, limits.tolist(), strict=True):
            add(f"predicted_{label}", f"CASE WHEN {name} >= {number(limit)} THEN TRUE ELSE FALSE END")
        for label, name in zip(labels.names, p, strict=True):
            add(f"probability_{label}", name)
    else:
        for label, name in zip(labels.outcomes, p, strict=True):
            add(f"predicted_{label}", name)
    return found


def name_interval(
    model: Model | Ensemble, p: Sequence[Expression], conformal: Sequence[float], taken: Collection[str]
) -> dict[str, Expression]:
    """Return the limits of each number, or whether each class is in the set, by the scores of `find_scores`."""
    scores = list(map(number, conformal))
    found: dict[str, Expression] = {}
    if model.labels.classes is not None:
        for i, label in enumerate(model.labels.classes):
            # Of two that are as likely, the first is the best.
            is_best = " AND ".join(f"{p[i]} {'>=' if j > i else '>'} {p[j]}" for j in range(len(p)) if j != i)
            is_in = f"CASE WHEN 1e0 - {p[i]} <= {scores[0]} OR ({is_best}) THEN TRUE ELSE FALSE END"
            found[free_name(f"in_set_{label}", {*taken, *found})] = is_in
        return found
    columns = max(len(model.quantiles), 1)
    for i, (name, score) in enumerate(zip(model.labels.names, scores, strict=True)):
        found[free_name(f"low_{name}", {*taken, *found})] = f"{p[i * columns]} - {score}"
        found[free_name(f"high_{name}", {*taken, *found})] = f"{p[(i + 1) * columns - 1]} + {score}"
    return found


def free_name(name: str, taken: Collection[str]) -> str:
    """Return a name of a column that none of the others has, of as many bytes as PostgreSQL does not cut."""
    ending = ""
    while (free := name.encode()[: LONGEST_NAME - len(ending)].decode(errors="ignore") + ending) in taken:
        ending += "_"
    return free


def _choose(model: Model | Ensemble, p: Sequence[Expression]) -> Expression:
    words = list(_write_classes(model.labels))
    threshold = class_threshold(model.threshold)
    if threshold is not None:
        return f"CASE WHEN {p[1]} >= {number(threshold)} THEN {words[1]} ELSE {words[0]} END"
    cases = []
    for i, word in enumerate(words[:-1]):
        # A class before it would have been chosen if it were as likely.
        conditions = " AND ".join(f"{p[i]} >= {other}" for other in p[i + 1 :])
        cases.append(f"WHEN {conditions} THEN {word}")
    return f"CASE {' '.join(cases)} ELSE {words[-1]} END"


def _write_classes(labels: LabelEncoder) -> Iterator[Expression]:
    for value in labels.classes or ():
        plain: Any = value.item() if isinstance(value, np.generic) else value
        if isinstance(plain, bool):
            yield "TRUE" if plain else "FALSE"
        elif isinstance(plain, int):
            yield str(plain)
        elif isinstance(plain, float):
            yield double(number(plain))
        elif "\0" in str(plain):
            raise PlanError(f"label {labels.name!r}: the class {plain!r} has a character of code 0, which SQL lacks")
        else:
            yield text(str(plain))

"""The part of the story that follows one neuron: forward, back, and through the update of its weights."""

from __future__ import annotations

from creche.explain.tracing.blocks import Block, Grid, Section, shown
from creche.explain.tracing.following import Followed

__all__ = ["neuron_sections"]

MOST_SOURCES = 64


def neuron_sections(followed: Followed) -> list[Section]:
    """One neuron in full; of very many weights, those whose gradient is largest."""
    name = followed.name[0].upper() + followed.name[1:]
    return [
        Section(f"{name}, forward through row {followed.row}", _forward(followed)),
        Section(f"{name}, back through row {followed.row}", _back(followed)),
        Section(f"{name}: the update of its weights, by all rows", _update(followed)),
    ]


def _which(followed: Followed) -> list[int]:
    count = len(followed.sources)
    if count <= MOST_SOURCES:
        return list(range(count))
    largest = sorted(range(count), key=lambda i: -abs(followed.gradients[i]))[:MOST_SOURCES]
    return sorted(largest)


def _rest(followed: Followed) -> list[Block]:
    more = len(followed.sources) - MOST_SOURCES
    return [f"… {more:,} more, whose gradients are smaller"] if more > 0 else []


def _forward(followed: Followed) -> list[Block]:
    f = followed
    rows: list[list[str | float]] = [
        [f.sources[i], float(f.values[i]), float(f.weights[i]), float(f.products[i])] for i in _which(f)
    ]
    for name, value in (("sum", float(f.products.sum())), ("bias", f.bias), ("weighted sum z", f.weighted_sum)):
        rows.append([name, "", "", value])
    rows.append([f"{f.word} of z", "", "", f.activation])
    return [Grid(["from", "value", "weight", "value × weight"], rows, last=4, digits=6), *_rest(f)]


def _back(followed: Followed) -> list[Block]:
    f = followed
    if f.dloss_dactivation is None:
        return [f"The gradient of the loss by z, {shown(f.dloss_dsum, 6)} in this row, comes from the loss itself."]
    terms = zip(f.targets, f.onward, f.dloss_donward, f.returned, strict=True)
    rows: list[list[str | float]] = [[to, *map(float, numbers)] for to, *numbers in terms]
    if len(rows) > MOST_SOURCES:
        rows = sorted(rows, key=lambda row: -abs(float(row[3])))[:MOST_SOURCES]
    ends: list[list[str | float]] = [[f"sum: gradient by {f.word} of z", "", "", f.dloss_dactivation]]
    if f.slope is not None:
        ends.append([f"slope of {f.word} at z", "", "", f"{f.slope:.4g}"])
    ends.append(["their product: gradient by z", "", "", f.dloss_dsum])
    head = ["to", "weight", "gradient there", "weight × gradient"]
    return [Grid(head, [*rows, *ends], last=len(ends), digits=6)]


def _update(followed: Followed) -> list[Block]:
    f = followed
    planes = list(f.planes)
    rows: list[list[str | float]] = []
    for i in _which(f):
        kept = [float(f.planes[name][1][i]) for name in planes]
        before, after = (float(f.weights[i]), float(f.gradients[i])), (float(f.steps[i]), float(f.weights_after[i]))
        rows.append([f.sources[i], *before, *kept, *after])
    kept = [f.bias_planes[name][1] for name in planes]
    rows.append(["bias", f.bias, f.bias_gradient, *kept, f.bias_step, f.bias_after])
    head = ["weight from", "before", "gradient", *(name.replace("_", " ") for name in planes), "step", "after"]
    said = "What the optimizer keeps (between gradient and step) is shown as it is after the step."
    return [Grid(head, rows), *_rest(f), *([said] if planes else [])]

"""The loss against a weight: 1,001 points on the penguins, including the search for the range, gradient and steps.

The data are a DataFrame, or rows that are encoded already (a `Batch`), as for a plot of one weight after another. Each
measurement covers all weights that lead to one neuron of each layer.
"""

import time
from itertools import product
from typing import Any

import numpy as np
from _compare import Spread
from _report import Report, parse_options

POINTS = 1001
NETWORK: dict[str, Any] = {"hidden": [5, 5], "activation": "relu", "learning_rate": 0.01}
BELOW = 10.0  # ms
SEPARATELY = "one network after another"
FORMS = ("from a DataFrame", "from encoded rows")


def main() -> int:
    import creche as cr
    from creche.explain.rows import create_batch

    options = parse_options(__doc__, rounds=15)
    report = Report("The loss against a weight: the penguins, 1,001 points", options)
    epochs = 5 if options.quick else 50
    run = cr.train("penguins", label="species", **NETWORK, epochs=epochs, threads=1)
    model, table = run.model, cr.datasets.penguins()
    batch = create_batch(model, table)
    widths = model.plan.network.widths
    places = [(layer, source, 0) for layer in range(len(widths) - 1) for source in ("bias", *range(widths[layer]))]
    if options.quick:
        places = places[:2]
    report.section(f"{len(batch)} rows, network {model.plan.network}, {len(places)} weights one after another")
    found: dict[tuple[str, int], list[float]] = {}
    separate = []
    for _ in range(options.rounds):
        for (form, data), threads in product(zip(FORMS, (table, batch), strict=True), (1, 2)):
            found.setdefault((form, threads), []).append(once(model, data, places, threads))
        separate.append(one_by_one(model, batch, places[0]))
    spreads = {name: Spread.of(times) for name, times in found.items()}
    report.table(
        ["call of loss_against_weight", "ms per weight"],
        [[f"{form}, {threads} thread{'s' * (threads > 1)}", of.show()] for (form, threads), of in spreads.items()],
    )
    report.say("", f"The curve only, {SEPARATELY}: {Spread.of(separate).show()} ms.")
    report.section("Claims")
    for form in FORMS:
        report.claim_below(f"A curve of {POINTS:,} points {form}, 1 thread", spreads[form, 1], BELOW, " ms")
    return report.finish()


def once(model: Any, data: Any, places: list[tuple[int, Any, int]], threads: int) -> float:
    """Return the milliseconds per weight."""
    import creche as cr

    begin = time.perf_counter()
    for layer, source, target in places:
        cr.explain.loss_against_weight(
            model, data, layer=layer, source=source, target=target, points=POINTS, threads=threads
        )
    return (time.perf_counter() - begin) / len(places) * 1e3


def one_by_one(model: Any, batch: Any, place: tuple[int, Any, int]) -> float:
    """Return the milliseconds of a curve with one predictor for each point, and check that the losses are the same."""
    import creche as cr
    from creche.engine.native import new_predictor

    layer, _, target = place
    curve = cr.explain.loss_against_weight(
        model, batch, layer=layer, source="bias", target=target, points=POINTS, threads=1
    )
    rows, losses = batch.rows, []
    begin = time.perf_counter()
    for value in curve.weights:
        parameters = model.parameters.copy()
        parameters.layers[layer][1][target] = value
        losses.append(new_predictor(model.plan, parameters, 1).evaluate(rows.x, rows.classes, rows.targets)[0])
    elapsed = (time.perf_counter() - begin) * 1e3
    if not np.array_equal(losses, curve.losses):
        raise RuntimeError("networks evaluated together and one by one have different losses")
    return elapsed


if __name__ == "__main__":
    raise SystemExit(main())

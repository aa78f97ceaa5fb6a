"""The page of a sweep: its networks, the best of them, what explains their differences, and the best one's metrics."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche._advice import advise
from creche._phrases import format_count
from creche.evaluation.metrics import metric_name
from creche.model_selection.choices import values_of
from creche.model_selection.fold_statistics import FOLD_COLUMNS, plan_numbers
from creche.model_selection.results import Effect, format_choice
from creche.pages.charts import draw_bar, fit_bar
from creche.pages.evaluation import evaluation_page
from creche.pages.tables import (
    INTERVAL,
    count_rows,
    facts_table,
    format_duration,
    format_score,
    format_value,
    narrow_table,
    part_sizes,
    plain_table,
)
from creche.render.words import describe_classes, name_purpose
from creche.table.result_frames import polars_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from creche.evaluation import AnyEvaluation
    from creche.model.ensemble import Ensemble
    from creche.model_selection.colony import Colony
    from creche.model_selection.member import Member
    from creche.plan.words import BestBy

__all__ = ["sweep_data", "sweep_page"]

MAX_PLANS = 5
TOP = 10
BAR_WIDTH = 12
INTERACTIONS_FROM = 0.05  # the share of variance above which interactions are listed

OPTIMISM = (
    "The best of {chosen} was chosen by these {rows} rows, so their metrics are optimistic; "
    "{advice} holds out rows that are not used in the choice."
)
OPTIMISM_ON_FOLDS = (
    "Each CI accounts for folds that share training rows (Nadeau & Bengio 2003). The gap to the best is computed fold "
    "by fold; where its CI contains 0, the plan may be as good as the best. The best of {count:,} plans was chosen by "
    "these folds, so its mean is optimistic."
)
ENDINGS = {"diverged": "diverged", "stopped": "stopped by halving", "early_stopped": "stopped early"}
PLURALS = {
    "hidden": "shapes",
    "loss": "losses",
    "epochs": "numbers of epochs",
    "early_stopping": "patiences",
    "shuffle": "orders",
    "submodels": "numbers of submodels",
    "submodel_batches": "kinds of submodel batches",
}


def sweep_page(
    colony: Colony, ensemble: Ensemble | None = None, top: int = TOP, best_by: BestBy = "plan"
) -> RenderableType:
    """Render a sweep, with the `top` best networks, or plans on folds, and what `Colony.best` chooses."""
    if not len(colony.ranking()):
        return Group(_sweep_facts(colony), Text(), Text("No network has finished an epoch."))
    on_folds = colony.fold_layout is not None
    best_table = _best_plans_on_folds(colony, top) if on_folds else _best_networks(colony, top)
    parts: list[RenderableType] = [_sweep_facts(colony), Text(), best_table]
    effects = colony.effects()
    if colony.varied_arguments and any(not math.isnan(effect.share) for effect in effects):
        parts += [Text(), Text("Share of variance explained by each argument:"), _effect_table(colony, effects)]
    if on_folds:
        return Group(*parts, Text(), Text(OPTIMISM_ON_FOLDS.format(count=len(polars_frame(colony.plans))), style="dim"))
    if any(effect.argument == "seed" for effect in effects):
        parts += [Text(), Text("Best plans, over their seeds:"), _best_plans(colony)]
    best = colony.best(best_by)
    name, evaluation = best.evaluated_on, best.evaluation
    parts += [Text(), Text(_describe_best(colony, best, best_by)), Text()]
    parts += [evaluation_page(evaluation, f"{name_purpose(name)} rows", limit=0)]
    if ensemble is not None:
        parts += [Text(), _ensemble_table(evaluation, name, ensemble)]
    chosen = format_count(int(plan_numbers(colony).max()) + 1, "plan")
    if not colony.varied_arguments or best_by == "network" or not _has_seeds(colony):
        chosen = format_count(len(colony), "network")
    if name != "test" and len(colony) > 1:
        advice = advise("test_fraction", 0.2)
        parts += [Text(), Text(OPTIMISM.format(chosen=chosen, rows=name_purpose(name), advice=advice), style="dim")]
    return Group(*parts)


def _describe_best(colony: Colony, best: Member, best_by: BestBy) -> str:
    """Return the heading of the evaluation of the best network, with what chose it."""
    values = _describe_choice(best.choice)
    if not _has_seeds(colony):
        return f"The best network, {values}:"
    if best_by == "network":
        return f"The network with the lowest loss, {values}:"
    return f"The best plan, {values} (the median of its seeds):"


def _has_seeds(colony: Colony) -> bool:
    return len(set(values_of(colony.choices, "seed"))) > 1


def sweep_data(colony: Colony, ensemble: Ensemble | None, best_by: BestBy = "plan") -> dict[str, Any]:
    """Return the facts of the page as plain data, for ``--json``."""
    facts = colony.to_dict(best_by)
    facts["evaluated_on"] = name_purpose(facts["evaluated_on"])
    if ensemble is not None:
        assert ensemble.provenance is not None
        evaluated = ensemble.provenance.evaluation
        facts["ensemble"] = {"networks": len(ensemble), "temperature": ensemble.temperature, "evaluation": evaluated}
    return facts


def _sweep_facts(colony: Colony) -> Table:
    prepared = colony[0].prepared
    facts = facts_table()
    sizes = part_sizes(prepared)
    in_folds = None if colony.fold_layout is None else f"{sum(sizes.values()):,} in {colony.fold_layout.folds} folds"
    facts.add_row("rows", in_folds or count_rows(sizes))
    if prepared.preparation.bootstrap is not None:
        facts.add_row("bootstrap", "each seed trains on its own sample of the training rows")
    facts.add_row("label", f"{prepared.labels.name}: {describe_classes(prepared.labels)}")
    facts.add_row("networks", f"{len(colony):,}{_describe_combinations(colony)}")
    each = format_duration(colony.seconds / len(colony))
    threads = str(colony.crew.hardware)
    endings = _describe_endings(colony)
    facts.add_row("trained", f"in {format_duration(colony.seconds)} on {threads}, {each} each{endings}")
    return facts


def _describe_combinations(colony: Colony) -> str:
    names = (*colony.varied_arguments, *(name for name in FOLD_COLUMNS if name in colony.choices[0]), "seed")
    values = {name: {repr(value): value for value in values_of(colony.choices, name)} for name in names}
    counts = {name: len(found) for name, found in values.items()}
    if math.prod(counts.values()) == len(colony):
        factors = [f"{count:,} {_plural(name, values[name])}" for name, count in counts.items() if count > 1]
        return f": {' × '.join(factors)}" if factors else ""
    return f", drawn from {', '.join(name.replace('_', ' ') for name in colony.varied_arguments)}"


def _plural(name: str, values: Mapping[str, Any]) -> str:
    if name not in PLURALS and all(isinstance(value, bool) for value in values.values()):
        return f"values of {name.replace('_', ' ')}"
    return PLURALS.get(name, f"{name.replace('_', ' ')}s")


def _describe_endings(colony: Colony) -> str:
    status = colony.results.status
    counts = {ending: int((status == name).sum()) for name, ending in ENDINGS.items()}
    endings = [f"{count:,} {ending}" for ending, count in counts.items() if count]
    if colony.interrupted:
        endings.append(f"interrupted with {int(colony.results.done.sum()):,} of {len(colony):,} done")
    return "".join(f"; {ending}" for ending in endings)


def _best_networks(colony: Colony, top: int) -> Table:
    """Render the best networks, one in a row."""
    rows = polars_frame(colony.table).head(min(top, len(colony.ranking()))).to_dicts()
    has_seeds = _has_seeds(colony)
    has_epochs = len({row["epochs"] for row in rows}) > 1
    names = [*colony.varied_arguments, *(["seed"] if has_seeds else []), *(["epochs"] if has_epochs else [])]
    scores = ["train_loss", f"{colony.partition}_loss", f"{colony.partition}_{colony.results.metric_name}"]
    scores = list(dict.fromkeys(scores))
    table = narrow_table(["rank", *names, *(score.removeprefix("train_") for score in scores)])
    for row in rows:
        cells = [format_value(row[name], digits=4) for name in names]
        table.add_row(str(row["rank"]), *cells, *(format_score(row[score]) for score in scores))
    return table


def _effect_table(colony: Colony, effects: list[Effect]) -> Table:
    """Render the share of variance that each argument explains, as a number and as a bar, and its best value."""
    table = plain_table("argument", "share", "", "best value", f"median {_score_name(colony)}", left=("argument", ""))
    table.columns[0].style = "dim"
    for column in table.columns[:3]:
        column.no_wrap = True
    shares = [0.0 if math.isnan(effect.share) else effect.share for effect in effects]
    for effect, share in zip(effects, shares, strict=True):
        text = "" if math.isnan(effect.share) else f"{share:.0%}"
        bar = draw_bar(share, 1.0, fit_bar(BAR_WIDTH))
        table.add_row(effect.argument.replace("_", " "), text, bar, effect.best_value, format_score(effect.median))
    interactions = 1 - sum(shares)
    if interactions > INTERACTIONS_FROM and len(effects) > 2 and effects[-1].argument == "seed":
        table.add_row("interactions", f"{interactions:.0%}", Text(), "", "", style="dim")
    return table


def _score_name(colony: Colony) -> str:
    part, metric = "validation " if colony.partition == "validation" else "", colony.ranking_metric
    return part + (metric if metric == "loss" else metric_name(metric))


def _best_plans(colony: Colony) -> Table:
    """Render the best plans, with the mean and the spread of their networks' scores."""
    name = f"{colony.partition}_{colony.ranking_metric}"
    has_diverged = bool(colony.results.diverged.any())
    scores = [f"mean {_score_name(colony)}", "std", "min", "max", *(["diverged"] if has_diverged else [])]
    table = narrow_table(["rank", *colony.varied_arguments, *scores])
    for place, row in enumerate(polars_frame(colony.plans).head(MAX_PLANS).to_dicts(), 1):
        cells = [str(place), *(format_value(row[column], digits=4) for column in colony.varied_arguments)]
        numbers = [format_score(row[f"{statistic}_{name}"]) for statistic in ("mean", "std", "min", "max")]
        table.add_row(*cells, *numbers, *([f"{row['diverged']:,}"] if has_diverged else []))
    return table


def _best_plans_on_folds(colony: Colony, top: int) -> Table:
    """Render the best plans: their means over the folds with an interval, and the gap of each to the best."""
    name = f"{colony.partition}_{colony.ranking_metric}"
    has_diverged = bool(colony.results.diverged.any())
    scores = [f"mean {_score_name(colony)}", INTERVAL, "std", "gap to best", *(["diverged"] if has_diverged else [])]
    table = narrow_table(["rank", *colony.varied_arguments, *scores])
    for place, row in enumerate(polars_frame(colony.plans).head(top).to_dicts(), 1):
        interval, gap = (
            "" if row[f"low_{key}"] is None else f"{write(row[f'low_{key}'])} to {write(row[f'high_{key}'])}"
            for key, write in ((name, format_score), ("gap", "{:.2g}".format))
        )
        cells = [str(place), *(format_value(row[column], digits=4) for column in colony.varied_arguments)]
        numbers = [format_score(row[f"mean_{name}"]), interval, format_score(row[f"std_{name}"])]
        numbers.append(gap if place > 1 else "")
        table.add_row(*cells, *numbers, *([f"{row['diverged']:,}"] if has_diverged else []))
    return table


def _describe_choice(choice: dict[str, Any]) -> str:
    values = {name: format_value(format_choice(value), digits=4) for name, value in choice.items()}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in values.items())


def _ensemble_table(evaluation: AnyEvaluation, name: str, ensemble: Ensemble) -> Table:
    """Render the metrics of the ensemble and of the best network on the same rows."""
    assert ensemble.provenance is not None
    head = f"on {evaluation.rows:,} {name_purpose(name)} rows"
    table = plain_table(head, "best network", f"ensemble of {len(ensemble)}", left=(head,))
    table.columns[0].style = "dim"
    for key, value in evaluation.metrics().items():
        table.add_row(metric_name(key), format_score(value), format_score(ensemble.provenance.evaluation[key]))
    return table

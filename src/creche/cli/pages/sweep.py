"""A sweep as a page of text: how many networks in how long, the best of them, what mattered, how good the best is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.cli.pages.evaluation import evaluation_page
from creche.evaluation.metrics import LABELS, name_purpose
from creche.model_selection.fold_statistics import OF_FOLDS
from creche.model_selection.results import Effect
from creche.render.words import describe_classes

if TYPE_CHECKING:
    from creche.model.ensemble import Ensemble
    from creche.model_selection.colony import Colony

__all__ = ["format_short_duration", "sweep_data", "sweep_page"]

PLANS_SHOWN = 5


BAR_WIDTH = 12


LUCK = (
    "The best of {count:,} by these {rows} rows is partly the luckiest on them; --test-fraction 0.2 keeps rows that "
    "have no part in the choice."
)


ON_FOLDS = (
    "Each interval of 95 % allows for folds sharing training rows (Nadeau & Bengio 2003). Behind the best is told fold "
    "by fold; where it holds 0, a plan may be as good. The best of {count:,} by these folds is partly the luckiest on "
    "them."
)


SEVERAL = {
    "hidden": "shapes",
    "loss": "losses",
    "epochs": "lengths",
    "early_stopping": "patiences",
    "shuffle": "orders",
}


def sweep_page(colony: Colony, ensemble: Ensemble | None, top: int) -> RenderableType:
    """The whole page."""
    folded = colony.folded is not None
    best_of_all = _plans_on_folds(colony, top) if folded else _best_networks(colony, top)
    parts: list[RenderableType] = [_heading(colony), Text(), best_of_all]
    effects = colony.effects()
    if colony.varied and any(not math.isnan(effect.share) for effect in effects):
        parts += [Text(), _what_mattered(colony, effects)]
    if folded:
        said = ON_FOLDS.format(count=len(colony.plans()))
        return Group(*parts, Text(), Text(said, style="dim"))
    if any(effect.argument == "seed" for effect in effects):
        parts += [Text(), _best_plans(colony)]
    best = colony.best()
    name, evaluation = best.evaluation
    parts += [Text(), Text(f"The best network, {_said(best.choice)}:"), Text()]
    parts += [evaluation_page(evaluation, f"{name_purpose(name)} rows", most_mistaken=0)]
    if ensemble is not None:
        parts += [Text(), _beside_the_ensemble(colony, ensemble)]
    if name != "test" and len(colony) > 1:
        parts += [Text(), Text(LUCK.format(count=len(colony), rows=name_purpose(name)), style="dim")]
    return Group(*parts)


def _heading(colony: Colony) -> RenderableType:
    prepared = colony[0].prepared
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    rows = ", ".join(f"{len(part):,} for {name_purpose(n)}" for n, part in parts.items() if part is not None)
    if colony.folded is not None:
        rows = f"{sum(len(part) for part in parts.values() if part is not None):,} in {colony.folded.folds} folds"
    grid.add_row("rows", rows)
    if prepared.preparation.bootstrap is not None:
        grid.add_row("bootstrap", "each seed learns a sample of its own, drawn from the rows for training")
    grid.add_row("label", f"{prepared.labels.name}: {describe_classes(prepared.labels)}")
    grid.add_row("networks", f"{len(colony):,}{_combinations(colony)}")
    each = colony.seconds / len(colony)
    threads = f"{colony.crew.threads} thread{'s' if colony.crew.threads > 1 else ''}"
    grid.add_row(
        "trained",
        f"in {format_short_duration(colony.seconds)} on {threads}, {format_short_duration(each)} each{_endings(colony)}",
    )
    return grid


def _combinations(colony: Colony) -> str:
    names = (*colony.varied, *(name for name in OF_FOLDS if name in colony.choices[0]), "seed")
    counts = {name: len({repr(choice[name]) for choice in colony.choices}) for name in names}
    words = [f"{count:,} {_several(name)}" for name, count in counts.items() if count > 1]
    if math.prod(counts.values()) == len(colony):
        return f": {' × '.join(words)}" if words else ""
    return f", drawn from {', '.join(name.replace('_', ' ') for name in colony.varied)}"


def _several(name: str) -> str:
    return SEVERAL.get(name, f"{name.replace('_', ' ')}s")


def format_short_duration(seconds: float) -> str:
    """A short time as people say it."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.1f} s"


def _endings(colony: Colony) -> str:
    status = colony.results.status
    said = {"diverged": "diverged", "stopped": "stopped by halving", "early_stopped": "stopped early"}
    endings = [f"{int((status == name).sum()):,} {words}" for name, words in said.items() if (status == name).any()]
    if colony.interrupted:
        endings.append(f"interrupted with {int(colony.results.done.sum()):,} of {len(colony):,} done")
    return "".join(f"; {ending}" for ending in endings)


def _best_networks(colony: Colony, top: int) -> Table:
    """The best, one in a line."""
    rows = colony.table().head(min(top, len(colony.ranking()))).to_dicts()
    seeds = ["seed"] if len({choice["seed"] for choice in colony.choices}) > 1 else []
    names = [*colony.varied, *seeds]
    epochs = ["epochs"] if len({row["epochs"] for row in rows}) > 1 else []
    measured = ["train_loss", f"{colony.watched}_loss", f"{colony.watched}_{colony.results.metric_name}"]
    measured = list(dict.fromkeys(measured))
    table = _table(["best", *names, *epochs, *measured])
    for row in rows:
        cells = [_cell(row[name]) for name in (*names, *epochs)]
        table.add_row(str(row["rank"]), *cells, *(_number(row[name]) for name in measured))
    return table


def _table(titles: Sequence[str]) -> Table:
    """A table of numbers as narrow as it can be: titles break between their words, cells do not."""
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for i, title in enumerate(titles):
        words = title.removeprefix("train_").replace("_", " ").replace(" ", "\n")
        table.add_column(words, justify="right", no_wrap=True, style="dim" if i == 0 else "", vertical="bottom")
    return table


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "none" if value is None else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if 0.001 <= abs(value) < 10 else f"{value:.3g}"


def _what_mattered(colony: Colony, effects: list[Effect]) -> Table:
    """The share of each argument in the differences, as a bar; the best value of each."""
    table = Table(box=None, padding=(0, 1), header_style="dim")
    table.add_column("what mattered", style="dim", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("best value", justify="right")
    table.add_column(f"median {_judged_by(colony)}", justify="right")
    for effect in effects:
        share = "" if math.isnan(effect.share) else f"{effect.share:.0%}"
        filled = 0 if math.isnan(effect.share) else round(effect.share * BAR_WIDTH)
        bar = Text("█" * filled, style="blue") + Text("░" * (BAR_WIDTH - filled), style="dim")
        median = "" if math.isnan(effect.median) else _number(effect.median)
        table.add_row(effect.argument.replace("_", " "), share, bar, effect.best, median)
    together = 1 - sum(effect.share for effect in effects if not math.isnan(effect.share))
    if together > 0.05 and len(effects) > 2 and effects[-1].argument == "seed":
        table.add_row("how they go together", f"{together:.0%}", Text(), "", "", style="dim")
    return table


def _judged_by(colony: Colony) -> str:
    part = "validation " if colony.watched == "validation" else ""
    return part + colony.ranked_by


def _best_plans(colony: Colony) -> Table:
    """How far the seeds of the best plans lie apart."""
    what = colony.ranked_by
    name = f"{colony.watched}_{what}"
    diverged = bool(colony.results.diverged.any())
    titles = [f"mean {_judged_by(colony)}", "±", "lowest", "highest", *(["diverged"] if diverged else [])]
    table = _table(["over seeds", *colony.varied, *titles])
    for place, row in enumerate(colony.plans().head(PLANS_SHOWN).to_dicts(), 1):
        numbers = [_number(row[f"{statistic}_{name}"]) for statistic in ("mean", "std", "min", "max")]
        cells = [str(place), *(_cell(row[column]) for column in colony.varied), *numbers]
        table.add_row(*cells, *([f"{row['diverged']:,}"] if diverged else []))
    return table


def _plans_on_folds(colony: Colony, top: int) -> Table:
    """The best plans: their means over the folds, how sure these are, and how far each is behind the first."""
    what = colony.ranked_by
    name = f"{colony.watched}_{what}"
    diverged = bool(colony.results.diverged.any())
    titles = [
        f"mean {_judged_by(colony)}",
        "95 % interval",
        "±",
        "behind the best",
        *(["diverged"] if diverged else []),
    ]
    table = _table(["best", *colony.varied, *titles])
    for place, row in enumerate(colony.plans().head(top).to_dicts(), 1):
        interval, behind = (
            "" if row[f"low_{of}"] is None else f"{shown(row[f'low_{of}'])} to {shown(row[f'high_{of}'])}"
            for of, shown in ((name, _number), ("behind", "{:.2g}".format))
        )
        cells = [str(place), *(_cell(row[column]) for column in colony.varied)]
        numbers = [_number(row[f"mean_{name}"]), interval, _number(row[f"std_{name}"]), behind if place > 1 else ""]
        table.add_row(*cells, *numbers, *([f"{row['diverged']:,}"] if diverged else []))
    return table


def _said(choice: dict[str, Any]) -> str:
    from creche.model_selection.results import format_choice

    return ", ".join(f"{name.replace('_', ' ')} {_cell(format_choice(value))}" for name, value in choice.items())


def _beside_the_ensemble(colony: Colony, ensemble: Ensemble) -> Table:
    """The metrics of the ensemble and of the best network alone, on the same rows."""
    best = colony.best()
    name, alone = best.evaluation
    part = best.prepared.evaluation_part[1]
    together = ensemble.evaluate_rows(part.observations, part.weights, n_resamples=0).metrics()
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column(f"on {alone.rows:,} {name_purpose(name)} rows", style="dim")
    table.add_column("best network", justify="right")
    table.add_column(f"ensemble of {len(ensemble)}", justify="right")
    for metric, value in alone.metrics().items():
        table.add_row(LABELS.get(metric, metric.replace("_", " ")), _number(value), _number(together[metric]))
    return table


def sweep_data(colony: Colony, ensemble: Ensemble | None) -> dict[str, Any]:
    """The same facts as plain data, for ``--json``."""
    best, results = colony.best(), colony.results
    name, evaluation = best.evaluation
    facts = {
        "networks": len(colony),
        "varied": list(colony.varied),
        "ranked_by": f"{colony.watched}_{colony.ranked_by}",
        "diverged": int(results.diverged.sum()),
        "interrupted": colony.interrupted,
        "seconds": colony.seconds,
        "threads": colony.crew.threads,
        "label": best.prepared.labels.name,
        "training_rows": len(best.prepared.train),
        "bootstrap": best.prepared.preparation.bootstrap is not None,
        "evaluated_on": name_purpose(name),
        "best": {"member": best.number, "evaluation": evaluation.to_dict(), "plan": best.plan.to_dict()},
        "effects": [_finite(asdict(effect)) for effect in colony.effects()],
        "plans": colony.plans().to_dicts(),
        "members": colony.table().to_dicts(),
    }
    if ensemble is not None:
        assert ensemble.provenance is not None
        evaluated = ensemble.provenance.evaluation
        facts["ensemble"] = {"networks": len(ensemble), "temperature": ensemble.temperature, "evaluation": evaluated}
    return facts


def _finite(data: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in data.items()}

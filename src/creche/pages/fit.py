"""The page of a fitted model: what was tried and kept, how good it is out of fold, and which columns matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche._phrases import format_count
from creche.pages.charts import draw_bar
from creche.pages.evaluation import evaluation_page
from creche.pages.run import metric_table, schema_table
from creche.pages.tables import facts_table, format_duration, format_score, plain_table
from creche.render.words import describe_classes, describe_threshold, format_number

if TYPE_CHECKING:
    from creche.fitting.recipe import KeptPlan
    from creche.model.calibration import Calibration
    from creche.model.fit_record import FitRecord, TriedConfiguration
    from creche.model.fitted import FittedModel

__all__ = ["fitted_data", "fitted_page", "recipe_page", "record_page"]

MAX_TRIED = 12
MAX_COLUMNS = 12
COVERAGE = 0.9


def fitted_page(model: FittedModel) -> RenderableType:
    """Render a fitted model."""
    parts: list[RenderableType] = [_facts(model), Text(), record_page(model.record)]
    origin = model.provenance
    if model.record.importance:
        parts += [Text(), *_importance(model)]
    if model.out_of_fold is not None:
        parts += [Text(), evaluation_page(model.out_of_fold, "held-out rows", model.out_of_fold_rows)]
    elif origin is not None:
        if origin.schema is not None:
            parts += [Text(), schema_table(origin.schema)]
        parts += [Text(), metric_table(origin)]
    return Group(*parts)


def fitted_data(model: FittedModel) -> dict[str, Any]:
    """Return the facts of the page as plain data, for ``--json``."""
    header, _ = model.to_parts()
    origin = model.provenance
    return {
        "label": model.labels.name,
        "task": model.labels.task,
        "networks": len(model),
        "record": model.record.to_dict(),
        "calibration": model.calibration.to_dict(),
        "threshold": model.threshold,
        "evaluated_on": "held-out",
        "evaluation": None if origin is None else dict(origin.evaluation),
        "shares": model.shares.tolist(),
        "members": header["members"],
    }


def recipe_page(plans: Sequence[KeptPlan]) -> RenderableType:
    """Render the plan of each kept configuration, as arguments of `creche.train`."""
    arguments = [_write_arguments(each) for each in plans]
    shared = [text for text in arguments[0] if all(text in each for each in arguments)] if len(plans) > 1 else []
    heading = "arguments of creche.train"
    table = plain_table("configuration", heading, left=("configuration", heading))
    for kept, texts in list(zip(plans, arguments, strict=True))[:MAX_TRIED]:
        table.add_row(Text(kept.tried.name), Text(", ".join(text for text in texts if text not in shared)))
    if shared:
        table.add_row(f"all {len(plans):,}", Text(", ".join(shared)))
    if len(plans) > MAX_TRIED:
        table.add_row(f"… {len(plans) - MAX_TRIED:,} more", "")
    return table


def _write_arguments(kept: KeptPlan) -> list[str]:
    """Write the arguments in which configurations may differ as in a call in Python."""
    plan, hidden = kept.plan, kept.plan.network.layers[:-1]
    arguments: dict[str, Any] = {"hidden": [layer.width for layer in hidden]}
    if hidden:
        arguments |= {"activation": hidden[0].activation.key, "dropout": hidden[0].dropout}
    arguments |= {
        "optimizer": plan.optimizer, "schedule": plan.schedule, "batch_size": plan.batch_size, "epochs": plan.epochs,
        "early_stopping": False, "keep": plan.keep, "preprocessing": kept.preparation.preprocessing,
    }  # fmt: skip
    if plan.network.embeddings:
        arguments["number_embedding"] = plan.network.embeddings[0].embedding
    if hidden and hidden[0].normalization != "none":
        arguments["normalization"] = hidden[0].normalization
    if hidden and hidden[0].parametric_activation:
        arguments["parametric_activation"] = True
    if plan.network.submodels > 1:
        arguments["submodels"] = plan.network.submodels
    if plan.network.layers[0].scale_inputs:
        arguments["scale_inputs"] = True
    return [f"{name}={value!r}" for name, value in arguments.items()]


def _facts(model: FittedModel) -> Table:
    record = model.record
    facts = facts_table()
    facts.add_row("label", f"{model.labels.name}: {describe_classes(model.labels)}")
    judged = "" if record.judged_rows == record.rows else f", {record.judged_rows:,} of them held out"
    folds = f"{record.folds} folds" if record.folds > 1 else "one split"
    facts.add_row("rows", f"{record.rows:,} in {folds}{judged}")
    kept = sum(each.weight > 0 for each in record.tried)
    facts.add_row(
        "model",
        f"{format_count(len(model), 'network')} from {kept} of the {format_count(len(record.tried), 'configuration')} "
        f"tried",
    )
    baseline = "" if record.baseline is None else f", baseline {format_number(record.baseline)}"
    facts.add_row(record.score_name, f"{format_number(record.score)} on held-out rows{baseline}")
    if model.classes is not None:
        facts.add_row("calibration", _describe_calibration(model.calibration))
    if model.threshold is not None:
        facts.add_row("threshold", describe_threshold(model.threshold, model.labels))
    if (certain := _describe_interval(model)) is not None:
        facts.add_row("interval", certain)
    ending = {"interrupted": ", interrupted", "out of time": ", stopped by the time limit"}.get(record.status, "")
    facts.add_row(
        "effort", f"{record.effort}, {record.work:.2g} operations in {format_duration(record.seconds)}{ending}"
    )
    return facts


def _describe_calibration(calibration: Calibration) -> str:
    parts = [f"temperature {calibration.temperature:.3g}"]
    if calibration.matrix:
        parts.append(f"a matrix of {len(calibration.matrix)} × {len(calibration.matrix)}")
    if calibration.offsets:
        parts.append(f"offsets from {min(calibration.offsets):.2g} to {max(calibration.offsets):.2g}")
    return ", ".join(parts)


def _describe_interval(model: FittedModel) -> str | None:
    """Describe the conformal interval of 90 % coverage, where there are rows enough."""
    if model.classes is not None or model.record.judged_rows < 10 or len(model.labels.names) > 1:
        return None
    score = format_number(float(model.conformal_scores(COVERAGE)[0]))
    if len(model.quantiles) > 1:
        return f"the outermost quantiles, moved outwards by {score}, contain {COVERAGE:.0%} of labels"
    return f"± {score} around the prediction contains {COVERAGE:.0%} of labels"


def record_page(record: FitRecord) -> RenderableType:
    """Render the configurations that were tried, the best first."""
    table = plain_table(
        "configuration", record.score_name, "weight", "layers", "epoch", "rate", "dropout",
        left=("configuration", "layers"),
    )  # fmt: skip
    for each in _select(record.tried):
        arguments = each.arguments
        layers = "-".join(map(str, arguments["hidden"])) or "linear"
        submodels = arguments.get("submodels")
        if isinstance(submodels, int) and submodels > 1:
            layers = f"{submodels} × {layers}"
        table.add_row(
            Text(each.name), format_score(each.score), f"{each.weight:.0%}" if each.weight else "",
            f"{layers} {arguments['activation']}", f"{each.epoch}/{each.epochs}", f"{arguments['learning_rate']:.2g}",
            f"{arguments['dropout']:g}",
        )  # fmt: skip
    if len(record.tried) > MAX_TRIED:
        table.add_row(f"… {len(record.tried) - MAX_TRIED:,} more", *("" for _ in table.columns[1:]))
    return table


def _select(tried: tuple[TriedConfiguration, ...]) -> list[TriedConfiguration]:
    """Return the first of the board: those that were kept, then the best of the others."""
    kept = sorted((each for each in tried if each.weight > 0), key=lambda each: -each.weight)[:MAX_TRIED]
    names = {each.number for each in kept}
    others = [each for each in tried if each.number not in names]
    shown = {each.number for each in [*kept, *others][:MAX_TRIED]}
    return [each for each in tried if each.number in shown]


def _importance(model: FittedModel) -> list[RenderableType]:
    """Render the columns with the rise in loss that shuffling each causes."""
    importance = list(model.record.importance.items())
    loss = "log loss" if model.classes is not None else "rmse"
    loss = "rmse of p(yes)" if model.labels.is_multilabel else "pinball loss" if model.quantiles else loss
    table = plain_table("column", f"increase in {loss}", "", left=("column", ""))
    largest = max((abs(rise) for _, rise in importance), default=0.0)
    for name, rise in importance[:MAX_COLUMNS]:
        table.add_row(Text(name), format_number(rise), draw_bar(max(rise, 0.0), largest))
    if len(importance) > MAX_COLUMNS:
        table.add_row(f"… {len(importance) - MAX_COLUMNS:,} more", "", "")
    return [Text("When one column is shuffled among the held-out rows:"), table]

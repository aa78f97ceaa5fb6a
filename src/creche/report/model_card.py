"""The model card: what users of a model need to know about it (Mitchell et al. 2019), in Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from creche.evaluation.metrics import METRICS, metric_name
from creche.explain.cells import format_cell
from creche.render.components import describe_component, describe_optimizer, describe_uncommon_choices
from creche.render.words import describe_classes, format_interval, format_number, name_purpose
from creche.report.fitted import describe_out_of_fold
from creche.report.limits import baseline_name, find_limitations, find_ranges
from creche.report.subject import ReportSubject

__all__ = ["create_card", "escape_markdown"]

# Characters that Markdown reads as markup: everywhere, at the edges of words, and at the beginning of a line.
SPECIAL = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+=-]|(?<=^\d)[.)](?= ))")


COLUMNS_LISTED, CLASSES_LISTED = 100, 40


def create_card(subject: ReportSubject, intended_use: str | None = None) -> str:
    """Return the card as text."""
    parts = [
        f"# Model card: {escape_markdown(subject.title)}",
        "## Model details", _bullets(_list_details(subject)),
        "## Intended use", escape_markdown(intended_use) if intended_use else _blank("intended users and uses"),
        "Out of scope: " + _blank("uses that the model is not meant for"),
        "## Training data", _bullets(_list_data(subject)), _ranges_table(subject),
        "## Evaluation", f"Evaluated on {escape_markdown(subject.rows_description)}.", _metrics_table(subject),
        *([escape_markdown(describe_out_of_fold(subject.model))] if subject.has_out_of_fold else []),
        *_classes_tables(subject),
        "## Limitations",
        _bullets((found.topic, escape_markdown(found.text)) for found in find_limitations(subject)),
        "## Ethical considerations", _blank("people and groups affected by the predictions; the cost of an error"),
        "Groups to evaluate separately: " + _blank("for example by region, age or device"),
        "_Sections after Mitchell et al. 2019, \"Model cards for model reporting\"._",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def escape_markdown(text: Any) -> str:
    r"""Return text on one line in which nothing is Markdown or HTML.

    Examples
    --------
    >>> print(escape_markdown("a|b *c* <script>"))
    a\|b \*c\* &lt;script&gt;

    """
    one_line = "".join(c if c.isprintable() else " " for c in str(text))
    escaped = SPECIAL.sub(r"\\\1", " ".join(one_line.split()).replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def _blank(what: str) -> str:
    return f"**[to be filled in: {what}]**"


def _bullets(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {escape_markdown(name)}: {text}" for name, text in pairs) or "- none"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *([escape_markdown(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _list_details(subject: ReportSubject) -> list[tuple[str, str]]:
    plan, origin = subject.model_plan, subject.origin
    found = [("predicts", escape_markdown(f"{subject.label} ({describe_classes(subject.model.labels)})"))]
    found.append(("kind", escape_markdown(subject.kind)))
    if plan is not None:
        steps = f"{describe_component(plan.loss)}, {describe_optimizer(plan.optimizer)}, batch size {plan.batch_size:,}"
        found.append(("training", escape_markdown(steps)))
        found += [(name, escape_markdown(choice)) for name, choice in describe_uncommon_choices(plan)]
    if origin is not None:
        found += [
            ("trained by", f"Creche {origin.version}, {len(origin.history):,} epochs"),
            ("SHA-256 of the weights", origin.weights),
        ]
    return found


def _list_data(subject: ReportSubject) -> list[tuple[str, str]]:
    origin = subject.origin
    if origin is None:
        return [("source", "unknown")]
    rows = ", ".join(f"{count:,} for {name_purpose(name)}" for name, count in origin.rows.items())
    missing = [] if origin.schema is None else [c for c in origin.schema.columns if c.missing]
    found = [("rows", rows), ("columns", escape_markdown(", ".join(subject.model.features.names[:COLUMNS_LISTED])))]
    if missing:
        cells = ", ".join(f"{c.name} {c.missing / max(c.rows, 1):.0%}" for c in missing[:COLUMNS_LISTED])
        found.append(("missing values", escape_markdown(cells)))
    return [*found, ("SHA-256 of the table", str(origin.data.get("total")))]


def _ranges_table(subject: ReportSubject) -> str:
    found = find_ranges(subject)[:COLUMNS_LISTED]
    if not found:
        return ""
    rows_name = "training" if subject.prepared is not None else "evaluation"
    rows = [(r.column, *(format_cell(value, 5) for value in (r.low, r.median, r.high))) for r in found]
    return _table((f"column ({rows_name} rows)", "minimum", "median", "maximum"), rows)


def _metrics_table(subject: ReportSubject) -> str:
    evaluation = subject.evaluation
    rows = []
    for name, value in evaluation.metrics().items():
        bounds = format_interval(*evaluation.intervals[name]) if name in evaluation.intervals else ""
        baseline = format_number(evaluation.baseline.get(name, math.nan)) if METRICS[name].has_baseline else ""
        rows.append((metric_name(name), format_number(value), bounds, baseline))
    return _table(("metric", "value", "95 % CI (bootstrap)", baseline_name(subject)), rows)


def _classes_tables(subject: ReportSubject) -> list[str]:
    if not subject.is_classification or len(subject.evaluation.classes) > CLASSES_LISTED:
        return []
    rows = [
        (c.name, f"{c.rows:,}", format_number(c.precision), format_number(c.recall), format_number(c.f1))
        for c in subject.evaluation.per_class
    ]
    return [_table(("class", "rows", "precision", "recall", "F1"), rows)]

"""The model card: what goes with a model to whoever uses it (Mitchell et al. 2019), in Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from creche.evaluation.metrics import METRICS, metric_name
from creche.render.words import describe_classes, describe_optimizer, format_interval, format_number, name_purpose
from creche.report.limits import find_limitations, find_ranges
from creche.report.subject import ReportSubject

__all__ = ["create_card"]

# What could be more than text: everywhere, an underscore at the edge of a word, and at the beginning of a line.
SPECIAL = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+=-]|(?<=^\d)[.)](?= ))")


RANGES_SHOWN, CLASSES_SHOWN = 100, 40


def create_card(subject: ReportSubject, intended_use: str | None = None) -> str:
    """The card as text."""
    parts = [
        f"# Model card: {escape_markdown(subject.title)}",
        "## Model", _listed(_model(subject)),
        "## Intended use", escape_markdown(intended_use) if intended_use else _blank("who is to use it for what"),
        "Not for: " + _blank("what it is not meant for"),
        "## Training data", _listed(_training_data(subject)), _ranges(subject),
        "## How good it is", f"Judged by {escape_markdown(subject.which)}.", _metrics(subject), *_classes(subject),
        "## Limits found", _listed((limit.about, escape_markdown(limit.text)) for limit in find_limitations(subject)),
        "## Who may be affected, and how", _blank("people and groups the predictions concern; what a mistake costs"),
        "Groups that should be looked at apart: " + _blank("such as region, age, device"),
        "_Sections after Mitchell et al. 2019, \"Model cards for model reporting\"._",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def escape_markdown(text: Any) -> str:
    r"""Text that is nothing but text in Markdown, on one line.

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


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {escape_markdown(name)}: {text}" for name, text in pairs) or "- none"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *([escape_markdown(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _model(subject: ReportSubject) -> list[tuple[str, str]]:
    plan, origin = subject.model_plan, subject.origin
    found = [("predicts", escape_markdown(f"{subject.label} ({describe_classes(subject.model.labels)})"))]
    if plan is None:
        found.append(("kind", f"an ensemble of {len(subject.model.models)} networks"))  # type: ignore[union-attr]
    else:
        found += [
            (
                "network",
                escape_markdown(f"{plan.network}, {plan.network.parameters:,} parameters, multilayer perceptron"),
            ),
            (
                "training",
                escape_markdown(f"{describe_optimizer(plan.optimizer)}, {plan.loss!r}, batch size {plan.batch_size}"),
            ),
        ]
    if origin is not None:
        found += [
            ("trained by", f"Creche {origin.version}, {len(origin.history):,} epochs"),
            ("weights, SHA-256", origin.weights),
        ]
    return found


def _training_data(subject: ReportSubject) -> list[tuple[str, str]]:
    origin = subject.origin
    if origin is None:
        return [("source", "not known")]
    rows = ", ".join(f"{count:,} for {name_purpose(name)}" for name, count in origin.rows.items())
    missing = [] if origin.schema is None else [c for c in origin.schema.columns if c.missing]
    found = [("rows", rows), ("columns", escape_markdown(", ".join(subject.model.features.names[:RANGES_SHOWN])))]
    if missing:
        cells = ", ".join(f"{c.name} {c.missing / max(c.rows, 1):.0%}" for c in missing[:RANGES_SHOWN])
        found.append(("missing", escape_markdown(cells)))
    return [*found, ("table, SHA-256", str(origin.data.get("total")))]


def _ranges(subject: ReportSubject) -> str:
    found = find_ranges(subject)[:RANGES_SHOWN]
    if not found:
        return ""
    whose = "training" if subject.prepared is not None else "judged"
    rows = [(r.column, f"{r.low:.5g}", f"{r.median:.5g}", f"{r.high:.5g}") for r in found]
    return _table(("column", f"lowest of the {whose} rows", "median", "highest"), rows)


def _metrics(subject: ReportSubject) -> str:
    evaluation = subject.evaluation
    rows = []
    for name, value in evaluation.metrics().items():
        bounds = format_interval(*evaluation.intervals[name]) if name in evaluation.intervals else ""
        always = format_number(evaluation.baseline.get(name, math.nan)) if METRICS[name].has_baseline else ""
        rows.append((metric_name(name), format_number(value), bounds, always))
    always = "always the commonest class" if subject.is_of_classes else "always the mean"
    return _table(("metric", "value", "95 % of resamples", always), rows)


def _classes(subject: ReportSubject) -> list[str]:
    if not subject.is_of_classes or len(subject.evaluation.classes) > CLASSES_SHOWN:
        return []
    rows = [
        (c.name, f"{c.rows:,}", format_number(c.precision), format_number(c.recall), format_number(c.f1))
        for c in subject.evaluation.per_class
    ]
    return [_table(("class", "rows", "precision", "recall", "F1"), rows)]

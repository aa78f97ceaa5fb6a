"""The model card: what goes with a model to whoever uses it (Mitchell et al. 2019), in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from creche.evaluation.metrics import NOT_OF_BASELINES, interval, metric_name, number, purpose
from creche.render.words import classes_in_words, optimizer_in_words
from creche.report.limits import limits_of, ranges_of
from creche.report.subject import Subject

__all__ = ["card_of"]

# What could be more than text: everywhere, an underscore at the edge of a word, and at the beginning of a line.
SPECIAL = re.compile(r"([\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+=-]|(?<=^\d)[.)](?= ))")


RANGES_SHOWN, CLASSES_SHOWN = 100, 40


def card_of(subject: Subject, intended_use: str | None = None) -> str:
    """The card as text."""
    parts = [
        f"# Model card: {plain(subject.title)}",
        "## Model", _listed(_model(subject)),
        "## Intended use", plain(intended_use) if intended_use else _blank("who is to use it for what"),
        "Not for: " + _blank("what it is not meant for"),
        "## Training data", _listed(_training_data(subject)), _ranges(subject),
        "## How good it is", f"Judged by {plain(subject.which)}.", _metrics(subject), *_classes(subject),
        "## Limits found", _listed((limit.about, plain(limit.text)) for limit in limits_of(subject)),
        "## Who may be affected, and how", _blank("people and groups the predictions concern; what a mistake costs"),
        "Groups that should be looked at apart: " + _blank("such as region, age, device"),
        "_Sections after Mitchell et al. 2019, \"Model cards for model reporting\"._",
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: Any) -> str:
    r"""Text that is nothing but text in Markdown, on one line.

    Examples
    --------
    >>> print(plain("a|b *c* <script>"))
    a\|b \*c\* &lt;script&gt;

    """
    one_line = "".join(c if c.isprintable() else " " for c in str(text))
    escaped = SPECIAL.sub(r"\\\1", " ".join(one_line.split()).replace("&", "&amp;"))
    return escaped.replace("<", "&lt;").replace(">", "&gt;")


def _blank(what: str) -> str:
    return f"**[to be filled in: {what}]**"


def _listed(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {plain(name)}: {text}" for name, text in pairs) or "- none"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *([plain(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _model(subject: Subject) -> list[tuple[str, str]]:
    plan, origin = subject.model_plan, subject.origin
    found = [("predicts", plain(f"{subject.label} ({classes_in_words(subject.model.labels)})"))]
    if plan is None:
        found.append(("kind", f"an ensemble of {len(subject.model.models)} networks"))  # type: ignore[union-attr]
    else:
        found += [
            ("network", plain(f"{plan.network}, {plan.network.parameters:,} parameters, multilayer perceptron")),
            ("training", plain(f"{optimizer_in_words(plan.optimizer)}, {plan.loss!r}, batch size {plan.batch_size}")),
        ]
    if origin is not None:
        found += [
            ("trained by", f"Creche {origin.version}, {len(origin.history):,} epochs"),
            ("weights, SHA-256", origin.weights),
        ]
    return found


def _training_data(subject: Subject) -> list[tuple[str, str]]:
    origin = subject.origin
    if origin is None:
        return [("source", "not known")]
    rows = ", ".join(f"{count:,} for {purpose(name)}" for name, count in origin.rows.items())
    missing = [] if origin.schema is None else [c for c in origin.schema.columns if c.missing]
    found = [("rows", rows), ("columns", plain(", ".join(subject.model.features.names[:RANGES_SHOWN])))]
    if missing:
        cells = ", ".join(f"{c.name} {c.missing / max(c.rows, 1):.0%}" for c in missing[:RANGES_SHOWN])
        found.append(("missing", plain(cells)))
    return [*found, ("table, SHA-256", str(origin.data.get("total")))]


def _ranges(subject: Subject) -> str:
    found = ranges_of(subject)[:RANGES_SHOWN]
    if not found:
        return ""
    whose = "training" if subject.prepared is not None else "judged"
    rows = [(r.column, f"{r.low:.5g}", f"{r.median:.5g}", f"{r.high:.5g}") for r in found]
    return _table(("column", f"lowest of the {whose} rows", "median", "highest"), rows)


def _metrics(subject: Subject) -> str:
    evaluation = subject.evaluation
    rows = []
    for name, value in evaluation.metrics().items():
        bounds = interval(*evaluation.intervals[name]) if name in evaluation.intervals else ""
        always = "" if name in NOT_OF_BASELINES else number(evaluation.baseline.get(name, float("nan")))
        rows.append((metric_name(name), number(value), bounds, always))
    always = "always the commonest class" if subject.is_of_classes else "always the mean"
    return _table(("metric", "value", "95 % of resamples", always), rows)


def _classes(subject: Subject) -> list[str]:
    if not subject.is_of_classes or len(subject.evaluation.classes) > CLASSES_SHOWN:
        return []
    rows = [
        (c.name, f"{c.rows:,}", number(c.precision), number(c.recall), number(c.f1))
        for c in subject.evaluation.per_class
    ]
    return [_table(("class", "rows", "precision", "recall", "F1"), rows)]

"""The head of a model card, in YAML, from which hubs of models learn what a model is and how good."""

from __future__ import annotations

import json
import math
from typing import Any

from creche.evaluation.metrics import metric_name
from creche.report.subject import ReportSubject

__all__ = ["write_hub_head"]


def write_hub_head(subject: ReportSubject) -> str:
    """Return the head, in the keys of the Hugging Face Hub: library, task, metrics, and the results of the evaluation.

    The licence, and where the table is published, are for the author to add.
    """
    pipeline = "tabular-regression" if subject.model.labels.task == "regression" else "tabular-classification"
    found = subject.evaluation.metrics()
    measured = {name: float(value) for name, value in found.items() if math.isfinite(value)}
    dataset: dict[str, Any] = {"type": "tabular", "name": subject.source}
    if subject.part != "other":
        dataset["split"] = subject.part
    result = {
        "task": {"type": pipeline, "name": f"Predict {subject.label}"},
        "dataset": dataset,
        "metrics": [{"type": key, "value": value, "name": metric_name(key)} for key, value in measured.items()],
    }
    head = {
        "library_name": "creche", "pipeline_tag": pipeline, "tags": ["creche", "tabular", pipeline],
        "metrics": list(measured), "model-index": [{"name": subject.title, "results": [result]}],
    }  # fmt: skip
    lines = [f"{key}: {_write(value)}" for key, value in head.items()]
    return "\n".join(["---", *lines, "---"]) + "\n"


def _write(value: Any) -> str:
    """Return plain data as JSON, which is YAML as well once characters that YAML does not take are left out."""
    return json.dumps(_clean(value), ensure_ascii=False)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(character if character.isprintable() else " " for character in value)
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list) else value

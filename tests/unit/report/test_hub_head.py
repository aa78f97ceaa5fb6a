"""The head of a model card for hubs: YAML that no name of a column, class or table can end early."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import PlanError
from creche.report.hub_head import write_hub_head
from creche.report.subject import create_subject

EVIL = "a: [b]\n---\n# 'c' \"d\" \\ {e} \x85\u2028\x00\N{SNOWMAN} \N{PENGUIN} - *f"


def read(head: str) -> Any:
    """Parse the head as hubs do."""
    yaml = pytest.importorskip("yaml")
    start, text, end = head.split("---\n", 2)
    assert (start, end) == ("", "")
    return yaml.safe_load(text)


def test_the_head_has_the_task_and_the_metrics_of_the_evaluation(model: cr.Model) -> None:
    subject = create_subject(model, "penguins")
    head = read(write_hub_head(subject))
    assert (head["library_name"], head["pipeline_tag"]) == ("creche", "tabular-classification")
    (entry,) = head["model-index"]
    (result,) = entry["results"]
    assert result["dataset"] == {"type": "tabular", "name": "penguins", "split": "validation"}
    found = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert found["accuracy"] == subject.evaluation.accuracy
    assert list(found) == head["metrics"]


def test_names_cannot_break_out_of_it() -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"x": rng.normal(size=40), EVIL: rng.normal(size=40)})
    model = cr.train(table, label=EVIL, task="regression", hidden=[2], epochs=1, threads=1).model
    head = read(write_hub_head(create_subject(model, table, title=EVIL)))
    (entry,) = head["model-index"]
    assert head["pipeline_tag"] == "tabular-regression"
    assert entry["name"] == "".join(c if c.isprintable() else " " for c in EVIL)
    assert "\N{PENGUIN}" in entry["results"][0]["task"]["name"]


def test_the_card_begins_with_it_if_it_is_asked_for(model: cr.Model, tmp_path: Path) -> None:
    card, plain = tmp_path / "README.md", tmp_path / "card.md"
    cr.report(model, "penguins", tmp_path / "report.html", card=card, for_hub=True)
    cr.report(model, "penguins", tmp_path / "report.html", card=plain)
    head, text = card.read_text("utf-8").split("---\n# Model card", 1)
    assert "# Model card" + text == plain.read_text("utf-8")
    assert head.startswith("---\nlibrary_name: ")
    with pytest.raises(PlanError, match="for_hub: needs a model card; name its file by card"):
        cr.report(model, "penguins", tmp_path / "report.html", for_hub=True)

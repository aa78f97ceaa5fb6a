"""The table as the page shows it."""

from __future__ import annotations

import numpy as np

from creche.studio.protocol.views import Column, TableView
from creche.studio.state import SessionState

__all__ = ["describe_table"]


def describe_table(state: SessionState) -> TableView:
    """Return the table of a session, its columns, its label and its split."""
    source = state.need_source()
    run = None if state.live is None else state.live.run
    roles = {} if run is None or run.prepared.schema is None else run.prepared.schema.roles
    table = source.table
    columns = tuple(
        Column(
            name=name,
            role=roles.get(name, "ignore"),  # type: ignore[arg-type]
            inferred=roles.get(name, "ignore"),  # type: ignore[arg-type]
            missing=int(column.missing.sum()),
            distinct=len(np.unique(column.values)),
            bars=(),
            bar_labels=(),
            summary=column.kind,
        )
        for name, column in table.columns.items()
    )
    prepared = None if run is None else run.prepared
    classes = () if prepared is None else prepared.labels.classes or ()
    counts: list[int] = []
    if prepared is not None and classes:
        counts = [int(np.sum(prepared.labelled.y == value)) for value in classes]
    parts = [None, None, None] if prepared is None else [prepared.train, prepared.validation, prepared.test]
    train, validation, test = (0 if part is None else len(part) for part in parts)
    return TableView(
        name=source.name,
        rows=len(next(iter(table.columns.values()))),
        summarized_rows=len(next(iter(table.columns.values()))),
        columns=columns,
        label=state.label,
        label_candidates=tuple(table.columns),
        task=None if prepared is None else prepared.task,
        classes=tuple(map(str, classes)),
        class_counts=tuple(counts),
        train_rows=train,
        validation_rows=validation,
        test_rows=test,
        findings=(),
    )

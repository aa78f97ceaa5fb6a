"""The table of a session as the page shows it: its columns, the label, and the split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from creche.studio.inspected_table import InspectedTable, as_sentence
from creche.studio.protocol.views import Finding, TableView
from creche.studio.state import SessionState

__all__ = ["describe_table"]


def describe_table(state: SessionState) -> TableView:
    """Return the table of a session, its columns, its label and its split."""
    source, inspected = state.need_source(), state.inspected
    assert inspected is not None
    prepared = None if state.live is None else state.live.run.prepared
    parts = () if prepared is None else (prepared.train, prepared.validation, prepared.test)
    train, validation, test = (0 if part is None else len(part) for part in parts or (None, None, None))
    classes = inspected.classes
    if prepared is not None and prepared.labels.classes:
        names = [str(name) for name in prepared.labels.classes]
        classes = tuple(zip(names, _count_classes(prepared.labelled.y, prepared.labels.classes), strict=True))
    return TableView(
        name=source.name,
        rows=len(source.table),
        summarized_rows=inspected.rows,
        columns=inspected.columns,
        label=state.label,
        label_candidates=inspected.label_candidates,
        task=None if prepared is None else prepared.task,
        classes=tuple(name for name, _ in classes),
        class_counts=tuple(count for _, count in classes),
        train_rows=train,
        validation_rows=validation,
        test_rows=test,
        findings=(*inspected.findings, *_list_remarks(inspected, (*source.remarks, *state.remarks))),
    )


def _list_remarks(inspected: InspectedTable, remarks: Sequence[str]) -> list[Finding]:
    """Return remarks of reading and of the split as findings, except for what the inspection has found, too."""
    new = [remark for remark in remarks if not any(remark.startswith(text) for text in inspected.told)]
    return [Finding("note", as_sentence(remark)) for remark in new]


def _count_classes(y: object, classes: Sequence[object]) -> list[int]:
    values, counts = np.unique(np.asarray(y), return_counts=True)
    by_value = dict(zip(values.tolist(), counts.tolist(), strict=True))
    return [int(by_value.get(value, 0)) for value in classes]

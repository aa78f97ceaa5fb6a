"""Rows of the table, seen through the network, and what the run suffers from."""

from __future__ import annotations

from copy import copy

import numpy as np

from creche._phrases import format_count
from creche.explain.diagnosis.diagnose import diagnose
from creche.studio.answers.registry import Turn, answers
from creche.studio.evaluation import describe_rows
from creche.studio.protocol import requests, views
from creche.studio.state import RefusedError
from creche.table.partition import Partition
from creche.training.run import Run

__all__: list[str] = []

MOST_ROWS = 200


@answers(requests.SelectRow)
def select_row(turn: Turn, request: requests.SelectRow) -> views.Done:
    """Send a row through the network with every tick."""
    turn.state.need_live()
    turn.state.select_row(request.row)
    return views.Done()


@answers(requests.ShowRows)
def show_rows(turn: Turn, request: requests.ShowRows) -> views.RowsView:
    """Show a piece of the table, of the rows that have a label."""
    state = turn.state
    run = state.need_live().run
    if request.first < 1 or not 1 <= request.count <= MOST_ROWS:
        raise RefusedError("bad_value", f"Rows are counted from 1, and at most {MOST_ROWS} are shown at once.")
    labelled = state.prepared.labelled
    places = np.arange(request.first - 1, min(request.first - 1 + request.count, len(labelled)))
    part = Partition(labelled.take(places))
    names = [state.part_of(int(place)) for place in places]
    losses = run.losses_of(state.prepared.encode_part(part, run.plan.loss, run.plan.dtype))
    rows = describe_rows(run, part, losses, names)
    return views.RowsView(state.prepared.features.names, rows, len(labelled))


@answers(requests.Diagnose)
def diagnose_run(turn: Turn, request: requests.Diagnose) -> object:
    """Say what the run suffers from, beside training."""
    run = copy(turn.state.need_live().run)
    return turn.answer_beside(lambda: _describe_diagnosis(run))


def _describe_diagnosis(run: Run) -> views.DiagnosisView:
    """Diagnose a run; remedies are not tried, because that would take longer than a page waits."""
    found = diagnose(run, try_remedies=False)
    verdict = str(found)
    if found:
        verdict = f"{format_count(len(found), 'finding')} after {format_count(run.epoch, 'epoch')}."
    findings = tuple(
        views.Finding("warning", f"{finding.title[0].upper()}{finding.title[1:]}: {finding.evidence}", finding.meaning)
        for finding in found
    )
    return views.DiagnosisView(run.epoch, verdict, findings)

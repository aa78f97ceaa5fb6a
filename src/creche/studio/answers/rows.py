"""Rows of the table, seen through the network."""

from __future__ import annotations

from creche.studio.answers.registry import Turn, answers
from creche.studio.protocol import requests, views

__all__: list[str] = []


@answers(requests.SelectRow)
def select_row(turn: Turn, request: requests.SelectRow) -> views.Done:
    """Send a row through the network with every tick."""
    turn.state.need_live()
    turn.state.select_row(request.row)
    return views.Done()

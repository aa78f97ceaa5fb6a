"""Chooses what holds the networks of a job: the engine here, workers elsewhere, or arrays where there are very many."""

from __future__ import annotations

from collections.abc import Sequence

from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job, JobColumns
from creche.engine.native import Rows
from creche.scale.array_crew import ArrayCrew
from creche.scale.piecewise_crew import PiecewiseCrew

__all__ = ["MOST_STATES", "holds_arrays", "new_crew"]

# Of more networks than this, only the best keep their states.
MOST_STATES = 16_384


def holds_arrays(networks: int, *, waits: bool) -> bool:
    """Return whether a crew of this many networks holds arrays instead of their states.

    Parameters
    ----------
    networks : int
    waits : bool
        Whether networks wait for each other, which needs the states of all.

    """
    return networks > MOST_STATES and not waits


def new_crew(
    jobs: JobColumns | Sequence[Job], hardware: Hardware, held_out: Sequence[Rows | None] = (), *, waits: bool = False
) -> Crew:
    """Return a crew before its first step.

    Parameters
    ----------
    jobs : JobColumns or sequence of Job
    hardware : Hardware
    held_out : sequence of Rows or None
        For each base of the jobs the rows on which its networks are compared, in place of validation rows.
    waits : bool
        Whether networks wait for each other.

    """
    if isinstance(jobs, JobColumns) and holds_arrays(len(jobs), waits=waits):
        return ArrayCrew(jobs, hardware, held_out or [None] * len(jobs.bases))
    return Crew(jobs, hardware) if hardware.workers is None else PiecewiseCrew(jobs, hardware)

"""Chooses what holds the networks of a job: the engine here, workers elsewhere, or arrays where there are very many."""

from __future__ import annotations

from collections.abc import Sequence

from creche._advice import advise
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job, JobColumns
from creche.engine.native import Rows
from creche.engine.stored_rows import StoredRows
from creche.errors import PlanError
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

    Raises
    ------
    PlanError
        If workers are to train on rows that are in a file of this machine.

    """
    bases = jobs.bases if isinstance(jobs, JobColumns) else jobs
    if hardware.workers is not None and any(isinstance(job.rows, StoredRows) for job in bases):
        raise PlanError(
            "cluster: the encoded rows do not fit into the memory, and are in files of this machine, which others do "
            f"not have; raise {advise('memory')}, or leave {advise('cluster')} out",
            argument="cluster",
        )
    if isinstance(jobs, JobColumns) and holds_arrays(len(jobs), waits=waits):
        return ArrayCrew(jobs, hardware, held_out or [None] * len(jobs.bases))
    return Crew(jobs, hardware) if hardware.workers is None else PiecewiseCrew(jobs, hardware)

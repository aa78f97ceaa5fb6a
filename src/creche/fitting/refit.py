"""Refitting: where rows were held out once, the kept configurations learn all rows in the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.outcomes import RUNNING
from creche.fitting.candidate import Candidate, count_fitting, create_contender
from creche.fitting.fold_rows import FoldRows
from creche.fitting.fold_tables import FoldTables
from creche.model.model import Model

__all__ = ["refit"]


def refit(candidates: Sequence[Candidate], tables: FoldTables, seed: int, hardware: Hardware) -> list[Model]:
    """Train the configuration of each candidate on all rows, to the epoch that was best on the held-out rows.

    The schedule still spans all epochs, as in the refits of Holzmüller et al. 2024, appendix B. A network that diverges
    is replaced by the candidate's own.

    Parameters
    ----------
    candidates : sequence of Candidate
        Trained on a single split.
    tables : FoldTables
    seed : int
    hardware : Hardware

    Returns
    -------
    list of Model
        One for each candidate.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C.

    """
    everything = np.arange(len(tables.inspection.usable))
    # One row is held out besides, because a fold has some; nothing is judged by it.
    whole = FoldTables(tables.inspection, [FoldRows(everything, everything[:1])], tables.loss, tables.precision)
    models: list[Model] = []
    while len(models) < len(candidates):
        left = candidates[len(models) :]
        models += _train(left[: count_fitting([each.configuration for each in left], whole)], whole, seed, hardware)
    return models


def _train(candidates: Sequence[Candidate], whole: FoldTables, seed: int, hardware: Hardware) -> list[Model]:
    contenders = [
        create_contender(whole, each.number, each.configuration, seed, place) for place, each in enumerate(candidates)
    ]
    crew = Crew([Job(each.plans[0], each.tables[0].rows, None) for each in contenders], hardware)
    models = [each.models[0] for each in candidates]
    for epoch in sorted({each.epoch for each in candidates}):
        crew.run(epoch)
        ready = [place for place, each in enumerate(candidates) if each.epoch == epoch]
        for place in ready:
            if crew.epoch(place) == epoch:  # it has not diverged
                prepared = contenders[place].tables[0].prepared
                parameters = crew.parameters(place).copy()
                models[place] = Model(
                    contenders[place].plans[0], prepared.features, prepared.labels, parameters, hardware.threads
                )
        if any(crew.status(place) == RUNNING for place in ready):
            crew.stop(ready)
    return models

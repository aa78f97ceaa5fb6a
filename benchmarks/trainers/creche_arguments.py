"""The arguments of a job for `creche.train` and `creche.sweep`."""

from typing import Any

from _jobs import Job

import creche as cr


def job_arguments(job: Job) -> dict[str, Any]:
    return {
        "hidden": list(job.hidden),
        "activation": "relu",
        "loss": "cross_entropy",
        "optimizer": cr.Adam(learning_rate=job.learning_rate),
        "batch_size": job.batch_size,
        "epochs": job.epochs,
        "early_stopping": False,
        "keep": "last",  # as the peers do
        "standardize": False,
        "validation_fraction": 0,
    }

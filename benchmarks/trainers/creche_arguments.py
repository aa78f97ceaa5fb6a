"""What a job says, as the arguments of `creche.train` and `creche.sweep`."""

from typing import Any

from _jobs import Job

import creche as cr


def arguments_of(job: Job) -> dict[str, Any]:
    return {
        "hidden": list(job.hidden),
        "activation": "relu",
        "loss": "cross_entropy",
        "optimizer": cr.Adam(learning_rate=job.learning_rate),
        "batch_size": job.batch_size,
        "epochs": job.epochs,
        "standardize": False,
        "validation_fraction": 0,
    }

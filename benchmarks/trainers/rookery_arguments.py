"""What a job says, as the arguments of `rookery.train` and `rookery.sweep`."""

from typing import Any

from _jobs import Job

import rookery as rk


def arguments_of(job: Job) -> dict[str, Any]:
    return {
        "hidden": list(job.hidden),
        "activation": "relu",
        "loss": "cross_entropy",
        "optimizer": rk.Adam(learning_rate=job.learning_rate),
        "batch_size": job.batch_size,
        "epochs": job.epochs,
        "standardize": False,
        "validation_fraction": 0,
    }

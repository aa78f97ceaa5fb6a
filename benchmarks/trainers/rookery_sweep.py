"""Many networks by one call of `rookery.sweep`: everything from the arrays to the trained colony is timed."""

from _jobs import Task, Weights

import rookery as rk


class RookerySweep:
    def __init__(self, task: Task, threads: int, networks: int) -> None:
        self.task, self.threads, self.networks = task, threads, networks

    def reset(self) -> None:
        pass  # each call begins with new initial weights of its own

    def train(self) -> None:
        job = self.task.job
        self.colony = rk.sweep(
            self.task.features,
            self.task.labels,
            seeds=self.networks,
            hidden=list(job.hidden),
            activation="relu",
            loss="cross_entropy",
            optimizer=rk.Adam(learning_rate=job.learning_rate),
            batch_size=job.batch_size,
            epochs=job.epochs,
            standardize=False,
            validation_fraction=0,
            threads=self.threads,
        )

    def weights(self) -> Weights:
        return list(self.colony[0].model.weights)


def build(task: Task, threads: int, networks: int) -> RookerySweep:
    return RookerySweep(task, threads, networks)

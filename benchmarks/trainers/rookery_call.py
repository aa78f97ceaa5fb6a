"""Rookery as a user calls it: everything `rookery.train` does is timed, from the arrays to the finished run."""

from _jobs import Task, Weights

import rookery as rk


class RookeryCall:
    def __init__(self, task: Task, threads: int) -> None:
        self.task, self.threads = task, threads

    def reset(self) -> None:
        pass  # each call begins with new initial weights of its own

    def train(self) -> None:
        job = self.task.job
        self.run = rk.train(
            self.task.features,
            self.task.labels,
            hidden=list(job.hidden),
            activation="relu",
            loss="cross_entropy",
            optimizer=rk.Adam(learning_rate=job.learning_rate),
            batch_size=job.batch_size,
            epochs=job.epochs,
            standardize=False,
            validation_fraction=0,
            seed=0,
            threads=self.threads,
        )

    def weights(self) -> Weights:
        return list(self.run.model.weights)


def build(task: Task, threads: int) -> RookeryCall:
    return RookeryCall(task, threads)

"""Rookery as a user calls it: everything `rookery.train` does is timed, from the arrays to the finished run."""

from _jobs import Task, Weights

import rookery as rk
from trainers.rookery_arguments import arguments_of


class RookeryCall:
    def __init__(self, task: Task, threads: int) -> None:
        self.task, self.threads = task, threads

    def reset(self) -> None:
        pass  # each call begins with new initial weights of its own

    def train(self) -> None:
        task = self.task
        self.run = rk.train(task.features, task.labels, **arguments_of(task.job), seed=0, threads=self.threads)

    def weights(self) -> Weights:
        return list(self.run.model.weights)


def build(task: Task, threads: int) -> RookeryCall:
    return RookeryCall(task, threads)

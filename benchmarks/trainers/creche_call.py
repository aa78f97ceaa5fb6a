"""Creche as a user calls it: the whole call of `creche.train` is timed, from the arrays to the finished run."""

from _jobs import Task, Weights

import creche as cr
from trainers.creche_arguments import job_arguments


class CrecheCall:
    def __init__(self, task: Task, threads: int) -> None:
        self.task, self.threads = task, threads

    def reset(self) -> None:
        pass  # each call begins with new initial weights of its own

    def train(self) -> None:
        task = self.task
        self.run = cr.train(task.features, task.labels, **job_arguments(task.job), seed=0, threads=self.threads)

    def weights(self) -> Weights:
        return list(self.run.model.weights)


def build(task: Task, threads: int) -> CrecheCall:
    return CrecheCall(task, threads)

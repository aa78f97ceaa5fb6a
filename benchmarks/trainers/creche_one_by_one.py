"""Networks with different seeds, trained one after another by `creche.train`."""

from _jobs import Task, Weights

import creche as cr
from trainers.creche_arguments import job_arguments


class OneByOne:
    def __init__(self, task: Task, threads: int, networks: int) -> None:
        self.task, self.threads, self.networks = task, threads, networks

    def reset(self) -> None:
        pass  # each call begins with new initial weights of its own

    def train(self) -> None:
        task, arguments = self.task, job_arguments(self.task.job)
        self.runs = [
            cr.train(task.features, task.labels, **arguments, seed=seed, threads=self.threads)
            for seed in range(self.networks)
        ]

    def weights(self) -> Weights:
        return list(self.runs[0].model.weights)


def build(task: Task, threads: int, networks: int) -> OneByOne:
    return OneByOne(task, threads, networks)

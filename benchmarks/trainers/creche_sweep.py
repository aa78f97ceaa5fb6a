"""Many networks by one call of `creche.sweep`: the whole call is timed, from the arrays to the trained colony.

Networks differ in seed and in learning rate: up to 16 rates, from a tenth of the job's to ten times it.
"""

from _jobs import Task, Weights

import creche as cr
from trainers.creche_arguments import job_arguments

RATES = 16


class CrecheSweep:
    def __init__(self, task: Task, threads: int, networks: int) -> None:
        self.task, self.threads = task, threads
        self.arguments = job_arguments(task.job)
        rates = RATES if networks % RATES == 0 else 1
        self.arguments["seeds"] = networks // rates
        if rates > 1:
            rate = task.job.learning_rate
            self.arguments |= {"optimizer": "adam", "learning_rate": cr.log_range(rate / 10, rate * 10, rates)}

    def reset(self) -> None:
        pass  # each call begins with new initial weights of its own

    def train(self) -> None:
        self.colony = cr.sweep(self.task.features, self.task.labels, **self.arguments, threads=self.threads)

    def weights(self) -> Weights:
        return list(self.colony[0].model.weights)


def build(task: Task, threads: int, networks: int) -> CrecheSweep:
    return CrecheSweep(task, threads, networks)

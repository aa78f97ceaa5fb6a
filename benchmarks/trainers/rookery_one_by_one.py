"""Networks of different seeds trained one after another by `rookery.train`."""

from _jobs import Task, Weights

import rookery as rk


class OneByOne:
    def __init__(self, task: Task, threads: int, networks: int) -> None:
        self.task, self.threads, self.networks = task, threads, networks

    def reset(self) -> None:
        pass  # each call begins with new initial weights of its own

    def train(self) -> None:
        job = self.task.job
        self.runs = [
            rk.train(
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
                seed=seed,
                threads=self.threads,
            )
            for seed in range(self.networks)
        ]

    def weights(self) -> Weights:
        return list(self.runs[0].model.weights)


def build(task: Task, threads: int, networks: int) -> OneByOne:
    return OneByOne(task, threads, networks)

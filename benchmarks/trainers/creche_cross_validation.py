"""`creche.cross_validate`: everything is timed, from the arrays to the metrics on the held-out folds."""

from _jobs import Task, Weights

import creche as cr


class CrecheCrossValidation:
    def __init__(self, task: Task, threads: int, folds: int, repeats: int, seeds: int) -> None:
        self.task, self.threads = task, threads
        self.folds, self.repeats, self.seeds = folds, repeats, seeds

    def reset(self) -> None:
        pass  # each call begins with new initial weights of its own

    def train(self) -> None:
        job = self.task.job
        self.crossed = cr.cross_validate(
            self.task.features,
            self.task.labels,
            folds=self.folds,
            repeats=self.repeats,
            seeds=self.seeds,
            hidden=list(job.hidden),
            activation="relu",
            loss="cross_entropy",
            optimizer=cr.Adam(learning_rate=job.learning_rate),
            batch_size=job.batch_size,
            epochs=job.epochs,
            early_stopping=False,
            standardize=False,
            threads=self.threads,
        )
        self.crossed.summary()

    def weights(self) -> Weights:
        return list(self.crossed.members[0].model.weights)


def build(task: Task, threads: int, networks: int, folds: int, repeats: int, seeds: int) -> CrecheCrossValidation:
    return CrecheCrossValidation(task, threads, folds, repeats, seeds)

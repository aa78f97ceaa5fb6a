"""scikit-learn's `cross_validate` (which `cross_val_score` calls) of an MLPClassifier, folds on `threads` processes.

Each process keeps to one thread: on networks this small, more of them only wait for each other.
"""

from _jobs import Task, Weights
from joblib import parallel_config
from sklearn.model_selection import RepeatedStratifiedKFold, cross_validate

from trainers.scikit_learn import ScikitLearn


class ScikitLearnCrossValidation(ScikitLearn):
    def __init__(self, task: Task, processes: int, folds: int, repeats: int) -> None:
        super().__init__(task)
        self.processes = processes
        self.folds = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=0)

    def train(self) -> None:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            found = cross_validate(
                self.classifier,
                self.task.features,
                self.task.labels,
                cv=self.folds,
                n_jobs=self.processes,
                return_estimator=True,
            )
        self.scores, self.classifier = found["test_score"], found["estimator"][0]

    def weights(self) -> Weights:
        return super().weights()


def build(task: Task, threads: int, networks: int, folds: int, repeats: int, seeds: int) -> ScikitLearnCrossValidation:
    return ScikitLearnCrossValidation(task, threads, folds, repeats)

"""scikit-learn's MLPClassifier with the job's settings and its early stopping switched off."""

import warnings

from _jobs import Task, Weights
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier


class ScikitLearn:
    def __init__(self, task: Task) -> None:
        job = task.job
        self.task = task
        self.classifier = MLPClassifier(
            hidden_layer_sizes=job.hidden,
            activation="relu",
            solver="adam",
            alpha=0,
            batch_size=job.batch_size,
            learning_rate_init=job.learning_rate,
            max_iter=job.epochs,
            shuffle=True,
            tol=0,
            n_iter_no_change=job.epochs + 1,
            random_state=0,
        )
        # Reaching max_iter is the job, not a failure to converge.
        warnings.simplefilter("ignore", ConvergenceWarning)

    def reset(self) -> None:
        pass  # fit() draws new initial weights by itself

    def train(self) -> None:
        self.classifier.fit(self.task.features, self.task.labels)

    def weights(self) -> Weights:
        if self.classifier.n_iter_ != self.task.job.epochs:
            raise RuntimeError(f"scikit-learn stopped after {self.classifier.n_iter_} epochs")
        return list(zip(self.classifier.coefs_, self.classifier.intercepts_, strict=True))


def build(task: Task, threads: int) -> ScikitLearn:
    return ScikitLearn(task)  # its threads are BLAS's, set in the environment

"""Only Creche's engine: the time without the checks and conversions of `creche.train`."""

import numpy as np
from _jobs import Task, Weights

from creche import _core
from creche.engine.parameters import Parameters


class CrecheEngine:
    def __init__(self, task: Task, threads: int) -> None:
        self.task, self.threads = task, threads
        self.engine = _core.load()
        self.classes = task.labels.astype(np.int32)
        self.plan = self._plan()

    def _plan(self):
        job = self.task.job
        plan = self.engine.Plan()
        plan.inputs = job.n_features
        layers = []
        for width in job.sizes[1:]:
            layer = self.engine.LayerPlan()
            layer.width = width
            layer.activation = "relu"
            layers.append(layer)
        layers[-1].activation = "identity"
        plan.layers = layers
        plan.loss.kind = "cross_entropy"
        plan.optimizer.kind = "adam"
        plan.optimizer.learning_rate = job.learning_rate
        plan.batch_size, plan.epochs, plan.seed, plan.shuffle = job.batch_size, job.epochs, 0, True
        return plan

    def reset(self) -> None:
        self.solo = self.engine.Solo32(self.plan, self.task.features, self.classes, None, threads=self.threads)
        self.solo.set_parameters(dict(Parameters.of_layers(self.task.initial)))

    def train(self) -> None:
        status = self.solo.run()
        if status != "finished":
            raise RuntimeError(f"the run ended as {status!r}")

    def weights(self) -> Weights:
        return Parameters(self.solo.parameters()).layers


def build(task: Task, threads: int) -> CrecheEngine:
    return CrecheEngine(task, threads)

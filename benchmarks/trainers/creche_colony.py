"""Only Creche's engine, on many networks with the seeds and learning rates of `creche_sweep`."""

import numpy as np
from _jobs import Task, Weights

from creche.engine.parameters import Parameters
from creche.model_selection.search_space import log_range
from trainers.creche_engine import CrecheEngine
from trainers.creche_sweep import RATES


class CrecheColony(CrecheEngine):
    def __init__(self, task: Task, threads: int, networks: int) -> None:
        super().__init__(task, threads)
        rate = task.job.learning_rate
        self.members = []
        for learning_rate in log_range(rate / 10, rate * 10, RATES).values():
            self.plan.optimizer.learning_rate = learning_rate
            self.members += [(self.plan.with_seed(seed), 0, -1) for seed in range(networks // RATES)]
        self.table = (task.features, task.labels.astype(np.int32), None, None)

    def reset(self) -> None:
        self.colony = self.engine.Colony32(self.members, [self.table], self.threads)

    def train(self) -> None:
        status = self.colony.run()
        if status != "finished":
            raise RuntimeError(f"the colony ended as {status!r}")

    def weights(self) -> Weights:
        return Parameters(self.colony.parameters(0)).layers


def build(task: Task, threads: int, networks: int) -> CrecheColony:
    return CrecheColony(task, threads, networks)

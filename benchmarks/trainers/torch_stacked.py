"""Many networks in PyTorch eager: the weights of all stacked, each layer one batched product, one Adam for all.

In their favour all networks see the rows in the same order, so that the order of an epoch is drawn, and the rows are
gathered, once for all of them.
"""

from itertools import pairwise

import torch
from _jobs import Task, Weights
from torch.nn import functional


class TorchStacked:
    def __init__(self, task: Task, threads: int, networks: int) -> None:
        torch.set_num_threads(threads)
        self.task, self.job, self.networks = task, task.job, networks
        self.features, self.labels = torch.from_numpy(task.features), torch.from_numpy(task.labels)

    def reset(self) -> None:
        self.parameters = []
        for (n_in, n_out), (weights, _) in zip(pairwise(self.job.sizes), self.task.initial, strict=True):
            bound = (6 / (n_in + n_out)) ** 0.5
            stacked = torch.empty(self.networks, n_in, n_out).uniform_(-bound, bound)
            stacked[0] = torch.from_numpy(weights)
            self.parameters += [stacked.requires_grad_(), torch.zeros(self.networks, 1, n_out, requires_grad=True)]
        self.optimizer = torch.optim.Adam(self.parameters, lr=self.job.learning_rate, fused=True)

    def train(self) -> None:
        batch_size, networks = self.job.batch_size, self.networks
        for _ in range(self.job.epochs):
            order = torch.randperm(self.job.n_rows)
            batches = zip(self.features[order].split(batch_size), self.labels[order].split(batch_size), strict=True)
            for x, y in batches:
                self.optimizer.zero_grad()
                outputs = self._outputs(x).flatten(0, 1)
                # The mean over a batch of each network, summed over the networks, which have no weights in common.
                loss = functional.cross_entropy(outputs, y.repeat(networks), reduction="sum") / len(y)
                loss.backward()
                self.optimizer.step()

    def _outputs(self, x: torch.Tensor) -> torch.Tensor:
        a = x.expand(self.networks, *x.shape)
        for i in range(0, len(self.parameters), 2):
            z = torch.baddbmm(self.parameters[i + 1], a, self.parameters[i])
            a = functional.relu(z) if i + 2 < len(self.parameters) else z
        return a

    def weights(self) -> Weights:
        first = [parameter[0].detach().numpy() for parameter in self.parameters]
        return [(w, b[0]) for w, b in zip(first[::2], first[1::2], strict=True)]


def build(task: Task, threads: int, networks: int) -> TorchStacked:
    return TorchStacked(task, threads, networks)

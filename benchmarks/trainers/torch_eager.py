"""PyTorch as it is usually written: nn.Sequential, a loop over batches, no compiling.

In its fastest comparable form: the rows are put into the epoch's order by one gather and then sliced, which is faster
than a DataLoader and than gathering each batch; `adam` is passed to torch.optim.Adam (fused=True is fastest here).
"""

from itertools import pairwise
from typing import Any

import torch
from _jobs import Task, Weights
from torch import nn
from torch.nn import functional


class TorchEager:
    def __init__(self, task: Task, threads: int, adam: dict[str, Any]) -> None:
        torch.set_num_threads(threads)
        self.task, self.job, self.adam = task, task.job, adam
        self.features, self.labels = torch.from_numpy(task.features), torch.from_numpy(task.labels)
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(self.job.sizes):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.network = nn.Sequential(*layers[:-1])

    def reset(self) -> None:
        with torch.no_grad():
            for layer, (weights, bias) in zip(self.network[::2], self.task.initial, strict=True):
                layer.weight.copy_(torch.from_numpy(weights.T))
                layer.bias.copy_(torch.from_numpy(bias))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=self.job.learning_rate, **self.adam)

    def train(self) -> None:
        network, optimizer, batch_size = self.network, self.optimizer, self.job.batch_size
        for _ in range(self.job.epochs):
            order = torch.randperm(self.job.n_rows)
            batches = zip(self.features[order].split(batch_size), self.labels[order].split(batch_size), strict=True)
            for x, y in batches:
                optimizer.zero_grad()
                functional.cross_entropy(network(x), y).backward()
                optimizer.step()

    def weights(self) -> Weights:
        return [(layer.weight.detach().numpy().T, layer.bias.detach().numpy()) for layer in self.network[::2]]


def build(task: Task, threads: int, adam: dict[str, Any]) -> TorchEager:
    return TorchEager(task, threads, adam)

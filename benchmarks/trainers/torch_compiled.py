"""PyTorch with the whole step compiled into one graph: forward, backward and Adam.

Compiling an eager step (`loss.backward(); optimizer.step()`) breaks the graph in two and gains little on small
networks, so the step is written with torch.func and Adam's rule spelled out, which compiles as one. `options` go to
torch.compile; cpp_wrapper leaves Python out of the calls between the compiled kernels.
"""

from typing import Any

import torch
from _jobs import Task, Weights
from torch import Tensor
from torch.nn import functional

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def loss_of(parameters: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
    for i in range(0, len(parameters) - 2, 2):
        x = functional.relu(functional.linear(x, parameters[i], parameters[i + 1]))
    return functional.cross_entropy(functional.linear(x, parameters[-2], parameters[-1]), y)


class TorchCompiled:
    def __init__(self, task: Task, threads: int, options: dict[str, Any]) -> None:
        torch.set_num_threads(threads)
        self.task, self.job = task, task.job
        self.features, self.labels = torch.from_numpy(task.features), torch.from_numpy(task.labels)
        self.initial = [
            torch.from_numpy(array.T.copy()) for layer in task.initial for array in layer
        ]  # torch's W is (d_out, d_in)
        self.parameters = [torch.empty_like(w) for w in self.initial]
        self.first_moments = [torch.empty_like(w) for w in self.initial]
        self.second_moments = [torch.empty_like(w) for w in self.initial]
        self.t = torch.zeros(())
        learning_rate = self.job.learning_rate

        # Kingma and Ba 2015, algorithm 1.
        def step(w: list[Tensor], m: list[Tensor], v: list[Tensor], t: Tensor, x: Tensor, y: Tensor) -> None:
            gradients = torch.func.grad(loss_of)(w, x, y)
            t.add_(1)
            correction1, correction2 = 1 - BETA1**t, 1 - BETA2**t
            for w_i, m_i, v_i, g in zip(w, m, v, gradients, strict=True):
                m_i.mul_(BETA1).add_(g, alpha=1 - BETA1)
                v_i.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
                w_i.sub_(learning_rate * (m_i / correction1) / ((v_i / correction2).sqrt() + EPSILON))

        self.step = torch.compile(step, fullgraph=True, dynamic=False, options=options)

    def reset(self) -> None:
        for w, initial in zip(self.parameters, self.initial, strict=True):
            w.copy_(initial)
        for moment in (*self.first_moments, *self.second_moments, self.t):
            moment.zero_()

    def train(self) -> None:
        batch_size = self.job.batch_size
        state = (self.parameters, self.first_moments, self.second_moments, self.t)
        for _ in range(self.job.epochs):
            order = torch.randperm(self.job.n_rows)
            batches = zip(self.features[order].split(batch_size), self.labels[order].split(batch_size), strict=True)
            for x, y in batches:
                self.step(*state, x, y)

    def weights(self) -> Weights:
        arrays = [w.numpy().T for w in self.parameters]
        return list(zip(arrays[::2], arrays[1::2], strict=True))


def build(task: Task, threads: int, options: dict[str, Any]) -> TorchCompiled:
    return TorchCompiled(task, threads, options)

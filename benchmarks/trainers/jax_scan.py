"""JAX with the whole job in one compiled function: a scan over the epochs, in it a scan over the batches.

`row_orders` says who shuffles: "numpy" draws every epoch's order before the call (timed with it; the faster form
here), "jax" draws each inside the scan. The last, smaller batch of an epoch is a step of its own after the scan.
Threads are set in the environment.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _jobs import Task, Weights

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def loss_of(parameters: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    for w, b in parameters[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = parameters[-1]
    z = x @ w + b
    one_hot = jax.nn.one_hot(y, b.shape[0])
    return -jnp.mean(jnp.sum(one_hot * jax.nn.log_softmax(z), axis=1))


class JaxScan:
    def __init__(self, task: Task, row_orders: str) -> None:
        self.task, self.job, self.row_orders = task, task.job, row_orders
        self.features, self.labels = jnp.asarray(task.features), jnp.asarray(task.labels, dtype=jnp.int32)
        self.random = np.random.default_rng(0)
        self.key = jax.random.key(0)
        self.run = jax.jit(lambda state, orders, x, y: jax.lax.scan(self._epoch(x, y), state, orders)[0])

    def _epoch(self, features: jax.Array, labels: jax.Array) -> Any:
        n_rows, batch_size = self.job.n_rows, self.job.batch_size
        n_whole = n_rows // batch_size
        end = n_whole * batch_size

        def epoch(state: Any, order: jax.Array) -> tuple[Any, None]:
            if self.row_orders == "jax":
                order = jax.random.permutation(order, n_rows)
            x, y = features[order], labels[order]
            whole = (x[:end].reshape(n_whole, batch_size, -1), y[:end].reshape(n_whole, batch_size))
            state, _ = jax.lax.scan(lambda s, batch: (self._step(s, *batch), None), state, whole)
            if end < n_rows:
                state = self._step(state, x[end:], y[end:])
            return state, None

        return epoch

    def _step(self, state: Any, x: jax.Array, y: jax.Array) -> Any:
        # Kingma and Ba 2015, algorithm 1.
        w, m, v, t = state
        g = jax.grad(loss_of)(w, x, y)
        t = t + 1
        correction1, correction2 = 1 - BETA1**t, 1 - BETA2**t
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, g)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, g)
        rate = self.job.learning_rate
        w = jax.tree.map(lambda w, m, v: w - rate * (m / correction1) / (jnp.sqrt(v / correction2) + EPSILON), w, m, v)
        return w, m, v, t

    def reset(self) -> None:
        initial = [(jnp.asarray(w), jnp.asarray(b)) for w, b in self.task.initial]
        zeros = jax.tree.map(jnp.zeros_like, initial)
        self.state = jax.block_until_ready((initial, zeros, zeros, jnp.zeros(())))

    def train(self) -> None:
        self.state = jax.block_until_ready(self.run(self.state, self._orders(), self.features, self.labels))

    def _orders(self) -> Any:
        if self.row_orders == "numpy":
            n_rows = self.job.n_rows
            return np.stack([self.random.permutation(n_rows).astype(np.int32) for _ in range(self.job.epochs)])
        self.key, key = jax.random.split(self.key)
        return jax.random.split(key, self.job.epochs)

    def weights(self) -> Weights:
        return [(np.asarray(w), np.asarray(b)) for w, b in self.state[0]]


def build(task: Task, threads: int, row_orders: str) -> JaxScan:
    return JaxScan(task, row_orders)

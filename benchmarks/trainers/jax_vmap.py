"""Many networks in JAX: the whole job of `jax_scan` as one compiled function, vectorised over the networks by vmap.

In its favour all networks see the rows in the same order, so that the rows of a batch are gathered once for all.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _jobs import Task, Weights

from trainers.jax_scan import JaxScan


class JaxVmap(JaxScan):
    def __init__(self, task: Task, networks: int) -> None:
        super().__init__(task, "numpy")
        self.networks = networks

        def whole_job(state: Any, orders: jax.Array, x: jax.Array, y: jax.Array) -> Any:
            return jax.lax.scan(self._epoch(x, y), state, orders)[0]

        self.run = jax.jit(jax.vmap(whole_job, in_axes=(0, None, None, None)))

    def reset(self) -> None:
        initial = []
        for weights, _ in self.task.initial:
            n_in, n_out = weights.shape
            bound = (6 / (n_in + n_out)) ** 0.5
            stacked = self.random.uniform(-bound, bound, (self.networks, n_in, n_out)).astype(np.float32)
            stacked[0] = weights
            initial.append((jnp.asarray(stacked), jnp.zeros((self.networks, n_out))))
        zeros = jax.tree.map(jnp.zeros_like, initial)
        self.state = jax.block_until_ready((initial, zeros, zeros, jnp.zeros(self.networks)))

    def weights(self) -> Weights:
        return [(np.asarray(w[0]), np.asarray(b[0])) for w, b in self.state[0]]


def build(task: Task, threads: int, networks: int) -> JaxVmap:
    return JaxVmap(task, networks)

"""The training jobs that are timed, and the data they are timed on.

A job is written once into a folder (job.json, rows.npz), from which every contender reads it, so that all of them train
the same network on the same numbers, from the same initial weights where the library lets one set them.
"""

import json
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Weights = list[tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True)
class Job:
    """A network of dense layers with relu between them, trained by Adam on cross entropy, shuffled each epoch."""

    name: str
    n_rows: int
    n_features: int
    hidden: tuple[int, ...]
    n_classes: int
    batch_size: int
    epochs: int
    learning_rate: float = 0.001

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.n_features, *self.hidden, self.n_classes)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.n_rows // self.batch_size)

    @property
    def flops_per_epoch(self) -> float:
        """Multiplications and additions of the matrix products only, counted for the unpadded widths.

        Each weight is multiplied with each row in three products (forward, its own gradient, the gradient of its
        input), two operations each; the first layer's input needs no gradient.
        """
        per_layer = [a * b for a, b in pairwise(self.sizes)]
        return float((6 * sum(per_layer) - 2 * per_layer[0]) * self.n_rows)

    def __str__(self) -> str:
        widths = "-".join(str(size) for size in self.sizes)
        return (
            f"{widths}, {self.n_rows:,} rows, batch {self.batch_size}, Adam (learning rate {self.learning_rate}), "
            f"{self.epochs} epochs of {self.steps_per_epoch:,} steps, shuffled each epoch, float32"
        )


@dataclass(frozen=True)
class Task:
    """A job with its data: features (n, d) float32, labels (n,) int64 and the initial (W, b) of each layer."""

    job: Job
    features: NDArray[np.float32]
    labels: NDArray[np.int64]
    initial: Weights


PENGUIN = Job("penguin", 957, 4, (10, 10), 3, batch_size=20, epochs=50)
WIDE = (
    Job("64-256-256-10", 100_000, 64, (256, 256), 10, batch_size=256, epochs=3),
    Job("64-64-64-10", 100_000, 64, (64, 64), 10, batch_size=256, epochs=5),
    Job("64-1024-1024-1024-10", 20_000, 64, (1024, 1024, 1024), 10, batch_size=1024, epochs=2),
)


def shorten_job(job: Job) -> Job:
    """Return the job with fewer rows and epochs, to check that everything runs."""
    return replace(job, n_rows=min(job.n_rows, 8 * job.batch_size + 1), epochs=min(job.epochs, 2))


def penguin_task(job: Job = PENGUIN) -> Task:
    """Return the complete rows of the bundled penguins, standardized, and repeated until there are `job.n_rows`."""
    import creche as cr

    table = cr.datasets.penguins()
    columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    table = table.select([*columns, "species"]).drop_nulls()
    features = table.select(columns).to_numpy().astype(np.float64)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    labels = np.unique(table["species"].to_numpy(), return_inverse=True)[1]
    rows = np.arange(job.n_rows) % len(features)
    if job.n_rows < len(features):  # some of every class
        rows = np.linspace(0, len(features) - 1, job.n_rows).astype(int)
    return Task(job, features[rows].astype(np.float32), labels[rows].astype(np.int64), initial_weights(job))


def synthetic_task(job: Job) -> Task:
    """Return standard normal features, labelled by a random network, so that there is something to learn."""
    random = np.random.default_rng(0)
    features = random.standard_normal((job.n_rows, job.n_features), dtype=np.float32)
    hidden = np.tanh(features @ random.standard_normal((job.n_features, 32), dtype=np.float32) / job.n_features**0.5)
    labels = (hidden @ random.standard_normal((32, job.n_classes), dtype=np.float32)).argmax(axis=1)
    return Task(job, features, labels.astype(np.int64), initial_weights(job))


def initial_weights(job: Job) -> Weights:
    """Return Glorot uniform weights and zero biases."""
    random = np.random.default_rng(1)
    layers: Weights = []
    for n_in, n_out in pairwise(job.sizes):
        bound = (6 / (n_in + n_out)) ** 0.5
        weights = random.uniform(-bound, bound, (n_in, n_out)).astype(np.float32)
        layers.append((weights, np.zeros(n_out, np.float32)))
    return layers


def write_task(task: Task, folder: Path) -> None:
    (folder / "job.json").write_text(json.dumps(asdict(task.job)))
    layers = {f"W{i}": weights for i, (weights, _) in enumerate(task.initial)}
    layers |= {f"b{i}": bias for i, (_, bias) in enumerate(task.initial)}
    np.savez(folder / "rows.npz", features=task.features, labels=task.labels, **layers)


def read_task(folder: Path) -> Task:
    fields = json.loads((folder / "job.json").read_text())
    job = Job(**{**fields, "hidden": tuple(fields["hidden"])})
    with np.load(folder / "rows.npz") as arrays:
        initial = [(arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(len(job.sizes) - 1)]
        return Task(job, arrays["features"], arrays["labels"], initial)


def mean_cross_entropy(task: Task, weights: Weights) -> float:
    """Return the loss over all rows, computed by NumPy in float64 for every contender."""
    a = task.features.astype(np.float64)
    for w, b in weights[:-1]:
        a = np.maximum(a @ w + b, 0)
    z = a @ weights[-1][0] + weights[-1][1]
    z -= z.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), task.labels]))

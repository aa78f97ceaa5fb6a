"""TabM-mini with piecewise-linear embeddings, trained as its authors and TabArena do, for small tables.

The network is the one that `TabM.make` of tabm makes with embeddings: 32 submodels of two hidden layers of 512 ReLU
neurons with dropout 0.1. AdamW takes steps of 0.002 with a decay of 0.0003, biases excepted, on gradients clipped to a
norm of 1. The fewer the rows, the smaller the batch, and each submodel has an order of rows of its own. Training ends
after 17 epochs in a row without a better mean prediction of the validation rows, and the best epoch is kept.
"""

import math
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rtdl_num_embeddings import PiecewiseLinearEmbeddings, compute_bins
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OrdinalEncoder, QuantileTransformer
from tabm import TabM

from benchmarks.tables.systems import SEED, THREADS, Predictions, Problem
from benchmarks.tables.systems.columns import FilledNumbers, words_of

N_BINS = 48
D_EMBEDDING = 16
# Below how many training rows the batch has how many rows, and its rows above that.
BATCH_SIZES = {2_800: 32, 4_500: 64, 6_400: 128, 32_000: 256, 108_000: 512}
LARGEST_BATCH = 1_024
PATIENCE = 16
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 3e-4
CLIP_NORM = 1.0
VALIDATION_FRACTION = 0.2
MAX_EPOCHS = 1_000
# Added to numbers before their quantiles are taken, so that ties get one code each.
NOISE = 1e-5


class Scaler(Protocol):
    """What makes a normal distribution of each column of numbers."""

    def fit(self, values: NDArray[Any]) -> Any:
        """Learn from the training rows."""

    def transform(self, values: NDArray[Any]) -> NDArray[Any]:
        """Scale other rows, too."""


class NoisyQuantiles:
    """The quantiles of scikit-learn, at least 10 and one for 30 rows, of numbers with a little noise."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, values: NDArray[Any]) -> None:
        n_quantiles = max(min(len(values) // 30, 1_000), 10)
        self.quantiles = QuantileTransformer(
            n_quantiles=n_quantiles, output_distribution="normal", random_state=self.seed
        )
        self.quantiles.fit(values + np.random.default_rng(self.seed).normal(0.0, NOISE, values.shape))

    def transform(self, values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self.quantiles.transform(values))


class TabMMini:
    """Numbers go through normal quantiles and 48 bins, words are one-hot; the best epoch of the mean is kept.

    Numbers can be scaled by another scaler.
    """

    def __init__(
        self,
        seed: int = SEED,
        threads: int = THREADS,
        scaler: Scaler | None = None,
    ) -> None:
        self.seed = seed
        self.threads = threads
        self.scaler = NoisyQuantiles(seed) if scaler is None else scaler

    def fit(self, problem: Problem, inputs: pd.DataFrame, labels: NDArray[Any]) -> None:
        rows = np.arange(len(labels))
        fit_rows, held_out = train_test_split(
            rows,
            test_size=VALIDATION_FRACTION,
            random_state=self.seed,
            stratify=None if problem.task == "regression" else labels,
        )
        self.fit_beside(problem, inputs.iloc[fit_rows], labels[fit_rows], (inputs.iloc[held_out], labels[held_out]))

    def fit_beside(
        self, problem: Problem, inputs: pd.DataFrame, labels: NDArray[Any], held_out: tuple[pd.DataFrame, NDArray[Any]]
    ) -> None:
        """Learn from all of the rows, and choose the epoch by those held out."""
        torch.manual_seed(self.seed)
        torch.set_num_threads(self.threads)
        self.is_number = problem.task == "regression"
        self._fit_encoder(inputs)
        if self.is_number:
            self.mean, self.std = float(labels.mean()), float(labels.std()) or 1.0
        rows = self._encode(inputs)
        self._create_network(problem, rows[0])
        self._train(rows, self._scale(labels), self._encode(held_out[0]), self._scale(held_out[1]))

    def predict(self, inputs: pd.DataFrame) -> Predictions:
        mean = self._mean_answer(*self._encode(inputs)).double().numpy()
        return Predictions(mean[:, 0] * self.std + self.mean if self.is_number else mean)

    def _fit_encoder(self, inputs: pd.DataFrame) -> None:
        self.filled = FilledNumbers(inputs)
        frame = self.filled.apply(inputs)
        self.words = words_of(frame)
        self.numbers = [name for name in frame if name not in self.words and frame[name].nunique() > 1]
        # Unknown words have code 0, those of the training rows 1, 2, ...
        self.codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        if self.words:
            self.codes.fit(frame[self.words].astype(str))
        if self.numbers:
            self.scaler.fit(frame[self.numbers].to_numpy(dtype=float))

    def _encode(self, inputs: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
        frame = self.filled.apply(inputs)
        numbers = np.zeros((len(frame), 0))
        codes = np.zeros((len(frame), 0))
        if self.numbers:
            numbers = self.scaler.transform(frame[self.numbers].to_numpy(dtype=float))
        if self.words:
            codes = self.codes.transform(frame[self.words].astype(str)) + 1
        return torch.tensor(numbers, dtype=torch.float32), torch.tensor(codes, dtype=torch.int64)

    def _scale(self, labels: NDArray[Any]) -> torch.Tensor:
        if self.is_number:
            return torch.tensor((labels - self.mean) / self.std, dtype=torch.float32)
        return torch.tensor(labels, dtype=torch.int64)

    def _create_network(self, problem: Problem, numbers: torch.Tensor) -> None:
        embeddings = None
        if self.numbers:
            bins = compute_bins(numbers, n_bins=min(N_BINS, len(numbers) - 1))
            embeddings = PiecewiseLinearEmbeddings(bins, D_EMBEDDING, activation=False, version="B")
        self.network = TabM.make(
            n_num_features=len(self.numbers),
            cat_cardinalities=[len(words) + 1 for words in self.codes.categories_] if self.words else [],
            d_out=1 if self.is_number else problem.n_classes,
            num_embeddings=embeddings,
            arch_type="tabm-mini",
        )

    def _train(
        self,
        rows: tuple[torch.Tensor, torch.Tensor],
        target: torch.Tensor,
        held_out: tuple[torch.Tensor, torch.Tensor],
        held_target: torch.Tensor,
    ) -> None:
        numbers, codes = rows
        decayed = [p for name, p in self.network.named_parameters() if not name.endswith("bias")]
        others = [p for name, p in self.network.named_parameters() if name.endswith("bias")]
        groups = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        batch_size = batch_size_of(len(target))
        best, best_loss, waited = {}, math.inf, 0
        for _ in range(MAX_EPOCHS):
            self.network.train()
            for batch in self._draw_order(len(target)).split(batch_size):
                optimizer.zero_grad()
                expected = target[batch].reshape(len(batch), -1).expand(-1, self.network.k)
                self._loss(self._forward(numbers[batch], codes[batch]), expected).backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
                optimizer.step()
            held_loss = self._judge(self._mean_answer(*held_out), held_target)
            waited += 1
            if held_loss < best_loss:
                best_loss, waited = held_loss, 0
                best = {name: value.clone() for name, value in self.network.state_dict().items()}
            if waited > PATIENCE:
                break
        self.network.load_state_dict(best)

    def _draw_order(self, rows: int) -> torch.Tensor:
        """Return an order of an epoch's rows for each member (rows, members)."""
        return torch.stack([torch.randperm(rows) for _ in range(self.network.k)], dim=1)

    def _forward(self, numbers: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        return self.network(numbers if self.numbers else None, codes if self.words else None)

    def _loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean over members of their own losses."""
        if self.is_number:
            return torch.nn.functional.mse_loss(outputs.squeeze(-1), target)
        return torch.nn.functional.cross_entropy(outputs.flatten(0, 1), target.flatten())

    def _mean_answer(self, numbers: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        self.network.eval()
        with torch.no_grad():
            outputs = self._forward(numbers, codes)
        return (outputs if self.is_number else outputs.softmax(dim=-1)).mean(dim=1)

    def _judge(self, mean: torch.Tensor, target: torch.Tensor) -> float:
        if self.is_number:
            return float(torch.mean((mean[:, 0] - target) ** 2))
        return float(torch.nn.functional.nll_loss(mean.clamp_min(1e-12).log(), target))


def batch_size_of(rows: int) -> int:
    """Return TabArena's batch size for a number of training rows."""
    return next((size for limit, size in BATCH_SIZES.items() if rows < limit), LARGEST_BATCH)


def create() -> TabMMini:
    return TabMMini()

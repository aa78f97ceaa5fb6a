"""TabM-mini with piecewise-linear embeddings, trained as its authors and TabArena do, for small tables."""

import math
from typing import Any

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
BATCH_SIZE = 32  # TabArena's below 2,800 rows
PATIENCE = 16
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 3e-4
CLIP_NORM = 1.0
VALIDATION_FRACTION = 0.2
MAX_EPOCHS = 1_000
# Added to numbers before their quantiles are taken, so that ties get one code each.
NOISE = 1e-5


class TabMMini:
    """Numbers go through normal quantiles and 48 bins, words are one-hot; the best epoch of the mean is kept."""

    def fit(self, problem: Problem, inputs: pd.DataFrame, labels: NDArray[Any]) -> None:
        torch.manual_seed(SEED)
        torch.set_num_threads(THREADS)
        self.is_number = problem.task == "regression"
        rows = np.arange(len(labels))
        fit_rows, held_out = train_test_split(
            rows, test_size=VALIDATION_FRACTION, random_state=SEED, stratify=None if self.is_number else labels
        )
        self._fit_encoder(inputs.iloc[fit_rows])
        numbers, codes = self._encode(inputs)
        if self.is_number:
            self.mean, self.std = float(labels[fit_rows].mean()), float(labels[fit_rows].std()) or 1.0
            target = torch.tensor((labels - self.mean) / self.std, dtype=torch.float32)
        else:
            target = torch.tensor(labels, dtype=torch.int64)
        self._create_network(problem, numbers[fit_rows])
        self._train(numbers, codes, target, fit_rows, held_out)

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
            n_quantiles = max(min(len(frame) // 30, 1_000), 10)
            self.quantiles = QuantileTransformer(
                n_quantiles=n_quantiles, output_distribution="normal", random_state=SEED
            )
            values = frame[self.numbers].to_numpy(dtype=float)
            self.quantiles.fit(values + np.random.default_rng(SEED).normal(0.0, NOISE, values.shape))

    def _encode(self, inputs: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
        frame = self.filled.apply(inputs)
        numbers = np.zeros((len(frame), 0))
        codes = np.zeros((len(frame), 0))
        if self.numbers:
            numbers = self.quantiles.transform(frame[self.numbers].to_numpy(dtype=float))
        if self.words:
            codes = self.codes.transform(frame[self.words].astype(str)) + 1
        return torch.tensor(numbers, dtype=torch.float32), torch.tensor(codes, dtype=torch.int64)

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
        numbers: torch.Tensor,
        codes: torch.Tensor,
        target: torch.Tensor,
        fit_rows: NDArray[Any],
        held_out: NDArray[Any],
    ) -> None:
        decayed = [p for name, p in self.network.named_parameters() if not name.endswith("bias")]
        others = [p for name, p in self.network.named_parameters() if name.endswith("bias")]
        groups = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        k = self.network.k
        best, best_loss, waited = {}, math.inf, 0
        for _ in range(MAX_EPOCHS):
            self.network.train()
            # An order of its own for each member.
            orders = torch.stack([torch.randperm(len(fit_rows)) for _ in range(k)], dim=1)
            for batch in torch.tensor(fit_rows)[orders].split(BATCH_SIZE):
                optimizer.zero_grad()
                loss = self._loss(self._forward(numbers[batch], codes[batch]), target[batch])
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP_NORM)
                optimizer.step()
            held_loss = self._judge(self._mean_answer(numbers[held_out], codes[held_out]), target[held_out])
            waited += 1
            if held_loss < best_loss:
                best_loss, waited = held_loss, 0
                best = {name: value.clone() for name, value in self.network.state_dict().items()}
            if waited > PATIENCE:
                break
        self.network.load_state_dict(best)

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


def create() -> TabMMini:
    return TabMMini()

"""Configurations: the networks that `creche.fit` trains, each as arguments of `creche.train`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from creche.plan.component import Component, count_field, flag_field, number_field
from creche.plan.embeddings import NumberEmbedding, resolve_number_embedding
from creche.plan.losses import Loss
from creche.plan.network import Network, choose_submodel_start
from creche.plan.optimizers import AdamW
from creche.plan.plan import Plan
from creche.plan.words import ActivationName, Normalization, Parameterization, Precision, Task
from creche.table.encoders.features import FeatureEncoder
from creche.table.encoders.preprocessing import Preprocessing

__all__ = ["Configuration"]


@dataclass(frozen=True, slots=True, repr=False)
class Configuration(Component):
    """One kind of network: what `creche.fit` tries on every fold.

    Parameters
    ----------
    name : str
        What pages call it.
    hidden : tuple of int
        Widths of the hidden layers; empty for a linear network.
    activation : str, default "relu"
    dropout : float, default 0
    learning_rate, weight_decay : float
        What `AdamW` takes.
    beta2 : float, default 0.95
        The decay of the running mean of squared gradients (Holzmüller et al. 2024, appendix A).
    parameterization : {"standard", "ntk"}, default "standard"
        What `AdamW` takes.
    batch_size, epochs : int
        The learning rate falls along half a cosine over these epochs.
    preprocessing : Preprocessing
    number_embedding : PeriodicEmbedding or LinearEmbedding, optional
        How each number becomes several inputs of the first layer.
    normalization : {"none", "layer", "batch"}, default "none"
    parametric_activation, scale_inputs : bool, default False
        What `Network.of` takes.
    submodels : int, default 1
        How many networks share weights and are trained as one, as in TabM-mini (Gorishniy, Kotelnikov & Babenko 2024),
        on the same batches.

    Examples
    --------
    >>> Configuration("wide", (256, 256), epochs=64).hidden
    (256, 256)

    """

    name: str = ""
    hidden: tuple[int, ...] = ()
    activation: ActivationName = "relu"
    dropout: float = number_field(0.0, at_least=0, below=1)
    learning_rate: float = number_field(2e-3, above=0)
    weight_decay: float = number_field(0.02, at_least=0)
    beta2: float = number_field(0.95, at_least=0, below=1)
    parameterization: Parameterization = "standard"
    batch_size: int = count_field(32)
    epochs: int = count_field(100)
    preprocessing: Preprocessing = field(default=Preprocessing())
    number_embedding: NumberEmbedding | None = None
    normalization: Normalization = "none"
    parametric_activation: bool = flag_field(False)
    scale_inputs: bool = flag_field(False)
    submodels: int = count_field(1, at_most=4096)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        object.__setattr__(self, "preprocessing", Preprocessing.of(self.preprocessing))
        object.__setattr__(self, "number_embedding", resolve_number_embedding(self.number_embedding))
        Component.__post_init__(self)

    def create_network(self, features: FeatureEncoder, outputs: int) -> Network:
        """Return the network for rows that these encoders make."""
        embeddings = features.embed(self.number_embedding, None)
        shared: dict[str, Any] = {}
        if self.submodels > 1:
            shared = {
                "submodels": self.submodels,
                "submodel_start": choose_submodel_start(embeddings),
                "input_features": features.column_numbers,
            }
        return Network.of(
            features.width, self.hidden, outputs,
            activation=self.activation, dropout=self.dropout, normalization=self.normalization,
            parametric_activation=self.parametric_activation, scale_inputs=self.scale_inputs, embeddings=embeddings,
            **shared,
        )  # fmt: skip

    def create_plan(
        self, features: FeatureEncoder, outputs: int, task: Task, loss: Loss, precision: Precision, seed: int
    ) -> Plan:
        """Return the plan for rows that these encoders make, with this many outputs."""
        return Plan(
            self.create_network(features, outputs),
            task=task,
            loss=loss,
            optimizer=AdamW(
                learning_rate=self.learning_rate,
                weight_decay=self.weight_decay,
                beta2=self.beta2,
                parameterization=self.parameterization,
            ),
            schedule="cosine",  # type: ignore[arg-type]  # made a Schedule there
            batch_size=self.batch_size,
            epochs=self.epochs,
            seed=seed,
            early_stopping=None,
            keep="last",
            precision=precision,
        )

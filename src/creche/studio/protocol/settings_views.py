"""The settings of a network, and what may be chosen."""

from __future__ import annotations

from dataclasses import dataclass

from creche.plan.words import ActivationName, Effort, LossName, OptimizerName, PreprocessingName, ScheduleName

__all__ = ["Choices", "Settings", "SettingsView"]


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of the network and of training, by the names of `creche.train`'s arguments.

    `epochs` is where training ends by itself. Changing `hidden`, `activation`, `loss`, `seed`, `preprocessing` or the
    split starts training anew; the others apply from the next batch on.
    """

    hidden: tuple[int, ...]
    activation: ActivationName
    optimizer: OptimizerName
    learning_rate: float
    batch_size: int
    loss: LossName
    weight_decay: float
    l1: float
    dropout: float
    label_smoothing: float
    schedule: ScheduleName
    epochs: int
    seed: int
    preprocessing: PreprocessingName
    validation_fraction: float
    test_fraction: float
    split_seed: int


@dataclass(frozen=True, slots=True)
class Choices:
    """What the selects of the page offer, for the task of the table."""

    activations: tuple[str, ...]
    optimizers: tuple[str, ...]
    losses: tuple[str, ...]
    schedules: tuple[str, ...]
    preprocessings: tuple[str, ...]
    default_rates: tuple[float, ...]
    """The default learning rate of each optimizer, in their order."""
    efforts: tuple[Effort, ...]


@dataclass(frozen=True, slots=True)
class SettingsView:
    """The settings in force. Pushed to every tab when one of them changes a setting.

    `changed_at` says after how many epochs settings were changed while training (2.5: in the middle of the third),
    with `changes` in words.
    """

    settings: Settings
    choices: Choices
    restarted: bool
    changed_at: tuple[float, ...]
    changes: tuple[str, ...]

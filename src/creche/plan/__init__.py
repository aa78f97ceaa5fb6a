"""A training run as plain data: frozen dataclasses that check themselves, print well and go to JSON and back."""

from creche.plan.activations import ACTIVATIONS
from creche.plan.initializers import INITIALIZERS
from creche.plan.losses import LOSSES
from creche.plan.network import Layer, Network
from creche.plan.optimizers import OPTIMIZERS
from creche.plan.plan import EarlyStopping, Plan
from creche.plan.schedules import SCHEDULES

__all__ = [
    "ACTIVATIONS", "INITIALIZERS", "LOSSES", "OPTIMIZERS", "SCHEDULES", "EarlyStopping", "Layer", "Network", "Plan",
]  # fmt: skip

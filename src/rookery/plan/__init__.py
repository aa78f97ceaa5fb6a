"""A training run as plain data: frozen dataclasses that check themselves, print well and go to JSON and back."""

from rookery.plan.activations import ACTIVATIONS
from rookery.plan.initializers import INITIALIZERS
from rookery.plan.losses import LOSSES
from rookery.plan.network import Layer, Network
from rookery.plan.optimizers import OPTIMIZERS
from rookery.plan.plan import EarlyStopping, Plan
from rookery.plan.schedules import SCHEDULES

__all__ = [
    "ACTIVATIONS", "INITIALIZERS", "LOSSES", "OPTIMIZERS", "SCHEDULES", "EarlyStopping", "Layer", "Network", "Plan",
]  # fmt: skip

"""Which words of a plan this engine knows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from creche._advice import advise
from creche.engine.torch.activations import ACTIVATIONS
from creche.engine.torch.losses import LOSSES
from creche.engine.torch.rules import RULES
from creche.errors import PlanError

__all__ = ["check_words"]


def check_words(plan: Any) -> None:
    """Refuse a plan of the compiled engine with a word that this engine does not have.

    Raises
    ------
    PlanError

    """
    for layer in plan.layers:
        _check("activation", layer.activation, ACTIVATIONS)
    _check("loss", plan.loss.kind, LOSSES)
    _check("optimizer", plan.optimizer.kind, RULES)


def _check(argument: str, word: str, known: Collection[str]) -> None:
    if word not in known:
        raise PlanError(
            f"{argument}: got {word!r}, which the engine on PyTorch does not have; give "
            f"{advise('device', 'cpu')}, or choose one of {', '.join(known)}",
            argument=argument,
        )

"""Groups of parameters for which an optimizer has other numbers, such as the biases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

from creche.errors import PlanError
from creche.plan.component import Component, number_field

__all__ = ["GroupFactors", "ParameterGroups", "StepFactors", "ntk_factors"]


@dataclass(frozen=True, slots=True, repr=False)
class GroupFactors(Component):
    """Factors of an optimizer's numbers for one group of parameters.

    Parameters
    ----------
    learning_rate : float, default 1
        Factor of the learning rate, at least 0; at 0 these parameters stay as they are initialized.
    weight_decay : float, default 1
        Factor of the weight decay lambda, at least 0. Decoupled weight decay shrinks parameters by eta lambda, so both
        factors change it.
    epsilon : float, default 1
        Factor of epsilon, above 0, of optimizers that have one.

    Examples
    --------
    >>> GroupFactors(learning_rate=0.1)
    GroupFactors(learning_rate=0.1)

    """

    learning_rate: float = number_field(1.0, at_least=0)
    weight_decay: float = number_field(1.0, at_least=0)
    epsilon: float = number_field(1.0, above=0)


@dataclass(frozen=True, slots=True, repr=False)
class ParameterGroups(Component):
    """The groups of parameters for which an optimizer's numbers have factors; each may be given as a dict.

    Parameters
    ----------
    biases : GroupFactors
        Factors for the biases of all layers. Weight decay applies to them only with `regularize_bias`.
    first_layer, last_layer : GroupFactors
        Factors for the weights of the first layer and of the output layer; both apply to the weights of an only layer.
    scale, slopes, gains : GroupFactors
        Factors for the learned factors of inputs, the slopes of parametric activations and the gains of normalizations.
        The shifts of normalizations are biases.
    number_embeddings, category_embeddings : GroupFactors
        Factors for all parameters of the embeddings of numbers, and of categories.

    Examples
    --------
    >>> ParameterGroups(biases={"learning_rate": 0.1})
    ParameterGroups(biases=GroupFactors(learning_rate=0.1))

    """

    biases: GroupFactors = GroupFactors()
    first_layer: GroupFactors = GroupFactors()
    last_layer: GroupFactors = GroupFactors()
    scale: GroupFactors = GroupFactors()
    slopes: GroupFactors = GroupFactors()
    gains: GroupFactors = GroupFactors()
    number_embeddings: GroupFactors = GroupFactors()
    category_embeddings: GroupFactors = GroupFactors()

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, GroupFactors.from_dict(value))
            elif not isinstance(value, GroupFactors):
                raise PlanError(
                    f"ParameterGroups.{name}: got {value!r}; needs a dict such as {{'learning_rate': 0.1}}",
                    argument=name,
                )
        Component.__post_init__(self)

    @classmethod
    def of(cls, choice: object) -> ParameterGroups:
        """Return the groups, which may be given as a dict of dicts.

        Parameters
        ----------
        choice : ParameterGroups or dict

        Raises
        ------
        PlanError
            If it is neither, or a factor is out of bounds.

        """
        return choice if isinstance(choice, cls) else cls.from_dict(choice)  # type: ignore[arg-type]


class StepFactors(NamedTuple):
    """Factors of all numbers with which the engine updates one group of parameters."""

    learning_rate: float = 1.0
    epsilon: float = 1.0
    weight_decay: float = 1.0
    l1: float = 1.0
    clip_value: float = 1.0

    def times(self, group: GroupFactors) -> StepFactors:
        """Return the factors times those of a group."""
        return self._replace(
            learning_rate=self.learning_rate * group.learning_rate,
            epsilon=self.epsilon * group.epsilon,
            weight_decay=self.weight_decay * group.weight_decay,
        )


def ntk_factors(inputs: int, *, is_linear: bool, decoupled: bool) -> StepFactors:
    """Return the factors for weights w of a layer that make their steps those of W = w sqrt(inputs).

    The gradient with respect to W is that with respect to w over sqrt(inputs), and a step of W is one of w times
    sqrt(inputs).

    Parameters
    ----------
    inputs : int
    is_linear : bool
        Whether a step is proportional to the gradient, as SGD's; otherwise it does not depend on the gradient's scale,
        but for epsilon.
    decoupled : bool
        Whether weight decay is.

    Examples
    --------
    >>> ntk_factors(16, is_linear=False, decoupled=True)
    StepFactors(learning_rate=0.25, epsilon=4.0, weight_decay=4.0, l1=4.0, clip_value=4.0)

    """
    root = math.sqrt(inputs)
    step = inputs if is_linear else root
    return StepFactors(1.0 / step, root, step if decoupled else inputs, root, root)

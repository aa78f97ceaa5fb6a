"""The choices of a sweep's networks: each combination of values with each seed, on each split, made when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["Choices", "group_seeds", "place_on_splits", "values_of", "without_seed"]

Choice = dict[str, Any]


class Choices(Sequence[Choice]):
    """The values of the arguments of many networks, which take no memory for each.

    Networks of the same split follow each other, and among these the seeds of a combination.

    Parameters
    ----------
    combinations : sequence of dict
        The values of the arguments, without the seed.
    seeds : range
    positions : sequence of dict
        For each split the numbers of its repeat and its fold; one empty dict without folds.

    Examples
    --------
    >>> choices = Choices([{"hidden": [5]}, {"hidden": [10]}], range(2))
    >>> len(choices), choices[3]
    (4, {'hidden': [10], 'seed': 1})

    """

    def __init__(
        self, combinations: Sequence[Mapping[str, Any]], seeds: range, positions: Sequence[Mapping[str, int]] = ({},)
    ) -> None:
        self.combinations = combinations
        self.seeds = seeds
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions) * len(self.combinations) * len(self.seeds)

    @overload
    def __getitem__(self, number: int) -> Choice: ...

    @overload
    def __getitem__(self, number: slice) -> list[Choice]: ...

    def __getitem__(self, number: int | slice) -> Choice | list[Choice]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        group, seed = divmod(int(number) % len(self), len(self.seeds))
        split, combination = divmod(group, len(self.combinations))
        return {**self.combinations[combination], **self._positions[split], "seed": self.seeds[seed]}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def spread(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for each network the number of its combination, from one for each combination."""
        return np.tile(np.repeat(numbers, len(self.seeds)), len(self._positions))

    def values_of(self, name: str) -> list[Any]:
        """Return the value of one argument, or of a position, for each network."""
        splits, combinations, seeds = len(self._positions), len(self.combinations), len(self.seeds)
        if name == "seed":
            return [*self.seeds] * (splits * combinations)
        if name in self._positions[0]:
            return [position[name] for position in self._positions for _ in range(combinations * seeds)]
        return [value for each in self.combinations for value in [each[name]] * seeds] * splits

    def split_numbers(self) -> NDArray[np.int64]:
        """Return for each network the number of its split."""
        return np.repeat(np.arange(len(self._positions)), len(self.combinations) * len(self.seeds))


def group_seeds(choices: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Sequence[int]]]:
    """Yield each choice without its seed, with the seeds of the adjacent choices that differ in nothing else."""
    if isinstance(choices, Choices):
        for combination in choices.combinations:
            yield combination, choices.seeds
        return
    seeds: list[int] = []
    current: Choice = {}
    for member in choices:
        choice = without_seed(member)
        # Compared by identity, because values may be arrays.
        if seeds and not (choice.keys() == current.keys() and all(choice[name] is current[name] for name in choice)):
            yield current, seeds
            seeds = []
        current = choice
        seeds.append(member["seed"])
    if seeds:
        yield current, seeds


def place_on_splits(choices: Sequence[Mapping[str, Any]], positions: Sequence[Mapping[str, int]]) -> Sequence[Choice]:
    """Return the choices of the same networks on each of these splits, whose positions come before the seed."""
    if isinstance(choices, Choices):
        return Choices(choices.combinations, choices.seeds, positions)
    return [{**without_seed(choice), **at, "seed": choice["seed"]} for at in positions for choice in choices]


def values_of(choices: Sequence[Mapping[str, Any]], name: str) -> list[Any]:
    """Return the value of one argument, or of a position, for each network."""
    if not isinstance(choices, Choices):
        return [choice[name] for choice in choices]
    return choices.values_of(name)


def without_seed(choice: Mapping[str, Any]) -> Choice:
    """Return the values of a choice without its seed."""
    return {name: value for name, value in choice.items() if name != "seed"}

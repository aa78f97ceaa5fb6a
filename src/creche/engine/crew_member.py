"""What a crew knows of each network: one that the engine holds, or one that is kept as its state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.engine.outcomes import Divergence
from creche.engine.parameters import Parameters
from creche.engine.run_state import RunState

__all__ = ["ActiveMember", "CrewMember", "Members", "Seats", "State", "StoredMember"]

State: TypeAlias = dict[str, NDArray[Any]]


class CrewMember(Protocol):
    """A member of a crew, in the engine or ended."""

    def status(self) -> str: ...
    def position(self) -> tuple[int, int]: ...
    def history(self) -> State: ...
    def parameters(self) -> Parameters: ...
    def state(self) -> State: ...
    def divergence(self) -> Divergence | None: ...


class ActiveMember:
    """A member of one of the engine's colonies."""

    def __init__(self, colony: Any, place: int) -> None:
        self.colony = colony
        self.place = place

    def status(self) -> str:
        return str(self.colony.status(self.place))

    def position(self) -> tuple[int, int]:
        return self.colony.position(self.place)  # type: ignore[no-any-return]

    def history(self) -> State:
        return self.colony.history(self.place)  # type: ignore[no-any-return]

    def parameters(self) -> Parameters:
        return Parameters(self.colony.parameters(self.place))

    def state(self) -> State:
        return self.colony.state(self.place)  # type: ignore[no-any-return]

    def set_state(self, state: State) -> None:
        self.colony.set_state(self.place, state)

    def divergence(self) -> Divergence | None:
        return self.colony.divergence(self.place)  # type: ignore[no-any-return]


class StoredMember:
    """A member that the engine does not hold: one that has ended, or one that goes on from its state.

    Parameters
    ----------
    status : str
    state : dict of str to array
    divergence : (int, int, float), optional

    """

    def __init__(self, status: str, state: State, divergence: Divergence | None = None) -> None:
        self._status = status
        self._state = state
        self._divergence = divergence

    def status(self) -> str:
        return self._status

    def position(self) -> tuple[int, int]:
        state = RunState(self._state)
        return state.epoch, state.batch

    def history(self) -> State:
        return RunState(self._state).history

    def parameters(self) -> Parameters:
        return RunState(self._state).parameters

    def state(self) -> State:
        return self._state

    def divergence(self) -> Divergence | None:
        return self._divergence


@dataclass(frozen=True, slots=True, eq=False)
class Seats:
    """Where the engine has networks: for each its colony, and its place there.

    Attributes
    ----------
    colonies : sequence of colonies
    colony : (n,) int32 array
        Positions in `colonies`.
    place : (n,) int64 array

    """

    colonies: Sequence[Any]
    colony: NDArray[np.int32]
    place: NDArray[np.int64]

    @classmethod
    def of_one(cls, colony: Any, count: int) -> Seats:
        """Return those of networks that have one colony for themselves."""
        return cls([colony], np.zeros(count, np.int32), np.arange(count))

    @classmethod
    def of_pairs(cls, pairs: Iterable[tuple[Any, int]]) -> Seats:
        """Return those of networks whose colony and place are known one by one."""
        colonies: dict[int, tuple[int, Any]] = {}
        indices, places = [], []
        for colony, place in pairs:
            indices.append(colonies.setdefault(id(colony), (len(colonies), colony))[0])
            places.append(place)
        return cls([colony for _, colony in colonies.values()], np.array(indices, np.int32), np.array(places, np.int64))


class Members:
    """The members of a crew by their numbers: those in the engine as entries of arrays, the others as objects.

    Parameters
    ----------
    count : int
        The number of members.

    Attributes
    ----------
    apart : dict of int to CrewMember
        The members that are not in the engine.

    """

    def __init__(self, count: int) -> None:
        self._colonies: list[Any] = []
        self._colony = np.full(count, -1, np.int32)
        self._place = np.zeros(count, np.int64)
        self._groups: list[tuple[Any, NDArray[np.int64], NDArray[np.int64]]] | None = None  # until a member moves
        self.apart: dict[int, CrewMember] = {}

    @classmethod
    def of(cls, members: Sequence[CrewMember]) -> Members:
        """Return the members of several crews as those of one."""
        one = cls(len(members))
        active = [(n, member) for n, member in enumerate(members) if isinstance(member, ActiveMember)]
        one.seat([n for n, _ in active], Seats.of_pairs((member.colony, member.place) for _, member in active))
        for number, member in enumerate(members):
            if not isinstance(member, ActiveMember):
                one[number] = member
        return one

    def __len__(self) -> int:
        return len(self._colony)

    def __iter__(self) -> Iterator[CrewMember]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> CrewMember:
        colony = self._colony[number]
        return self.apart[number] if colony < 0 else ActiveMember(self._colonies[colony], int(self._place[number]))

    def __setitem__(self, number: int, member: CrewMember) -> None:
        assert not isinstance(member, ActiveMember)
        self._colony[number] = -1
        self._groups = None
        self.apart[number] = member

    def seat(self, numbers: Sequence[int] | NDArray[np.int64], seats: Seats) -> None:
        """Note where the engine has these members now."""
        self._colony[numbers] = seats.colony + len(self._colonies)
        self._place[numbers] = seats.place
        self._groups = None
        if self.apart:
            for number in np.asarray(numbers).tolist():
                self.apart.pop(number, None)
        if not self._colonies:
            self._colonies = list(seats.colonies)
            return
        used = set(np.unique(self._colony).tolist())
        # A colony without members is let go, with its memory.
        colonies = [*self._colonies, *seats.colonies]
        self._colonies = [colony if index in used else None for index, colony in enumerate(colonies)]

    def groups(self) -> list[tuple[Any, NDArray[np.int64], NDArray[np.int64]]]:
        """Return the colonies, each with the numbers and the places of its members."""
        if self._groups is None:
            self._groups = []
            for index, colony in enumerate(self._colonies):
                numbers = np.flatnonzero(self._colony == index)
                if len(numbers):
                    self._groups.append((colony, numbers, self._place[numbers]))
        return self._groups

"""What a crew knows of each network: one that the engine holds, or one that is kept as its state."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

from creche.engine.outcomes import Divergence
from creche.engine.parameters import Parameters
from creche.engine.run_state import RunState

__all__ = ["ActiveMember", "CrewMember", "State", "StoredMember"]

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

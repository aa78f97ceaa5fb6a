"""The place of a process among those that train a network together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from creche.errors import PlanError

__all__ = ["Place", "place_of_this_process"]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of this process among those that were started together.

    Attributes
    ----------
    rank, count : int
    address : str
        Where the first process is met.
    port : int
    on_this_machine : int
        How many of them share this machine's cores.
    local_rank : int
        Which of these this is.
    key : str
        What a process has to know to take part; empty for nothing.

    """

    rank: int
    count: int
    address: str
    port: int
    on_this_machine: int
    local_rank: int = 0
    key: str = field(default="", repr=False)

    def describe(self, shared: object) -> str:
        """Return which process it is, for messages."""
        return f"process {self.rank} of {self.count}"


def place_of_this_process(environment: Mapping[str, str] | None = None) -> Place | None:
    """Return the place that the environment names; None if it names none, or there is no other process.

    Raises
    ------
    PlanError
        If only a part of it is there, or a number is none.

    Examples
    --------
    >>> names = {"RANK": "1", "WORLD_SIZE": "4", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}
    >>> place_of_this_process(names)
    Place(rank=1, count=4, address='10.0.0.1', port=29500, on_this_machine=1, local_rank=0)

    """
    environment = os.environ if environment is None else environment
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return None
    rank, count = _number(environment, "RANK", 0), _number(environment, "WORLD_SIZE", 1)
    if count == 1:
        return None
    if rank >= count:
        raise PlanError(
            f"RANK: got {rank} in the environment, and WORLD_SIZE is {count}; ranks go from 0 to {count - 1}"
        )
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not environment.get(name)]
    if missing:
        raise PlanError(
            f"{missing[0]}: is not set, and RANK and WORLD_SIZE are; set it to where the first process is, as torchrun "
            "does"
        )
    local = _number(environment, "LOCAL_WORLD_SIZE", 1) if "LOCAL_WORLD_SIZE" in environment else 1
    port = _number(environment, "MASTER_PORT", 1)
    local_rank = _number(environment, "LOCAL_RANK", 0) if "LOCAL_RANK" in environment else 0
    return Place(rank, count, environment["MASTER_ADDR"], port, local, local_rank)


def _number(environment: Mapping[str, str], name: str, least: int) -> int:
    text = environment[name].strip()
    if not text.isdecimal() or int(text) < least:
        raise PlanError(f"{name}: got {text!r} in the environment; needs a whole number of at least {least}")
    return int(text)

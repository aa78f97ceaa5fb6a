"""How the networks of an ensemble were distributed over folds, so that they can be trained again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from creche.errors import CrecheError, FileError
from creche.table.split import Split

__all__ = ["FoldMember", "FoldOrigin"]


@dataclass(frozen=True, slots=True)
class FoldMember:
    """A network of a cross-validation.

    Attributes
    ----------
    repeat, fold : int
        Both counted from 1.
    seed : int
        The seed of the network.

    """

    repeat: int
    fold: int
    seed: int


@dataclass(frozen=True, slots=True)
class FoldOrigin:
    """The folds on which the networks of an ensemble were trained.

    Attributes
    ----------
    folds, repeats : int
        The number of folds, and how often the rows were divided into them.
    seed : int
        The seed of the folds, unless the split has one of its own.
    split : Split
        How rows were assigned to folds, and which share of its rows a network watched.
    stops_early : bool
        Whether networks watched rows of their own to stop early.
    bootstrap : bool
        Whether each network learned a bootstrap sample of its rows.
    members : tuple of FoldMember
        The fold of each network of the ensemble, in its order.
    epochs : tuple of int
        For how many epochs each was trained.

    """

    folds: int
    repeats: int
    seed: int
    split: Split
    stops_early: bool
    bootstrap: bool
    members: tuple[FoldMember, ...]
    epochs: tuple[int, ...]

    def place(self, member: FoldMember) -> int:
        """Return the place of a network's fold among the folds of all repeats, from 0."""
        return (member.repeat - 1) * self.folds + member.fold - 1

    def to_dict(self) -> dict[str, Any]:
        """Return the folds as plain data."""
        return {
            "folds": self.folds,
            "repeats": self.repeats,
            "seed": self.seed,
            "split": self.split.to_dict(),
            "stops_early": self.stops_early,
            "bootstrap": self.bootstrap,
            "members": [[member.repeat, member.fold, member.seed] for member in self.members],
            "epochs": list(self.epochs),
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read what `to_dict` returned.

        Raises
        ------
        FileError
            If a part is missing or invalid.

        """
        try:
            folds, repeats, seed = (_read_count(data[name]) for name in ("folds", "repeats", "seed"))
            members = tuple(FoldMember(*map(_read_count, numbers)) for numbers in data["members"])
            epochs = tuple(map(_read_count, data["epochs"]))
            split, flags = Split.from_dict(data["split"]), [data["stops_early"], data["bootstrap"]]
        except (KeyError, TypeError, ValueError, AttributeError, CrecheError) as error:
            raise _damaged(error) from error
        origin = cls(folds, repeats, seed, split, flags[0] is True, flags[1] is True, members, epochs)
        is_whole = all(1 <= m.fold <= folds and 1 <= m.repeat <= repeats for m in members)
        if not is_whole or len(epochs) != len(members) or not all(isinstance(flag, bool) for flag in flags):
            raise _damaged("they contradict each other")
        return origin


def _read_count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _damaged(reason: object) -> FileError:
    return FileError(f"provenance: its folds cannot be read ({reason}); the file was damaged or made by hand")

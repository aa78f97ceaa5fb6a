"""The checkpoint of a fit: one file with all rounds so far, from which it continues to the same bytes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._system.archive import BrokenArchiveError, read_archive, write_archive
from creche._system.atomic_files import file_name
from creche._system.strict_json import as_json_data
from creche.errors import CrecheError, FileError
from creche.fitting.candidate import Candidate, restore_candidate
from creche.fitting.configuration import Configuration
from creche.fitting.search import Search
from creche.model.fit_record import Round
from creche.training.checkpoint import refuse_differences

__all__ = ["FitCheckpoint"]

ENTRIES = {"number": int, "loss": float, "epoch": int, "epochs_done": int}


class FitCheckpoint:
    """Writes what a search has found to a file, after each round.

    A round that was interrupted is not in it: it is trained again.

    Parameters
    ----------
    path : file name
    search : Search
        A search before its first round; with `resume`, it is restored from the file.
    identity : dict
        Everything that distinguishes a fit from others, as plain data in parts; the "table" is one.
    resume : bool

    Raises
    ------
    FileError
        If the file cannot be read, belongs to another fit (the message names what differs), or exists although
        `resume` is False.

    """

    def __init__(self, path: str | os.PathLike[str], search: Search, identity: dict[str, Any], resume: bool) -> None:
        self.path = Path(file_name(path))
        self._search = search
        self._identity = as_json_data(identity)
        if self.path.exists():
            self._read(resume)
        search.on_round = self.save

    def save(self) -> None:
        """Write the file, completely or not at all."""
        search = self._search
        arrays: dict[str, NDArray[Any]] = {}
        for each in search.candidates:
            parts = (array.reshape(-1) for model in each.models for array in model.parameters.values())
            arrays[f"parameters.{each.number}"] = np.concatenate(list(parts))
            arrays[f"losses.{each.number}"] = each.losses
        header = {
            "seconds": search.elapsed(),
            "rounds": [[each.first, each.count, each.epochs] for each in search.rounds],
            "candidates": [{name: getattr(each, name) for name in ENTRIES} for each in search.candidates],
            **self._identity,
        }
        write_archive(self.path, "fit", header, arrays)

    def _read(self, resume: bool) -> None:
        header, arrays = read_archive(self.path, "fit")
        found = {name: header.pop(name, None) for name in ("seconds", "rounds", "candidates")}
        if set(header) != set(self._identity):
            raise BrokenArchiveError(f"{self.path}: holds a fit with an inconsistent header; remove the file")
        refuse_differences(self.path, "fit", header, self._identity)
        if not resume:
            raise FileError(
                f"{self.path}: holds this fit already; continue it with {advise('resume', True)}, or give another file"
            )
        try:
            self._restore(found, arrays)
        except (KeyError, ValueError, IndexError, TypeError, AttributeError, CrecheError) as error:
            raise BrokenArchiveError(
                f"{self.path}: does not hold the networks of this fit ({error}); remove the file"
            ) from error

    def _restore(self, found: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> None:
        search = self._search
        rounds = [Round(*map(_check_count, entry)) for entry in found["rounds"]]
        number = 0
        for each in rounds:
            if each.first != number or each.count < 1 or each.epochs < 1:
                raise ValueError(f"a round begins at {each.first}, not at {number}")
            number += each.count
        entries = {_check_entry(entry)["number"]: entry for entry in found["candidates"]}
        if (
            list(entries) != sorted(entries)
            or len(entries) < len(found["candidates"])
            or max(entries, default=-1) >= number
        ):
            raise ValueError(f"it has the configurations {list(entries)}")
        for each in rounds:
            planned = search.plan(each.first, each.count)
            held = [
                self._restore_candidate(one, entries[one[0]], arrays) for one in planned if one[0] in entries
            ]  # without those that diverged
            search.restore(held, each)
        search.started -= float(found["seconds"])

    def _restore_candidate(
        self, numbered: tuple[int, Configuration], entry: dict[str, Any], arrays: dict[str, NDArray[Any]]
    ) -> Candidate:
        search, number = self._search, numbered[0]
        return restore_candidate(
            search.tables, numbered, search.policy.seed, search.hardware,
            parameters=arrays[f"parameters.{number}"], losses=arrays[f"losses.{number}"], loss=entry["loss"],
            epoch=entry["epoch"], epochs_done=entry["epochs_done"],
        )  # fmt: skip


def _check_entry(entry: dict[str, Any]) -> dict[str, Any]:
    if set(entry) != set(ENTRIES) or not all(type(entry[name]) is kind for name, kind in ENTRIES.items()):
        raise ValueError(f"a configuration is {entry}")
    return entry


def _check_count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"a round has {value!r}")
    return value

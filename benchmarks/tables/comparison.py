"""Which results are compared: the systems, the tables that all of them have, and the splits they share."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.aggregate import compare_splits
from benchmarks.tables.results import ResultFile

# A system with fewer of the reference's tables than this share has a ratio, but no rank.
RANKED_SHARE = 0.5
SIGNIFICANCE = 0.05


@dataclass
class Comparison:
    """Results of systems, the first of a name being that of its newest version, and the reference among them."""

    files: dict[str, ResultFile]
    reference: str
    tables: list[str]
    folds: int | None = None

    def __post_init__(self) -> None:
        if self.reference not in self.files:
            raise SystemExit(f"No results of {self.reference}, the reference. Results: {', '.join(self.files)}.")

    def results_of(self, system: str, table: str) -> dict[int, dict[str, Any]]:
        """Return the results by split, of the first `folds` splits only."""
        found = self.files[system].tables.get(table, {})
        return {split: result for split, result in found.items() if self.folds is None or split < self.folds}

    def shared_results(self, systems: Sequence[str], table: str) -> list[list[dict[str, Any]]]:
        """Return the results of each system on the splits that all of them have, in the order of the splits."""
        every = [self.results_of(system, table) for system in systems]
        splits = sorted(set.intersection(*(set(results) for results in every)))
        splits = [split for split in splits if len({results[split]["digest"] for results in every}) == 1]
        return [[results[split] for split in splits] for results in every]

    def mean_errors(self, systems: Sequence[str]) -> tuple[list[str], NDArray[np.float64]]:
        """Return the tables with splits that all systems share, and the mean errors on them (systems, tables)."""
        names, columns = [], []
        for table in self.tables:
            shared = self.shared_results(systems, table)
            if shared[0]:
                names.append(table)
                columns.append([np.mean([error_of(result) for result in results]) for results in shared])
        return names, np.array(columns, dtype=float).reshape(-1, len(systems)).T

    def ranked_systems(self) -> list[str]:
        """Return the systems that have enough tables of the reference to be ranked."""
        n_tables = len(self.mean_errors([self.reference])[0])
        shared = {system: len(self.mean_errors([system, self.reference])[0]) for system in self.files}
        return [system for system, n in shared.items() if n and n >= RANKED_SHARE * n_tables]

    def count_wins(self, system: str) -> tuple[int, int, int]:
        """Return on how many tables the system is significantly better than the reference, level, and worse."""
        better = level = worse = 0
        for table in self.tables:
            mine, theirs = self.shared_results([system, self.reference], table)
            if not mine:
                continue
            differences = [error_of(a) - error_of(b) for a, b in zip(mine, theirs, strict=True)]
            train, test = mine[0]["rows"]
            p = compare_splits(differences, test / train)
            if not p < SIGNIFICANCE:
                level += 1
            elif np.mean(differences) < 0:
                better += 1
            else:
                worse += 1
        return better, level, worse

    def is_classification(self, table: str) -> bool:
        return any("log_loss" in result for result in self.results_of(self.reference, table).values())

    def rows_of(self, table: str) -> int:
        return next(sum(result["rows"]) for result in self.results_of(self.reference, table).values())


def error_of(result: dict[str, Any]) -> float:
    """Return what systems are compared by: the log loss, or the root mean squared error."""
    return float(result["log_loss"] if "log_loss" in result else result["rmse"])


def choose_files(files: Collection[ResultFile], names: Sequence[str]) -> dict[str, ResultFile]:
    """Return the results of each name: NAME is its newest version, NAME* all names that begin so, NAME@VERSION one.

    Of several machines with the same version, that with the most results is taken, as errors do not depend on it.
    """
    exact: dict[str, ResultFile] = {}
    for file in files:
        if len(file) > len(exact.setdefault(name := f"{file.system}@{file.version}", file)):
            exact[name] = file
    newest: dict[str, ResultFile] = {}
    for file in exact.values():
        newest.setdefault(file.system, file)
    if not names:
        return newest
    chosen: dict[str, ResultFile] = {}
    for name in names:
        found = {key: file for key, file in newest.items() if key == name}
        if name.endswith("*"):
            found = {key: file for key, file in newest.items() if key.startswith(name[:-1])}
        if name in exact:
            found = {name: exact[name]}
        if not found:
            raise SystemExit(f"No results of {name}. Results: {', '.join(exact)}.")
        chosen.update(found)
    return chosen

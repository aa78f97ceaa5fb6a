"""The parts of a diagnosis: findings, and the trials of their remedies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any, overload

import numpy as np

from creche._advice import advise_all
from creche._displayed import Displayed
from creche._phrases import format_count, write_number

__all__ = ["Alternative", "Diagnosis", "Finding", "Symptom", "Trial"]

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Alternative:
    """A run with one thing changed.

    Attributes
    ----------
    change : str
        The change in words: "a third of the learning rate".
    arguments : dict
        The change as arguments of `creche.train`.
    measure : {"loss", "rmse", "mae", "deviance", "balanced_accuracy"}
        The measure by which it is compared with the run as it was.
    without_rows : tuple of int
        Training rows to leave out, by their places among them, from 0.

    """

    change: str
    arguments: Mapping[str, Any]
    measure: str = "loss"
    without_rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a rule found, before its remedies are tried; title, evidence and meaning are those of `Finding`.

    Attributes
    ----------
    alternatives : sequence of Alternative
        The remedies to try.
    is_forecast : bool
        Whether the symptom only predicts that an alternative is better: if none is, there is no finding.

    """

    title: str
    evidence: str
    meaning: str
    alternatives: Sequence[Alternative] = ()
    is_forecast: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A remedy that was tried: the run was trained with it and without it, with the same seeds.

    Attributes
    ----------
    change : str
        The remedy in words: "a third of the learning rate".
    arguments : dict
        The remedy as arguments of `creche.train`.
    measure : str
        What before and after measure: "validation loss", "validation balanced accuracy", …
    before, after : float
        Means over the seeds without and with the remedy; infinite (a balanced accuracy: 0) if training diverged.
    helped : bool
        Whether the remedy is better with each seed, and by a tenth or more.
    seeds : int
        The number of seeds.

    """

    change: str
    arguments: Mapping[str, Any]
    measure: str
    before: float
    after: float
    helped: bool
    seeds: int

    @property
    def order(self) -> tuple[bool, float]:
        """The key that sorts trials of the same measure, the best first."""
        return not self.helped, -self.after if self.measure.endswith("accuracy") else self.after

    def __str__(self) -> str:
        given = f" ({advise_all(self.arguments)})" if self.arguments else ""
        means = f" (means of {self.seeds} seeds)" if self.seeds > 1 else ""
        if math.isinf(self.after):
            return f"{self.change}{given} diverges"
        before = "diverging" if math.isinf(self.before) else write_number(self.before, 3)
        after = write_number(self.after, 3)
        return f"{self.change}{given} gives a {self.measure} of {after} instead of {before}{means}"


@dataclass(frozen=True, slots=True)
class Finding(Displayed):
    """A problem of a run.

    Attributes
    ----------
    rule : str
        The rule that found it: "learning_rate_too_high", …
    title : str
        The problem in a few words.
    evidence : str
        The observations and numbers that show it.
    meaning : str
        What they mean.
    trials : tuple of Trial
        The remedies that were tried, the best first; empty if none were.

    """

    rule: str
    title: str
    evidence: str
    meaning: str
    trials: tuple[Trial, ...] = ()

    @property
    def remedy(self) -> Trial | None:
        """The best remedy that helped; None if none did, or none was tried."""
        return next((trial for trial in self.trials if trial.helped), None)

    @property
    def advice(self) -> str:
        """The remedy in words, or the remedies that did not help; empty if none was tried."""
        if self.remedy is not None:
            described = str(self.remedy)
            return f"{described[0].upper()}{described[1:]}."
        if not self.trials:
            return ""
        best = self.trials[0]
        closest = "" if math.isinf(best.after) else f"; at best, {best}"
        tried = _join_words(trial.change for trial in self.trials)
        return f"None of the remedies helped with every seed. Tried: {tried}{closest}."

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        trials = [
            {
                "change": t.change, "arguments": {name: _format_value(value) for name, value in t.arguments.items()},
                "measure": t.measure, "before": _finite(t.before), "after": _finite(t.after), "helped": t.helped,
                "seeds": t.seeds,
            }
            for t in self.trials
        ]  # fmt: skip
        return {
            "rule": self.rule, "title": self.title, "evidence": self.evidence, "meaning": self.meaning,
            "trials": trials,
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [self.title, _indent("evidence", self.evidence), _indent("meaning", self.meaning)]
        return "\n".join([*lines, _indent("remedy", self.advice)] if self.advice else lines)


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis(Displayed, Sequence[Finding]):
    """The findings about a run, the most serious first; ``print`` shows them.

    Attributes
    ----------
    findings : tuple of Finding
    checked_rules : tuple of str
        All rules that were checked.
    epochs : int
        The number of epochs the run had completed.

    """

    findings: tuple[Finding, ...]
    checked_rules: tuple[str, ...] = field(default=())
    epochs: int = 0

    def __len__(self) -> int:
        return len(self.findings)

    @overload
    def __getitem__(self, place: int) -> Finding: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Finding, ...]: ...

    def __getitem__(self, place: int | slice) -> Finding | tuple[Finding, ...]:
        return self.findings[place]

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that found something."""
        return tuple(finding.rule for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        return {"findings": [finding.to_dict() for finding in self.findings], "checked_rules": list(self.checked_rules)}

    def __str__(self) -> str:
        if not self.findings:
            rules, epochs = format_count(len(self.checked_rules), "rule"), format_count(self.epochs, "epoch")
            return f"Nothing found: {rules} were checked over {epochs}."
        return "\n\n".join(f"{place}. {finding}" for place, finding in enumerate(self.findings, 1))

    def __repr__(self) -> str:
        return f"Diagnosis({', '.join(self.rules) or 'nothing found'})"


def _indent(name: str, text: str) -> str:
    return fill(text, WIDTH, initial_indent=f"   {name:<9} ", subsequent_indent=" " * 13)


def _format_value(value: Any) -> str:
    return write_number(value, 3) if isinstance(value, float) else repr(value)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _join_words(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last

"""What a diagnosis is made of: findings, the cures that were tried, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import Any

import numpy as np

__all__ = ["Alternative", "Diagnosis", "Finding", "Symptom", "Trial"]

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same run with something changed.

    Attributes
    ----------
    words : str
        What is changed: "a third of the learning rate".
    arguments : dict
        Of `creche.train`.
    measure : {"loss", "rmse", "balanced_accuracy"}
        By what it is compared.

    """

    words: str
    arguments: Mapping[str, Any]
    measure: str = "loss"


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a rule sees; most attributes are those of `Finding`.

    Attributes
    ----------
    is_forecast : bool
        Whether it says no more than that one of the alternatives would be better: where none is, there is no finding.

    """

    title: str
    evidence: str
    meaning: str
    alternatives: Sequence[Alternative] = ()
    is_forecast: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A cure that was tried, beside the run as it was, with the same seeds.

    Attributes
    ----------
    words : str
    arguments : dict
        What to give `creche.train` for it.
    measure : str
        What before and after are: "validation loss", "validation balanced accuracy", ….
    before, after : float
        Means over the seeds; infinite (a balanced accuracy: 0) where training diverged.
    helped : bool
        Whether it is better with each seed, and by a tenth or more.
    seeds : int

    """

    words: str
    arguments: Mapping[str, Any]
    measure: str
    before: float
    after: float
    helped: bool
    seeds: int

    @property
    def order(self) -> tuple[bool, float]:
        """By which trials of the same measure are sorted, the best first."""
        return not self.helped, -self.after if self.measure.endswith("accuracy") else self.after

    def __str__(self) -> str:
        return self.told(_as_arguments)

    def told(self, given_as: Callable[[Mapping[str, Any]], str]) -> str:
        """In a sentence; `given_as` says how the arguments are to be given."""
        given = given_as(self.arguments)
        means = f", means of {self.seeds} seeds" if self.seeds > 1 else ""
        if math.isinf(self.after):
            return f"{self.words} ({given}) diverges"
        before = "diverging" if math.isinf(self.before) else _number(self.before)
        return f"{self.words} ({given}) reaches a {self.measure} of {_number(self.after)} instead of {before}{means}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a run suffers from.

    Attributes
    ----------
    rule : str
        Which rule found it: "rate_too_high", ….
    title : str
        In a few words.
    evidence : str
        What was seen, with numbers.
    meaning : str
        What that says.
    trials : tuple of Trial
        The cures that were tried, the best first; empty if none were.

    """

    rule: str
    title: str
    evidence: str
    meaning: str
    trials: tuple[Trial, ...] = ()

    @property
    def cure(self) -> Trial | None:
        """The best of what helped; None if nothing did, or nothing was tried."""
        return next((trial for trial in self.trials if trial.helped), None)

    @property
    def advice(self) -> str:
        """The cure in words, or that none was found; empty if nothing was tried."""
        return self.advise(_as_arguments)

    def advise(self, given_as: Callable[[Mapping[str, Any]], str]) -> str:
        """The same; `given_as` says how arguments are to be given."""
        if self.cure is not None:
            told = self.cure.told(given_as)
            return f"{told[0].upper()}{told[1:]}."
        if not self.trials:
            return ""
        best = self.trials[0]
        found = "" if math.isinf(best.after) else f"; at best, {best.told(given_as)}"
        return f"Nothing that helped with each seed. Tried: {_listed(trial.words for trial in self.trials)}{found}."

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        trials = [
            {
                "words": t.words, "arguments": {name: _shown(value) for name, value in t.arguments.items()},
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
        lines = [self.title, _indented("seen", self.evidence), _indented("means", self.meaning)]
        return "\n".join([*lines, _indented("cure", self.advice)] if self.advice else lines)


@dataclass(frozen=True, slots=True, repr=False)
class Diagnosis(Sequence[Finding]):
    """The findings of a run, the gravest first; ``print`` shows them.

    Attributes
    ----------
    findings : tuple of Finding
    looked_for : tuple of str
        The rules.
    epochs : int
        How many the run had completed.

    """

    findings: tuple[Finding, ...]
    looked_for: tuple[str, ...] = field(default=())
    epochs: int = 0

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, place: Any) -> Any:
        return self.findings[place]

    @property
    def rules(self) -> tuple[str, ...]:
        """Those that found something."""
        return tuple(finding.rule for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"findings": [finding.to_dict() for finding in self.findings], "looked_for": list(self.looked_for)}

    def __str__(self) -> str:
        if not self.findings:
            return f"Nothing found: {len(self.looked_for)} rules looked at {self.epochs:,} epochs."
        return "\n\n".join(f"{place}. {finding}" for place, finding in enumerate(self.findings, 1))

    def __repr__(self) -> str:
        return f"Diagnosis({', '.join(self.rules) or 'nothing found'})"


def _indented(name: str, text: str) -> str:
    return fill(text, WIDTH, initial_indent=f"   {name:<6} ", subsequent_indent=" " * 10)


def _as_arguments(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_shown(value)}" for name, value in arguments.items())


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else repr(value)


def _number(value: float) -> str:
    return f"{value:,.0f}" if 10_000 <= abs(value) < 1e7 else f"{value:.3g}"


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last

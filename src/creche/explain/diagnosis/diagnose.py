"""The doctor: what a run suffers from, by what can be seen of it, and what helps, tried before it is said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from creche.errors import PlanError
from creche.explain.diagnosis.findings import Alternative, Diagnosis, Finding, Symptom
from creche.explain.diagnosis.rules import RULES
from creche.explain.diagnosis.run_facts import RunFacts
from creche.explain.diagnosis.trials import run_trials
from creche.plan.arguments import check_whole_number

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["diagnose"]


def diagnose(run: Run, *, try_cures: bool = True, seeds: int = 3) -> Diagnosis:
    """What a run suffers from, in words, with the evidence, and what helps.

    Each rule looks for one thing: a rate too high or too low, too few epochs, overfitting, columns or labels on unlike
    scales, dead or saturated layers, one and the same answer for every row, divergence. A cure is proposed only if the
    same run with it, trained beside the run as it was with the same seeds and rows, is better with each seed, and by a
    tenth or more. If nothing helped, it is said that it was tried; and what a rule says of the learning rate or the
    number of epochs is then not said at all, for it has been refuted. Cures are compared on the validation rows.

    Parameters
    ----------
    run : Run
        Of `creche.train`, or `DivergedError.run`. With a recording (``record="activations"``) updates are looked at
        too, and it is said since when neurons are dead.
    try_cures : bool, default True
        Whether cures are tried. That takes as long as training a few networks for each finding; without, nothing that
        a rule says of the learning rate or the number of epochs has been put to the test.
    seeds : int, default 3
        With how many seeds each is tried, the run's own first.

    Returns
    -------
    Diagnosis
        A sequence of `Finding`, the gravest first; empty if nothing was found. ``print`` shows it.

    Raises
    ------
    PlanError
        If `run` is none.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5], optimizer="sgd", learning_rate=1e-4, threads=1)
    >>> diagnosis = cr.explain.diagnose(run)
    >>> diagnosis.rules
    ('rate_too_low',)
    >>> sorted(diagnosis[0].cure.arguments)
    ['learning_rate']
    >>> cr.explain.diagnose(cr.train("penguins", label="species", threads=1))
    Diagnosis(nothing found)

    """
    if not hasattr(run, "prepared") or not hasattr(run, "resume"):
        raise PlanError(f"run: got {type(run).__name__}; needs a Run, as creche.train gives it")
    seeds = check_whole_number("seeds", seeds, at_least=1)
    case = RunFacts(run)
    seen: list[tuple[str, Symptom]] = []
    for name, look in RULES.items():
        symptom = look(case)
        if symptom is not None:
            seen.append((name, symptom))
    findings = [Finding(name, symptom.title, symptom.evidence, symptom.meaning) for name, symptom in seen]
    if try_cures and seen:
        findings = _with_trials(case, findings, [symptom for _, symptom in seen], seeds)
    return Diagnosis(tuple(findings), tuple(RULES), case.epochs)


def _with_trials(case: RunFacts, findings: list[Finding], symptoms: list[Symptom], seeds: int) -> list[Finding]:
    """All cures of all findings are tried at once, each but once."""
    wanted: dict[str, Alternative] = {}
    for symptom in symptoms:
        wanted |= {_key(alternative): alternative for alternative in symptom.alternatives}
    if not wanted:
        return findings
    trials = run_trials(case, list(wanted.values()), seeds)
    of_key = {key: trials[place] for place, key in enumerate(wanted) if place in trials}
    out = []
    for finding, symptom in zip(findings, symptoms, strict=True):
        found: list[Any] = [of_key[key] for key in map(_key, symptom.alternatives) if key in of_key]
        found.sort(key=lambda trial: trial.order)
        if not symptom.is_forecast or not found or found[0].helped:
            out.append(replace(finding, trials=tuple(found)))
    return out


def _key(alternative: Alternative) -> str:
    return f"{alternative.measure} {sorted(alternative.arguments.items(), key=lambda item: item[0])!r}"

"""Diagnosis: what is wrong with a run, from its losses, weights and activations, and which changes help."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from creche._progress import OnProgress, StepProgress, watch_steps
from creche.errors import PlanError
from creche.explain.diagnosis.findings import Alternative, Diagnosis, Finding, Symptom
from creche.explain.diagnosis.rules import RULES
from creche.explain.diagnosis.run_facts import RunFacts
from creche.explain.diagnosis.trials import run_trials
from creche.plan.arguments import check_whole_number, reject_unknown

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["diagnose"]


@reject_unknown
def diagnose(
    run: Run, *, try_remedies: bool = True, seeds: int = 3, on_progress: OnProgress[StepProgress] = None
) -> Diagnosis:
    """Find out what is wrong with a run and which changes help.

    Each rule looks for one problem: a learning rate that is too high or too low, too few epochs, overfitting, features
    or labels that were not scaled or hold extreme values, counts learned as numbers of any kind, a rare class that is
    missed, dead or saturated neurons, a constant prediction, divergence. A remedy is proposed
    only after a trial: the run is trained again with and without it, with the same seeds and rows, and with the remedy
    every seed must be better, and their mean better by a tenth or more. If no remedy helps, the finding lists those
    that were tried; a finding that only predicted a better result is then dropped, because the trials refute it.
    Remedies are compared on the validation rows.

    Parameters
    ----------
    run : Run
        The result of `creche.train`, or `DivergedError.run`. With a recording (``record="activations"``) rules also
        look at the size of updates, and say since when neurons have been dead.
    try_remedies : bool, default True
        Whether to try remedies. This takes as long as training a few networks for each finding. Without trials,
        findings that predict a better result, such as those about the learning rate, are not confirmed.
    seeds : int, default 3
        The number of seeds of each trial; the first is the run's own.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `StepProgress` as it goes on.

    Returns
    -------
    Diagnosis
        A sequence of `Finding`, the most serious first; empty if nothing was found. ``print`` shows it.

    Raises
    ------
    PlanError
        If `run` is not a run.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", hidden=[5], optimizer="sgd", learning_rate=1e-4, threads=1)
    >>> diagnosis = cr.explain.diagnose(run)
    >>> diagnosis.rules
    ('learning_rate_too_low',)
    >>> sorted(diagnosis[0].remedy.arguments)
    ['learning_rate']
    >>> cr.explain.diagnose(cr.train("penguins", label="species", threads=1))
    Diagnosis(nothing found)

    """
    if not hasattr(run, "prepared") or not hasattr(run, "resume"):
        raise PlanError(f"run: got {type(run).__name__}; needs a Run, the result of creche.train")
    seeds = check_whole_number("seeds", seeds, at_least=1)
    facts = RunFacts(run)
    seen: list[tuple[str, Symptom]] = []
    for name, find in RULES.items():
        symptom = find(facts)
        if symptom is not None:
            seen.append((name, symptom))
    findings = [Finding(name, symptom.title, symptom.evidence, symptom.meaning) for name, symptom in seen]
    if try_remedies and seen:
        with watch_steps(on_progress):
            findings = _add_trials(facts, findings, [symptom for _, symptom in seen], seeds)
    return Diagnosis(tuple(findings), tuple(RULES), facts.epochs)


def _add_trials(facts: RunFacts, findings: list[Finding], symptoms: list[Symptom], seeds: int) -> list[Finding]:
    """Return the findings with the trials of their remedies, which are trained together, each once."""
    wanted: dict[str, Alternative] = {}
    for symptom in symptoms:
        wanted |= {_key(alternative): alternative for alternative in symptom.alternatives}
    if not wanted:
        return findings
    trials = run_trials(facts, list(wanted.values()), seeds)
    trial_by_key = {key: trials[place] for place, key in enumerate(wanted) if place in trials}
    out = []
    for finding, symptom in zip(findings, symptoms, strict=True):
        tried: list[Any] = [trial_by_key[key] for key in map(_key, symptom.alternatives) if key in trial_by_key]
        tried.sort(key=lambda trial: trial.order)
        if not symptom.is_forecast or not tried or tried[0].helped:
            out.append(replace(finding, trials=tuple(tried)))
    return out


def _key(alternative: Alternative) -> str:
    return f"{alternative.measure} {sorted(alternative.arguments.items(), key=lambda item: item[0])!r}"

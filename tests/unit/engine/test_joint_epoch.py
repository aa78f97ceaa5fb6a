"""Networks that stop together, at the epoch in which the mean of their predictions is best."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.engine.colony import Crew, Job
from creche.engine.introspection import predict_many, stack_weights
from creche.engine.joint_epoch import JointBestEpoch
from creche.engine.native import Rows
from creche.engine.run_state import RunState
from creche.errors import PlanError

EPOCHS = 12


def noisy_rows(rows: int, seed: int, task: str, weighted: bool = False) -> Rows:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 4)).astype(np.float32)
    weights = rng.uniform(0.5, 2, rows).astype(np.float32) if weighted else None
    if task == "classification":
        return Rows(x, (x[:, 0] + rng.standard_normal(rows) > 0).astype(np.int32), None, weights)
    return Rows(x, None, (x[:, :1] + rng.standard_normal((rows, 1))).astype(np.float32), weights)


def jobs_of(task: str = "classification", members: int = 6, folds: int = 2, **arguments: Any) -> list[Job]:
    """Networks that soon overfit, `members` of them on each fold."""
    loss = {"classification": "cross_entropy", "regression": "squared_error"}[task]
    outputs = 2 if task == "classification" else 1
    tables = [(noisy_rows(60, f, task), noisy_rows(30, 10 + f, task, weighted=f == 1)) for f in range(folds)]
    plan = cr.Plan(
        cr.Network.of(4, [16], outputs), task=task, loss=loss, epochs=EPOCHS, batch_size=20, keep="last",  # type: ignore[arg-type]
        **{"optimizer": cr.Adam(0.03), **arguments},
    )  # fmt: skip
    return [Job(plan.with_seed(seed), *tables[seed % folds]) for seed in range(members * folds)]


def history_of_weights(jobs: list[Job]) -> list[list[Any]]:
    """The weights of each network alone after each epoch."""
    return [[weights_after(job, epoch) for epoch in range(1, EPOCHS + 1)] for job in jobs]


def weights_after(job: Job, epoch: int) -> Any:
    crew = Crew([job], 1)
    crew.run(epoch)
    return crew.parameters(0)


def loss_of_means(jobs: list[Job], weights: list[Any]) -> float:
    """The loss of the mean of the predictions for each fold's rows, over all folds: written down a second time."""
    losses, row_weights = [], []
    for rows in {id(job.validation): job.validation for job in jobs}.values():
        assert rows is not None
        alike = [w for job, w in zip(jobs, weights, strict=True) if job.validation is rows]
        mean = predict_many(jobs[0].plan, stack_weights(alike), rows.x, 1).astype(np.float64).mean(axis=0)
        if rows.targets is None:
            assert rows.classes is not None
            losses.append(-np.log(mean[np.arange(len(mean)), rows.classes]))
        else:
            losses.append(((mean - rows.targets) ** 2)[:, 0])
        row_weights.append(np.ones(len(mean)) if rows.weights is None else rows.weights)
    return float(np.average(np.concatenate(losses), weights=np.concatenate(row_weights)))


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("threads", [1, 2])
def test_all_end_with_the_weights_of_the_joint_best_epoch(task: str, threads: int) -> None:
    jobs = jobs_of(task)
    epochs = history_of_weights(jobs)
    expected = [loss_of_means(jobs, [weights[e] for weights in epochs]) for e in range(EPOCHS)]
    joint = JointBestEpoch(dict(enumerate(jobs)))
    crew = Crew(jobs, threads, [joint])
    crew.run()
    np.testing.assert_allclose(joint.values, expected, rtol=1e-12)
    assert 0 < joint.best == int(np.argmin(expected)) < EPOCHS - 1
    for number, alone in enumerate(epochs):
        assert crew.status(number) == "finished"
        assert RunState(crew.state(number)).best_epoch == joint.best
        for ours, theirs in zip(crew.parameters(number), alone[joint.best], strict=True):
            np.testing.assert_array_equal(ours[0], theirs[0])
            np.testing.assert_array_equal(ours[1], theirs[1])


def test_patience_stops_all_of_a_group_and_no_others() -> None:
    jobs = jobs_of()
    first, second = {n: jobs[n] for n in range(0, 12, 2)}, {n: jobs[n] for n in range(1, 12, 2)}
    joint = [JointBestEpoch(first, patience=2), JointBestEpoch(second)]
    crew = Crew(jobs, 2, joint)
    calls: list[int] = []
    crew.run(on_progress=lambda: calls.append(1))
    assert joint[0].best + 3 == len(joint[0].values) < EPOCHS == len(joint[1].values)
    assert [crew.status(n) for n in range(12)] == ["early_stopped", "finished"] * 6
    assert [crew.epoch(n) for n in range(12)] == [len(joint[0].values), EPOCHS] * 6
    assert calls


def test_members_of_several_kinds_are_averaged_too() -> None:
    jobs = jobs_of(members=2)
    wide = jobs_of(members=1, optimizer=cr.SGD(0.1))
    plan = replace(wide[0].plan, network=cr.Network.of(4, [40, 8], 2))
    jobs += [Job(plan.with_seed(40 + f), jobs[f].rows, jobs[f].validation) for f in range(2)]
    joint = JointBestEpoch(dict(enumerate(jobs)))
    Crew(jobs, 2, [joint]).run()
    assert len(joint.values) == EPOCHS
    assert joint.values[joint.best] == min(joint.values)


def test_of_equal_epochs_the_last_is_the_best() -> None:
    jobs = jobs_of(optimizer=cr.SGD(0.0))
    joint = JointBestEpoch(dict(enumerate(jobs)), patience=3)
    Crew(jobs, 1, [joint]).run()
    assert len(set(joint.values)) == 1
    assert joint.best == EPOCHS - 1


def test_a_member_that_diverges_leaves_the_group() -> None:
    jobs = jobs_of("regression")
    jobs[3] = replace(jobs[3], plan=replace(jobs[3].plan, optimizer=cr.SGD(1e20)))
    joint = JointBestEpoch(dict(enumerate(jobs)))
    crew = Crew(jobs, 2, [joint])
    crew.run()
    assert [crew.status(n) for n in range(12)] == ["diverged" if n == 3 else "finished" for n in range(12)]
    assert len(joint.values) == EPOCHS
    assert np.isfinite(joint.values).all()


def test_stopped_members_leave_the_group_and_the_others_go_on() -> None:
    jobs = jobs_of()
    joint = JointBestEpoch(dict(enumerate(jobs)))
    crew = Crew(jobs, 2, [joint])
    crew.run(4)
    crew.stop([0, 5])
    crew.run()
    assert len(joint.values) == EPOCHS
    assert joint.best >= 4
    assert [crew.status(n) for n in (0, 1, 5)] == ["stopped", "finished", "stopped"]


def test_groups_that_cannot_be_judged_are_refused() -> None:
    jobs = jobs_of()
    for wrong in (replace(jobs[0].plan, keep="best"), replace(jobs[0].plan, early_stopping=3)):
        with pytest.raises(PlanError, match=r"early_stopping: a joint best epoch needs validation rows"):
            JointBestEpoch({0: replace(jobs[0], plan=wrong)})
    with pytest.raises(PlanError, match=r"needs validation rows"):
        JointBestEpoch({0: replace(jobs[0], validation=None)})
    with pytest.raises(PlanError, match=r"epochs: a joint best epoch needs equally many .* got \[3, 12\]"):
        JointBestEpoch({0: jobs[0], 1: replace(jobs[1], plan=replace(jobs[1].plan, epochs=3))})
    crew = Crew(jobs, 1, [JointBestEpoch(dict(enumerate(jobs)))])
    with pytest.raises(PlanError, match="joint best epoch cannot be restored"):
        crew.restore({}, {})

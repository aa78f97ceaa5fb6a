"""`shards`: what a plan with it says, where it applies, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.cli.main import main
from creche.errors import PlanError

QUICK: dict[str, Any] = {
    "label": "species", "hidden": [6], "epochs": 3, "batch_size": 20, "threads": 1, "early_stopping": False,
    "keep": "last", "on_progress": False,
}  # fmt: skip


def weights(trained: Any) -> bytes:
    return b"".join(array.tobytes() for array in trained.parameters.values())


def test_one_shard_is_the_default_and_not_written() -> None:
    plan, four = cr.train("penguins", **QUICK).plan, cr.train("penguins", **QUICK, shards=4).plan
    assert plan.shards == 1
    assert "shards" not in plan.to_dict()
    assert four.to_dict()["shards"] == 4
    assert cr.Plan.from_json(four.to_json()) == four
    assert cr.Plan.from_json(plan.to_json()) == plan
    assert "batches of 20 rows in 4 shards" in str(four)
    assert "shards" not in str(plan)


def test_more_shards_than_rows_of_a_batch_have_a_row_each() -> None:
    """A batch of 20 rows in 20 shards, or in 100: the shards beyond the rows are left out of the sum."""
    twenty, hundred = (cr.train("penguins", **QUICK, shards=shards) for shards in (20, 100))
    assert weights(twenty) == weights(hundred)


def test_a_model_with_shards_is_verified(tmp_path: Any) -> None:
    model = cr.train("penguins", **QUICK, shards=4).model
    model.save(tmp_path / "m.creche")
    assert cr.load(tmp_path / "m.creche").plan.shards == 4
    assert cr.verify(tmp_path / "m.creche", "penguins", threads=1).same


def test_a_sweep_may_have_several() -> None:
    colony = cr.sweep("penguins", **{**QUICK, "shards": [1, 3]}, seeds=2)
    assert colony.varied_arguments == ("shards",)
    for member in colony:
        alone = cr.train("penguins", **{**QUICK, "shards": member.plan.shards, "seed": member.plan.seed}, split_seed=0)
        assert weights(member) == weights(alone)


def test_a_trace_is_the_step_that_training_takes() -> None:
    traced = cr.explain.trace(cr.train("penguins", **QUICK, shards=4, steps=2), check=False)
    after = cr.train("penguins", **QUICK, shards=4, steps=3).weights
    for layer, (w, b) in zip(traced.layers, after, strict=True):
        assert (layer.weights_after.tobytes(), layer.bias_after.tobytes()) == (w.tobytes(), b.tobytes())
    assert after[0][0].tobytes() != cr.train("penguins", **QUICK, steps=3).weights[0][0].tobytes()


def test_an_estimator_passes_it_on() -> None:
    x, y = np.random.default_rng(0).standard_normal((40, 3)), np.arange(40) % 2
    network = cr.DNNClassifier(hidden=(4,), epochs=2, shards=2, threads=1).fit(x, y)
    assert network.model_.plan.shards == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shards": 0}, r"^shards: got 0; needs a whole number of at least 1$"),
        ({"shards": 5000}, r"^Plan\.shards: got 5000; "),
        (
            {"shards": 4, "normalization": "batch"},
            r"^shards: got 4, and layer 1 has batch normalization, which needs the statistics of whole batches; leave "
            r"shards out, or choose normalization='layer'$",
        ),
        (
            {"shards": 4, "loss": lambda outputs, labels: (outputs.sum(1), outputs)},
            r"^shards: got 4, and a custom loss takes all rows of a batch at once; leave shards out, or choose",
        ),
    ],
)
def test_what_it_does_not_go_with(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message) as refused:
        cr.train("penguins", **{**QUICK, **arguments})
    assert refused.value.argument == "shards"


def test_the_command_line_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "penguins", "--label", "species", "--epochs", "1", "--normalization", "batch", "--shards", "4"]
    assert main(command) == 2
    assert "--shards: got 4, and layer 1 has batch normalization" in capsys.readouterr().err

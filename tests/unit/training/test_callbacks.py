from __future__ import annotations

import numpy as np
import pytest

import creche as cr
from tests.unit.small_runs import digest, line, quick, two_classes


def test_callbacks_get_each_epoch_once_and_in_order() -> None:
    x, y = two_classes()
    records: list[cr.EpochRecord] = []
    run = quick(x, y, epochs=4, on_epoch=records.append)
    assert [record.epoch for record in records] == [1, 2, 3, 4]
    for name in ("train_loss", "validation_loss", "train_metric", "validation_metric", "learning_rate", "seconds"):
        np.testing.assert_array_equal([getattr(record, name) for record in records], getattr(run.history, name))
    assert {record.metric for record in records} == {"accuracy"}
    assert all(record.run is run for record in records)


def test_callbacks_change_no_bit() -> None:
    x, y = two_classes()
    arguments = {"epochs": 5, "dropout": 0.2, "early_stopping": 3, "batch_size": 7}
    assert digest(quick(x, y, on_epoch=lambda record: None, **arguments)) == digest(quick(x, y, **arguments))


def test_true_stops_the_run_and_nothing_else_does() -> None:
    x, y = line()
    run = quick(x, y, epochs=9, on_epoch=[lambda record: record.epoch, lambda record: record.epoch == 3])
    assert (run.epoch, run.status) == (3, "stopped")
    assert digest(run) == digest(quick(x, y, epochs=3))
    assert digest(run.resume()) == digest(quick(x, y, epochs=9))
    assert run.status == "finished"


def test_all_callbacks_are_called_even_if_the_first_stops_the_run() -> None:
    x, y = two_classes()
    told = []
    quick(x, y, epochs=9, on_epoch=[lambda record: True, lambda record: told.append(record.epoch)])
    assert told == [1]


def test_a_callback_can_read_the_weights() -> None:
    x, y = two_classes()
    seen = []
    quick(x, y, epochs=3, on_epoch=lambda record: seen.append(record.run.model.weights[0][0]))
    alone = [quick(x, y, epochs=n).model.weights[0][0] for n in (1, 2, 3)]
    np.testing.assert_array_equal(seen, alone)


def test_an_error_in_a_callback_reaches_the_caller() -> None:
    x, y = two_classes()
    runs = []

    def fail(record: cr.EpochRecord) -> None:
        runs.append(record.run)
        if record.epoch == 2:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        quick(x, y, epochs=5, on_epoch=fail)
    assert runs[0].epoch == 2
    assert digest(runs[0].resume()) == digest(quick(x, y, epochs=5))


def test_numpys_true_stops_the_run_too() -> None:
    x, y = two_classes()
    run = quick(x, y, epochs=9, on_epoch=lambda record: np.float64(record.epoch) >= 2)
    assert (run.epoch, run.status) == (2, "stopped")


@pytest.mark.parametrize("given", [3, [3], "stop"])
def test_a_callback_that_is_not_a_function_is_refused(given: object) -> None:
    x, y = two_classes()
    with pytest.raises(cr.PlanError, match=r"on_epoch: got .*; needs a function of an EpochRecord, or a list of them"):
        quick(x, y, on_epoch=given)

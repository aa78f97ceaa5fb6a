"""The sums of a chain of processes, and what the others learn when one of them is gone: here, all are threads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from creche.engine.processes import chain as chains
from creche.engine.processes.chain import COMPLETE, NOT_FINITE, STOPPED, Chain
from creche.engine.processes.link import Link
from creche.errors import ProcessError

STATE = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "progress": np.array([3.0])}
Result = Any


@pytest.fixture
def make_chain() -> Iterator[Callable[[int], list[Chain]]]:
    made: list[Chain] = []

    def make(count: int) -> list[Chain]:
        pairs = [socket.socketpair() for _ in range(count - 1)]
        for rank in range(count):
            before = Link(pairs[rank - 1][1], rank - 1) if rank else None
            after = Link(pairs[rank][0], rank + 1) if rank + 1 < count else None
            made.append(Chain(rank, count, before, after))
        return made[-count:]

    yield make
    for chain in made:
        chain.close()


def at_once(chains: list[Chain], work: Callable[[Chain], Result]) -> list[Result]:
    """Let each do its work in a thread of its own; return the results, or the errors."""
    results: list[Result] = [None] * len(chains)

    def run(number: int) -> None:
        try:
            results[number] = work(chains[number])
        except ProcessError as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(chains))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return results


@pytest.mark.parametrize("count", [2, 3, 6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_are_in_the_order_of_shards(make_chain: Any, count: int, dtype: type) -> None:
    """Also of more numbers than are sent at once, and with a last process that has no rows."""
    rng = np.random.default_rng(count)
    size = chains.PIECE // np.dtype(dtype).itemsize * 2 + 7
    shards = [(rng.standard_normal(size) * 10.0 ** rng.integers(-6, 6)).astype(dtype) for _ in range(6)]
    numbers = [tuple(rng.standard_normal(2) * 10.0 ** rng.integers(-9, 9)) for _ in range(6)]
    if count == 6:
        shards, numbers = shards[:5], numbers[:5]
    expected, losses = shards[0].copy(), np.array(numbers[0])
    for shard, of_shard in zip(shards[1:], numbers[1:], strict=True):
        expected += shard
        losses += of_shard
    each = 6 // count

    def exchange(chain: Chain) -> Result:
        own = slice(chain.rank * each, (chain.rank + 1) * each)
        total = np.full(size, np.nan, dtype)
        return (*chain.exchange(COMPLETE, shards[own], numbers[own], total), total.tobytes())

    together = make_chain(count)
    for end, loss, metric, total in at_once(together, exchange):
        assert (end, loss, metric) == (COMPLETE, *losses)
        assert total == expected.tobytes()
    # In either direction each number once, however many shards a process has.
    assert max(chain.sent for chain in together) < 2 * expected.nbytes + 1000


@pytest.mark.parametrize(
    ("ends", "worst"),
    [([COMPLETE, NOT_FINITE, COMPLETE], NOT_FINITE), ([NOT_FINITE, STOPPED, COMPLETE], STOPPED),
     ([COMPLETE, COMPLETE, STOPPED], STOPPED)],
)  # fmt: skip
def test_a_step_ends_as_where_it_goes_worst(make_chain: Any, ends: list[int], worst: int) -> None:
    """And the step after it is one like any other."""
    together, gradients = make_chain(3), [np.ones(100_000, np.float32)]

    def two_steps(chain: Chain) -> Result:
        total = np.empty(100_000, np.float32)
        first = chain.exchange(ends[chain.rank], gradients, [(1.0, 2.0)], total)
        return first[0], chain.is_interrupted, chain.exchange(COMPLETE, gradients, [(1.0, 2.0)], total), total[-1]

    assert at_once(together, two_steps) == [(worst, worst == STOPPED, (COMPLETE, 3.0, 6.0), 3.0)] * 3


def test_all_get_the_state_of_the_first(make_chain: Any) -> None:
    together = make_chain(3)
    states = at_once(together, lambda chain: chain.begin({"plan": 1}, STATE if chain.is_first else {}))
    for state in states:
        assert {name: array.tobytes() for name, array in state.items()} == {
            name: array.tobytes() for name, array in STATE.items()
        }
        assert state["weights"].shape == (2, 3)


def test_the_first_ends_the_run_of_the_others_in_a_step(make_chain: Any) -> None:
    together = make_chain(3)

    def run(chain: Chain) -> Result:
        chain.begin({}, STATE)
        if not chain.is_first:
            total = np.empty(4, np.float32)
            result = chain.exchange(COMPLETE, [np.ones(4, np.float32)], [(0.0, 0.0)], total)
            assert (result[0], chain.has_ended, chain.is_interrupted) == (STOPPED, True, False)
        chain.end()
        return chain.begin({}, STATE)["progress"][0]  # another run with the same connections

    assert at_once(together, run) == [3.0] * 3


@pytest.mark.parametrize("different", ["creche", "plan"])
def test_another_version_or_plan_is_told_to_all(make_chain: Any, different: str) -> None:
    together = make_chain(4)
    errors = at_once(together, lambda chain: chain.begin({different: "9.9" if chain.rank == 2 else "1.0"}, STATE))
    what = "version of Creche (9.9, not 1.0)" if different == "creche" else "plan"
    for error in errors:
        assert isinstance(error, ProcessError)
        assert (error.rank, str(error)) == (
            2,
            f"process 2 of 4 has another {what} than process 1; start all processes with the same Creche, arguments "
            "and table",
        )
        assert together[0].is_broken


@pytest.mark.parametrize("gone", [0, 1, 3])
def test_a_process_that_is_gone_is_named_by_all_others(make_chain: Any, gone: int) -> None:
    """They wait in the middle of a step for it; the others are told by their neighbours."""
    together = make_chain(4)

    def step(chain: Chain) -> Result:
        if chain.rank == gone:
            return chain.close()
        return chain.exchange(COMPLETE, [np.ones(300_000, np.float32)], [(0.0, 0.0)], np.empty(300_000, np.float32))

    for rank, error in enumerate(at_once(together, step)):
        if rank != gone:
            assert isinstance(error, ProcessError)
            assert error.rank == gone
            assert str(error).startswith(f"process {gone} of 4 is gone: ")


def test_a_connection_that_breaks_within_the_sums(make_chain: Any) -> None:
    """The process after it has received a part of them."""
    first, second = make_chain(2)
    gradients, total = [np.ones(10_000_000, np.float32)], np.empty(10_000_000, np.float32)

    def step(chain: Chain) -> Result:
        if chain is second:
            link = chain._before
            assert link is not None
            link.receive("step")
            link.send("go")
            link.receive_into("sums", np.empty(chains.PIECE // 4, np.float32))
            return link.shut()
        return chain.exchange(COMPLETE, gradients, [(0.0, 0.0)], total)

    error, _ = at_once([first, second], step)
    assert isinstance(error, ProcessError)
    assert error.rank == 1
    with pytest.raises(ProcessError, match="process 1 of 2 is gone"):  # for good
        first.exchange(COMPLETE, gradients, [(0.0, 0.0)], total)


def test_an_error_in_one_process_is_told_to_all(make_chain: Any) -> None:
    together = make_chain(3)

    def step(chain: Chain) -> Result:
        if chain.rank == 1:
            return chain.fail(MemoryError("no room"))
        return chain.exchange(COMPLETE, [np.ones(9, np.float32)], [(0.0, 0.0)], np.empty(9, np.float32))

    for error in at_once(together, step)[::2]:
        assert (error.rank, str(error)) == (1, "process 1 of 3 failed: MemoryError: no room")


def test_frames_that_do_not_belong_are_refused(make_chain: Any) -> None:
    first, second = make_chain(2)
    assert first._after is not None
    first._after.send("sums", b"1234")
    with pytest.raises(ProcessError, match=r"^process 0 sent sums where step or end belongs; all processes need the s"):
        second.exchange(COMPLETE, [], [], np.empty(3, np.float32))


def test_gradients_are_sent_when_they_are_asked_for(make_chain: Any) -> None:
    """A process that is still computing does not read; the system would soon take it for one that is gone."""
    together = make_chain(3)
    first, second, third = together
    gradients, waits = [np.ones(10_000_000, np.float32)], {0: threading.Event(), 1: threading.Event()}

    def tell(chain: Chain) -> None:
        after = chain._after
        assert after is not None
        receive = after.receive

        def receive_and_tell(*expected: Any) -> Any:
            if "go" in expected:
                waits[chain.rank].set()
            return receive(*expected)

        after.receive = receive_and_tell  # type: ignore[method-assign]

    def step(chain: Chain) -> Result:
        if chain is third:
            assert all(wait.wait(60) for wait in waits.values())
            assert max(first.sent, second.sent) < 100  # neither has sent any gradients
        return chain.exchange(COMPLETE, gradients, [(0.0, 0.0)], np.empty(10_000_000, np.float32))

    for chain in (first, second):
        tell(chain)
    assert at_once(together, step) == [(COMPLETE, 0.0, 0.0)] * 3


def test_a_process_that_is_told_to_exit_is_lost(make_chain: Any) -> None:
    together = make_chain(2)
    together[1].fail(SystemExit(1))
    with pytest.raises(ProcessError, match=r"^process 1 of 2 failed: SystemExit: 1$") as told:
        together[0].exchange(COMPLETE, [np.ones(9, np.float32)], [(0.0, 0.0)], np.empty(9, np.float32))
    assert (told.value.rank, told.value.is_lost) == (1, True)


def test_a_process_that_others_know_to_be_lost_is_given_up(make_chain: Any) -> None:
    """Its connections are open, and it says nothing."""
    together = make_chain(3)
    lost = ProcessError("cluster: process 2 of 3 did not come back", rank=2, is_lost=True)

    def step(chain: Chain) -> Result:
        if chain.rank == 2:
            assert chain._before is not None
            chain._before.receive("step")
            return together[0].lose(lost)  # as another thread of the first process does
        return chain.exchange(COMPLETE, [np.ones(9, np.float32)], [(0.0, 0.0)], np.empty(9, np.float32))

    first, second, _ = at_once(together, step)
    assert first is lost
    assert (str(second), second.rank, second.is_lost) == (str(lost), 2, True)

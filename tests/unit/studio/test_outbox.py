"""What waits for a page: answers in order, of a changing state the newest, and never more than a bound."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from creche.studio.outbox import MAX_ANSWERS, MAX_FAILURES, Outbox
from creche.studio.protocol.views import Closing, Done, Failure, History, NetworkView, Tick, Welcome
from tests.unit.studio.watching import empty_welcome

NONE = np.zeros(0, dtype=np.float32)


def tick(sequence: int, edges_version: int = 0) -> Tick:
    return Tick(
        sequence, "running", "", 0, 0, 0, 1, 0.1, 0.0, None, None, 0, edges_version, NONE, NONE, NONE, NONE, None, 1,
    )  # fmt: skip


def network(version: int) -> NetworkView:
    return NetworkView((), 0, 0, version, 0, np.zeros((0, 3), dtype=np.int32))


def history(first: int, *losses: float, stride: int = 1) -> History:
    values = np.array(losses, dtype=np.float32)[:, None]
    return History(
        first, ("train_loss",), np.arange(first, first + len(losses), dtype=np.int32), values, stride,
        np.zeros(0, dtype=np.int32),
    )  # fmt: skip


WELCOME = empty_welcome("s", 1)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(clock: Clock) -> Outbox:
    """An outbox whose page has been welcomed."""
    outbox = Outbox(lambda: None, clock)
    outbox.expect_answer()
    outbox.send(WELCOME, 1)
    assert outbox.take() == (WELCOME, 1)
    return outbox


def take_all(outbox: Outbox) -> list[Any]:
    return [outgoing.view for outgoing in iter(outbox.take, None)]


def test_answers_keep_their_order_and_go_before_what_is_pushed(outbox: Outbox) -> None:
    outbox.send(tick(1))
    for number in range(5):
        outbox.expect_answer()
        outbox.send(Done(str(number)), number)
    assert [view.text for view in take_all(outbox)[:-1]] == ["0", "1", "2", "3", "4"]


def test_only_the_newest_of_a_changing_view_is_sent(outbox: Outbox) -> None:
    for number in range(1, 8):
        outbox.send(tick(number))
    assert [view.sequence for view in take_all(outbox)] == [7]


def test_a_network_goes_before_a_tick_that_refers_to_it(outbox: Outbox) -> None:
    outbox.send(tick(1, edges_version=1))
    outbox.send(network(2))
    outbox.send(tick(2, edges_version=2))
    assert [type(view) for view in take_all(outbox)] == [NetworkView, Tick]


def test_at_most_two_ticks_are_unacknowledged(outbox: Outbox) -> None:
    sent = []
    for number in range(1, 10):
        outbox.send(tick(number))
        sent += [view.sequence for view in take_all(outbox)]
    assert sent == [1, 2]
    outbox.acknowledge(1)
    assert [view.sequence for view in take_all(outbox)] == [9]


def test_other_views_pass_a_withheld_tick(outbox: Outbox) -> None:
    for number in (1, 2, 3):
        outbox.send(tick(number))
        take_all(outbox)
    outbox.send(history(1, 0.5))
    assert [type(view) for view in take_all(outbox)] == [History]


def test_without_acknowledgements_a_tick_is_sent_every_second(outbox: Outbox, clock: Clock) -> None:
    assert outbox.seconds_to_wait() is None
    for number in (1, 2, 3):
        outbox.send(tick(number))
        take_all(outbox)
    assert outbox.seconds_to_wait() == 1.0
    clock.now = 0.5
    assert outbox.take() is None
    assert outbox.seconds_to_wait() == 0.5
    clock.now = 1.0
    assert [view.sequence for view in take_all(outbox)] == [3]


def test_nothing_but_failures_is_pushed_before_the_welcome() -> None:
    outbox = Outbox(lambda: None)
    outbox.send(tick(1))
    outbox.send(Failure("internal", "no"))
    assert [type(view) for view in take_all(outbox)] == [Failure]
    outbox.expect_answer()
    outbox.send(WELCOME, 4)
    assert [type(view) for view in take_all(outbox)] == [Welcome, Tick]


def test_pieces_of_the_history_are_joined(outbox: Outbox) -> None:
    outbox.send(history(1, 5, 4))
    outbox.send(history(3, 3, 2))
    outbox.send(history(4, 2.5, 1))  # the fourth epoch again, after going back
    (joined,) = take_all(outbox)
    assert joined.first == 1
    assert joined.epochs.tolist() == [1, 2, 3, 4, 5]
    assert joined.values[:, 0].tolist() == [5, 4, 3, 2.5, 1]
    outbox.send(history(6, 7))
    assert [view.first for view in take_all(outbox)] == [6]


def test_a_history_from_the_beginning_replaces_what_waits(outbox: Outbox) -> None:
    outbox.send(history(3, 9, 8))
    outbox.send(history(1, 7))
    (whole,) = take_all(outbox)
    assert (whole.first, whole.epochs.tolist()) == (1, [1])


def test_a_history_that_nobody_reads_is_thinned_as_its_newest_piece(outbox: Outbox) -> None:
    outbox.send(history(1, *range(1, 12)))
    outbox.send(history(12, 12, stride=4))
    outbox.send(history(13, 13, stride=4))
    outbox.send(history(14, 14, stride=4))
    (joined,) = take_all(outbox)
    assert (joined.first, joined.stride) == (1, 4)
    assert joined.epochs.tolist() == [1, 5, 9, 13, 14]
    assert joined.values[:, 0].tolist() == [1, 5, 9, 13, 14]


def test_pushed_failures_are_bounded_and_the_latest_stay(outbox: Outbox) -> None:
    for number in range(10 * MAX_FAILURES):
        outbox.send(Failure("internal", str(number)))
    outbox.send(Closing("over"))
    views = take_all(outbox)
    assert len(views) == MAX_FAILURES
    assert views[-1] == Closing("over")
    assert views[-2].text == str(10 * MAX_FAILURES - 1)


def test_it_is_full_until_answers_are_taken(outbox: Outbox) -> None:
    for _ in range(MAX_ANSWERS):
        assert not outbox.is_full
        outbox.expect_answer()
    assert outbox.is_full
    outbox.send(Done(), 1)
    assert outbox.is_full  # answered, but not sent
    outbox.take()
    assert not outbox.is_full


def test_a_closed_outbox_drops_everything(outbox: Outbox) -> None:
    outbox.send(tick(1))
    outbox.close()
    outbox.send(Done(), 1)
    assert outbox.take() is None


def test_threads_send_at_once_and_nothing_is_lost() -> None:
    wakes = []
    outbox = Outbox(lambda: wakes.append(1))

    def send(thread: int) -> None:
        for number in range(200):
            outbox.send(Done(), 1000 * thread + number)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [outgoing.reply_to for outgoing in iter(outbox.take, None)]
    assert len(wakes) == len(taken) == 800
    for thread in range(4):
        own = [number for number in taken if number is not None and number // 1000 == thread]
        assert own == sorted(own)

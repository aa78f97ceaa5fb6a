"""A connection answers whatever comes, exactly once, and holds bounded memory: any text, any bytes, floods."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from creche.studio.connection import REQUESTS_PER_SECOND, Connection
from creche.studio.outbox import MAX_FAILURES, Outbox
from creche.studio.protocol.frames import ReceivedRequest, encode_view
from creche.studio.protocol.requests import REQUESTS
from creche.studio.protocol.views import Done


class Session:
    def __init__(self) -> None:
        self.submitted: list[ReceivedRequest] = []

    def attach(self, watcher: Outbox) -> None:
        self.watcher: Outbox | None = watcher

    def detach(self, watcher: Outbox) -> None:
        self.watcher = None

    def submit(self, watcher: Outbox, received: ReceivedRequest) -> None:
        self.submitted.append(received)
        watcher.send(Done(), received.id)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.dictionaries(
    st.sampled_from(sorted({name for kind in REQUESTS.values() for name in kind.__dataclass_fields__})) | st.text(),
    JSON,
)
REQUEST = st.builds(
    lambda type_, id_, fields: {**fields, "type": type_, "id": id_},
    st.sampled_from(list(REQUESTS)) | JSON,
    st.integers(0, 2**53) | JSON,
    FIELDS,
)
MESSAGE = st.text() | st.binary() | JSON.map(json.dumps) | REQUEST.map(json.dumps)


@given(st.lists(MESSAGE, max_size=20))
def test_anything_is_answered_and_nothing_raises(messages: list[str | bytes]) -> None:
    session = Session()
    connection = Connection(session, lambda: None, Clock())
    for message in messages:
        connection.receive(message)
        while (outgoing := connection.outbox.take()) is not None:
            assert encode_view(*outgoing)
    assert not connection.outbox.is_full
    connection.close()
    assert session.watcher is None


@given(REQUEST)
def test_a_request_with_a_number_gets_one_answer(request: dict[str, object]) -> None:
    connection = Connection(Session(), lambda: None, Clock())
    connection.receive(json.dumps(request))
    answers = [outgoing.reply_to for outgoing in iter(connection.outbox.take, None)]
    number = request["id"]
    is_number = type(number) is int and 0 <= number < 2**53
    assert answers == [number if is_number else None]


def test_more_than_the_allowance_is_refused_until_time_has_passed() -> None:
    session, clock = Session(), Clock()
    connection = Connection(session, lambda: None, clock)
    play = [json.dumps({"type": "Play", "id": number}) for number in range(2 * REQUESTS_PER_SECOND)]
    went_on = [connection.receive(message) for message in play]
    assert went_on == [True] * REQUESTS_PER_SECOND + [False] * REQUESTS_PER_SECOND
    assert len(session.submitted) == REQUESTS_PER_SECOND
    clock.now = 0.5
    went_on = [connection.receive(message) for message in play]
    assert sum(went_on) == REQUESTS_PER_SECOND // 2


def test_bytes_that_nobody_reads_the_answers_of_take_no_memory() -> None:
    connection = Connection(Session(), lambda: None, Clock())
    for _ in range(10_000):
        connection.receive(b"\0")
    assert len(list(iter(connection.outbox.take, None))) == MAX_FAILURES

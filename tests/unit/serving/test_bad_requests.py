"""Bad requests: each is refused with what is wrong and where, and nothing else stops."""

from __future__ import annotations

import gzip
import json
import sys
from typing import Any

import pytest
from starlette.requests import Request

from creche.serving.bodies import Limits, receive_body
from creche.serving.problems import ProblemError
from tests.event_loops import run_on_thread
from tests.unit.serving.serving import JSON, Client, read_to_end

Row = dict[str, Any]

PACKED = gzip.compress(b"{}", mtime=0)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("", 400, "the body is not valid JSON: Expecting value (line 1, column 1)"),
        ('{"rows": [{"island": "Biscoe"', 400, "Expecting ',' delimiter (line 1, column 30)"),
        ('{"rows": [],\n "x": tru}', 400, "(line 2, column 7)"),
        ('{"rows": [{"bill_length_mm": NaN}]}', 400, "NaN is not a number of JSON; send null for a missing value"),
        ('{"rows": [{"bill_length_mm": -Infinity}]}', 400, "-Infinity is not a number of JSON"),
        ('{"rows": [{"island": 1, "island": 2}]}', 400, "the body has the key 'island' twice in one object"),
        ("[" * 100_000, 400, "nested too deeply"),
        ('{"a":' * 100_000, 400, "nested too deeply"),
        ("9" * 10_000, 400, "a number of too many digits"),
        (b"\xff\xfe{", 400, "the body is not UTF-8 (byte 0)"),
        ("[1, 2]", 422, 'the body must be an object with rows: {"rows": [{"COLUMN": VALUE, …}, …]}'),
        ('{"row": []}', 422, "the body must be an object with rows"),
        ('{"rows": []}', 422, "rows: needs an array of at least one object"),
        ('{"rows": "penguins.csv"}', 422, "rows: needs an array of at least one object"),
        ('{"rows": [{}], "disagreements": true}', 422, "did you mean 'disagreement'?"),
        ('{"rows": [{}], "disagreement": 1}', 422, "disagreement: needs true or false"),
    ],
)
def test_a_body_that_is_no_request_is_refused(body: Any, status: int, told: str, client: Client) -> None:
    answer = client.post("/predict", body)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert told in answer.data["detail"]
    assert answer.data["status"] == status


def test_every_wrong_cell_is_told_with_its_row_and_column(client: Client, rows: list[Row]) -> None:
    wrong = [
        rows[0],
        rows[1] | {"island": {}, "bill_length_mm": "39.5", "sex": [1]},
        "penguins.csv",
        {name: value for name, value in rows[2].items() if name != "sex"} | {"sexx": "male"},
        rows[3] | {"body_mass_g": True},
    ]
    answer = client.predict(*wrong)
    missing = "or null for a missing value"
    assert [(e["row"], e["column"], e["message"]) for e in answer.data["errors"]] == [
        (1, "island", f"row 1, column 'island': got an object; needs a string, a number, true or false, {missing}"),
        (1, "bill_length_mm", f"row 1, column 'bill_length_mm': got '39.5'; needs a number, {missing}"),
        (1, "sex", f"row 1, column 'sex': got an array; needs a string, a number, true or false, {missing}"),
        (2, None, "row 2: got 'penguins.csv'; needs an object with a value for each column"),
        (3, "sex", f"row 3: column 'sex' is missing; add it, {missing}; did 'sexx' mean it?"),
        (4, "body_mass_g", f"row 4, column 'body_mass_g': got true; needs a number, {missing}"),
    ]
    assert (answer.status, answer.data["errors_total"]) == (422, 6)
    assert answer.data["detail"].endswith("(and 5 more errors)")


@pytest.mark.parametrize("count", [1, 3])
def test_numbers_that_are_too_large_are_told(count: int, client: Client, rows: list[Row]) -> None:
    wrong = [row | {"bill_depth_mm": 1e308} for row in rows[:count]]
    wrong[-1] |= {"body_mass_g": "HUGE"}
    answer = client.post("/predict", json.dumps({"rows": wrong}).replace('"HUGE"', "-1e999"))
    assert answer.status == 422
    assert [(e["row"], e["column"]) for e in answer.data["errors"]] == [
        *((place, "bill_depth_mm") for place in range(count)), (count - 1, "body_mass_g"),
    ]  # fmt: skip
    needed = "needs a number from -1e+30 to 1e+30, or null for a missing value"
    assert answer.data["errors"][0]["message"] == f"row 0, column 'bill_depth_mm': got 1e+308; {needed}"
    assert answer.data["errors"][-1]["message"] == f"row {count - 1}, column 'body_mass_g': got -inf; {needed}"


@pytest.mark.parametrize("count", [1, 3])
def test_values_that_a_column_cannot_hold_are_told(count: int, client: Client, rows: list[Row]) -> None:
    wrong = [*rows[: count - 1], rows[0] | {"island": "\ud800"}]
    answer = client.predict(*wrong)
    assert (answer.status, len(answer.data["errors"])) == (422, 1)
    assert (answer.data["errors"][0]["row"], answer.data["errors"][0]["column"]) == (count - 1, "island")
    assert "which is not valid Unicode" in answer.data["detail"]


def test_errors_beyond_the_first_hundred_are_counted(client: Client, rows: list[Row]) -> None:
    answer = client.predict(*[rows[0] | {"island": []}] * 250)
    assert (len(answer.data["errors"]), answer.data["errors_total"]) == (100, 250)


def test_rows_that_name_files_open_none(client: Client, rows: list[Row]) -> None:
    opened: list[str] = []
    watching = [True]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and watching[0]:
            opened.append(str(arguments[0]))

    client.predict(rows[0])  # what is imported then is not counted
    sys.addaudithook(watch)
    for name in ("/etc/hostname", "penguins", "https://example.com/penguins.csv", "-"):
        client.predict(name)
        client.predict(rows[0] | {"island": name})
        client.post("/predict", {"rows": name})
        client.post("/predict", json.dumps(name))
    watching[0] = False
    assert [name for name in opened if not name.endswith((".py", ".pyc"))] == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_refused(media_type: str, client: Client) -> None:
    answer = client.ask("POST", "/predict", "{}", {"Content-Type": media_type} if media_type else {})
    types = "application/json, text/csv, application/vnd.apache.arrow.stream"
    assert (answer.status, answer.headers["accept-post"]) == (415, types)
    assert answer.data["detail"].endswith(f"send {types}")


def test_a_packed_body_is_unpacked(client: Client, rows: list[Row]) -> None:
    body = gzip.compress(json.dumps({"rows": rows}).encode())
    assert client.post("/predict", body, Content_Encoding="gzip").data == client.predict(*rows).data


@pytest.mark.parametrize(
    ("packing", "body", "status", "told"),
    [
        ("br", b"x", 415, "Content-Encoding: got 'br'; use gzip, or leave it out"),
        ("gzip", b"{}", 400, "the body is not valid gzip"),
        ("gzip", PACKED[:-1], 400, "it ends too early, or more follows its end"),
        ("gzip", PACKED + b"x", 400, "it ends too early, or more follows its end"),
        ("gzip", gzip.compress(bytes(20 * 2**20), mtime=0), 413, "the body has more than 16 MiB"),
    ],
)
def test_a_badly_packed_body_is_refused(packing: str, body: bytes, status: int, told: str, client: Client) -> None:
    answer = client.post("/predict", body, Content_Encoding=packing)
    assert answer.status == status
    assert told in answer.data["detail"]


def test_a_body_that_says_that_it_is_too_large_is_refused_before_it_comes(client: Client) -> None:
    with client.connect() as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n" % client.host.encode()
            + b"Content-Length: 1073741824\r\n\r\n"
        )
        assert read_to_end(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/nowhere", "/models/fish/predict", "/health", "/v2/models/fish/infer"])
def test_a_large_body_that_nobody_reads_does_not_keep_the_answer_from_arriving(path: str, client: Client) -> None:
    """A connection that is closed while a client still sends is reset, and the answer with it."""
    assert client.post(path, b" " * (8 << 20)).status in (404, 405)


def test_halves_of_surrogate_pairs_in_names_are_answered(client: Client, rows: list[Row]) -> None:
    answer = client.post("/predict", json.dumps({"rows": [rows[0] | {"\ud800": 1}]}))
    assert (answer.status, answer.data["ignored"]) == (200, ["?"])


def test_a_body_without_an_end_is_refused_at_the_limit() -> None:
    received = 0

    async def send_on() -> dict[str, Any]:
        nonlocal received
        received += 65_536
        return {"type": "http.request", "body": bytes(65_536), "more_body": True}

    request = Request({"type": "http", "headers": [], "method": "POST", "path": "/"}, send_on)
    with pytest.raises(ProblemError) as refused:
        run_on_thread(receive_body, request, Limits(max_bytes=10**6))
    assert (refused.value.status, received < 10**6 + 2 * 65_536) == (413, True)


def test_too_many_rows_or_containers_are_refused(client: Client, rows: list[Row]) -> None:
    answer = client.predict(*[{}] * 10_001)
    assert (answer.status, answer.data["detail"]) == (422, "rows: got 10,001; at most 10,000 are answered at a time")
    answer = client.post("/predict", "[" + "[]," * 200_000)
    assert (answer.status, "objects and arrays" in answer.data["detail"]) == (413, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "told", "allowed"),
    [
        ("GET", "/predict", 405, "/predict: GET is not answered here; use POST", "POST"),
        ("DELETE", "/models", 405, "/models: DELETE is not answered here", "GET, HEAD"),
        ("GET", "/fish", 404, "/fish: there is nothing here; /openapi.json lists what there is", None),
        ("GET", "/models/../../etc/passwd", 404, "there is nothing here", None),
        ("POST", "/models/%2Fetc%2Fpasswd/predict", 404, "there is nothing here", None),
        ("GET", "/models/Penguins", 404, "model 'Penguins': there is no such model", None),
    ],
)
def test_unknown_paths_and_methods_are_told(
    method: str, path: str, status: int, told: str, allowed: str | None, client: Client
) -> None:
    answer = client.ask(method, path, None, JSON)
    assert (answer.status, told in answer.data["detail"]) == (status, True)
    found = answer.headers.get("allow")
    assert found is None if allowed is None else sorted(str(found).split(", ")) == allowed.split(", ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"FISH\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nX: " + b"x" * 100_000, 431),
        (b"GET /health?" + b"x" * 100_000, 431),
        (b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(20_000)), 431),
    ],
)
def test_what_is_no_http_or_too_long_is_refused(sent: bytes, status: int, client: Client) -> None:
    with client.connect() as connection:
        connection.sendall(sent)
        assert read_to_end(connection).startswith(b"HTTP/1.1 %d " % status)
    assert client.get("/health").status == 200

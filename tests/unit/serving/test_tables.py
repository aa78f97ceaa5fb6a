"""Tables as the bodies of requests, in CSV and as Arrow streams, and as answers."""

from __future__ import annotations

import gzip
from io import BytesIO, StringIO
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.model.model import Model
from creche.model.predict_file import predict_table
from creche.table.reading.read import read_table
from tests.unit.serving.serving import Answer, Client

CSV, ARROW = {"Content-Type": "text/csv"}, {"Content-Type": "application/vnd.apache.arrow.stream"}
PENGUINS = cr.datasets.penguins().head(6)


def stream(frame: pl.DataFrame, **options: Any) -> bytes:
    written = BytesIO()
    frame.write_ipc_stream(written, **options)
    return written.getvalue()


def post(client: Client, body: Any, headers: dict[str, str], accept: str = "") -> Answer:
    return client.ask("POST", "/predict", body, headers | ({"Accept": accept} if accept else {}))


@pytest.mark.parametrize("headers", [CSV, ARROW], ids=["csv", "arrow"])
def test_a_table_is_predicted(headers: dict[str, str], client: Client, model: Model) -> None:
    body = PENGUINS.write_csv() if headers is CSV else stream(PENGUINS)
    answer = post(client, body, headers)
    assert (answer.status, answer.data["ignored"]) == (200, ["species"])
    found = [list(row["probabilities"].values()) for row in answer.data["predictions"]]
    assert found == model.predict_proba(PENGUINS).astype(float).tolist()


def test_the_answer_may_be_a_table(client: Client, model: Model, rows: list[dict[str, Any]]) -> None:
    expected = predict_table(model, read_table(PENGUINS, expected=model.features.expected))
    answer = post(client, PENGUINS.write_csv(), CSV, "application/vnd.apache.arrow.stream")
    frame = pl.read_ipc_stream(answer.body)
    assert frame.columns == expected.names
    assert np.array_equal(frame["probability_Gentoo"].to_numpy(), expected.columns["probability_Gentoo"].values)
    answer = client.post("/predict", {"rows": rows[:1]}, Accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    frame = pl.read_csv(StringIO(answer.body.decode()))
    assert frame["predicted_species"].to_list() == model.predict(rows[:1]).tolist()


def test_every_wrong_cell_of_a_table_is_told(client: Client) -> None:
    text = PENGUINS.with_columns(pl.col("body_mass_g").cast(pl.String)).write_csv().splitlines()
    text[2] = text[2].replace("39.5", "long")
    text[5] = text[5].replace("36.7", "short").replace("3450", "light")
    for body, headers in (("\n".join(text), CSV), (stream(pl.read_csv(StringIO("\n".join(text)))), ARROW)):
        answer = post(client, body, headers)
        assert answer.status == 422
        assert [(error["row"], error["column"]) for error in answer.data["errors"]] == [
            (1, "bill_length_mm"), (4, "bill_length_mm"), (4, "body_mass_g"),
        ]  # fmt: skip
        assert "row 1, column 'bill_length_mm' is 'long'; needs a number" in answer.data["detail"]


def test_missing_columns_are_told(client: Client) -> None:
    answer = post(client, PENGUINS.drop("sex", "island").write_csv(), CSV)
    assert [(error["row"], error["column"]) for error in answer.data["errors"]] == [(None, "island"), (None, "sex")]


def test_a_column_sent_twice_is_told(client: Client) -> None:
    head, *rows = PENGUINS.write_csv().splitlines()
    answer = post(client, "\n".join([f"{head},sex", *(f"{row},male" for row in rows)]), CSV)
    assert answer.data["errors"] == [
        {"row": None, "column": "sex", "message": "column 'sex' is there more than once; send it once"}
    ]


@pytest.mark.parametrize(
    ("body", "headers", "status", "told"),
    [
        (b"", CSV, 400, "the request: is empty"),
        (b'"a,b\n1', CSV, 400, "needs quotes in pairs, or a body in JSON or Arrow if there are no quotes"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), CSV, 415, "the body is packed"),
        (b"ARROW1", ARROW, 400, "cut short or damaged"),
        (stream(PENGUINS)[:-30], ARROW, 400, "cut short or damaged"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", ARROW, 400, "cut short or damaged"),
        (stream(PENGUINS, compression="zstd"), ARROW, 400, "with compressed columns; write it without compression"),
        (stream(PENGUINS.with_columns(pl.col("sex").cast(pl.Categorical)), compression="lz4"), ARROW, 400, "compress"),
        (stream(pl.DataFrame({"a": pl.Series([None] * 50_000)})), ARROW, 422, "at most 10,000"),
        ("\n".join(["a", *["1"] * 10_001]), CSV, 422, "rows: got 10,001; at most 10,000 are answered at a time"),
        (stream(PENGUINS.head(0)), ARROW, 422, "the table has no rows; send at least one"),
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_table_or_too_large_is_refused(
    body: Any, headers: dict[str, str], status: int, told: str, client: Client
) -> None:
    answer = post(client, body, headers)
    assert (answer.status, told in answer.data["detail"]) == (status, True), answer.body


def test_a_date_beyond_the_year_9999_is_a_category_like_others(client: Client) -> None:
    far = pl.Series("sex", np.full(len(PENGUINS), 10**7, dtype=np.int32)).cast(pl.Date)
    assert post(client, stream(PENGUINS.with_columns(far)), ARROW).status == 200


def test_damaged_streams_are_refused_wherever_they_are_damaged(client: Client) -> None:
    whole = bytearray(stream(PENGUINS))
    for place in range(0, len(whole), 97):
        damaged = whole.copy()
        damaged[place] ^= 0xFF
        assert post(client, bytes(damaged), ARROW).status in (200, 400, 413, 422), place

"""Files of object stores and the web, from a server of this process: Polars asks it for ranges of bytes."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import polars as pl
import pytest

import creche as cr
from creche.databases.address import Database
from creche.databases.object_stores import CREDENTIALS
from creche.errors import CrecheError, FileError, PlanError, TableError
from creche.table.reading.read import read_batches, read_table
from tests.unit.databases.penguins import numbered_penguins, weights_from


class Store(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}

    def answer(self, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/secret/"):
            self.send_error(403)
            return
        content = self.files.get(path)
        if content is None:
            self.send_error(404)
            return
        start, end = 0, len(content)
        wanted = self.headers.get("Range")
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(0, len(content) - int(last))
            end = min(int(last) + 1, len(content)) if first and last else len(content)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if with_body:
            self.wfile.write(content[start:end])

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


# One for the process, since Polars keeps its connection to a bucket.
@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    buffer = io.BytesIO()
    numbered_penguins().write_parquet(buffer)
    Store.files = {"/penguins.parquet": buffer.getvalue(), "/bucket/penguins.parquet": buffer.getvalue()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for names in CREDENTIALS.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bucket(no_credentials: None, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_REGION", "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")


@pytest.mark.usefixtures("bucket")
def test_a_network_has_the_bits_of_the_table(address: str) -> None:
    expected = weights_from(numbered_penguins())
    assert weights_from(f"{address}/penguins.parquet") == expected
    assert weights_from("s3://bucket/penguins.parquet", memory="200MB") == expected


@pytest.mark.usefixtures("bucket")
def test_rows_come_in_batches_and_in_order() -> None:
    batches = list(read_batches("s3://bucket/penguins.parquet", rows=100, expected={"id": "whole"}))
    assert pl.concat([batch.frame for batch in batches])["id"].to_list() == list(range(344))
    assert max(len(batch.frame) for batch in batches) <= 100


@pytest.mark.usefixtures("bucket")
def test_what_cannot_be_read_is_told(address: str) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        read_table(f"{address}/nothing.parquet")
    with pytest.raises(FileError, match="there is no such file"):
        read_table("s3://bucket/nothing.parquet")
    with pytest.raises(FileError, match="refuses access; check the credentials"):
        read_table("s3://secret/penguins.parquet")
    with pytest.raises(TableError, match="download it"):
        read_table(f"{address}/penguins.csv")
    with pytest.raises(PlanError, match="no tables to choose from"):
        Database("s3://bucket/penguins.parquet", table="penguins")


@pytest.mark.usefixtures("no_credentials")
@pytest.mark.parametrize(
    ("uri", "variable"),
    [
        ("s3://bucket/a.parquet", "AWS_ACCESS_KEY_ID"), ("gs://bucket/a.parquet", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://bucket/a.parquet", "AZURE_STORAGE_ACCOUNT_NAME"), ("delta://s3://bucket/table", "AWS_ACCESS_KEY_ID"),
    ],
)  # fmt: skip
def test_missing_credentials_are_told_before_anything_is_asked(uri: str, variable: str) -> None:
    with pytest.raises(FileError, match=f"the environment has no credentials; set {variable}"):
        read_table(uri)


def test_a_signature_is_not_shown(address: str) -> None:
    uri = f"{address}/nothing.parquet?X-Amz-Signature=s3cret"
    with pytest.raises(FileError) as caught:
        read_table(uri)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(Database(uri))


def test_nothing_is_written_there(address: str) -> None:
    model = cr.train("penguins", label="species", hidden=[2], epochs=1, threads=1).model
    with pytest.raises(CrecheError, match="cannot be written to"):
        cr.predict_file(model, "penguins", "s3://bucket/new.parquet")

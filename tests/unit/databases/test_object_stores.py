"""Files of object stores and the web, from a server of this process: Polars asks it for ranges of bytes."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import creche as cr
from creche.databases.address import Database
from creche.databases.object_stores import CREDENTIALS, write_rows
from creche.errors import CrecheError, FileError, PlanError, TableError
from creche.table.reading.read import read_batches, read_table
from tests.unit.cli.commands import main
from tests.unit.databases.penguins import numbered_penguins, weights_from


class Store(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    parts: ClassVar[dict[str, bytes]] = {}
    begun_in_parts: ClassVar[set[str]] = set()

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

    def do_PUT(self) -> None:
        """Take a file, or a part of one, whole."""
        path, _, query = self.path.partition("?")
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if path.startswith(("/secret/", "/none/")):
            self.send_error(403 if path.startswith("/secret/") else 404)
            return
        if path.startswith("/cut/") and "partNumber" in query:
            self.send_error(400, "the part was cut")
            return
        if "partNumber" in query:
            self.parts[path + query.partition("&")[0]] = content
        else:
            self.files[path] = content
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """Begin to take a file in parts, or put its parts together."""
        path, _, query = self.path.partition("?")
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path.startswith(("/secret/", "/none/")):
            self.send_error(403 if path.startswith("/secret/") else 404)
            return
        if query.startswith("uploads"):
            name, inner = "InitiateMultipartUploadResult", "<UploadId>1</UploadId>"
            self.begun_in_parts.add(path)
        else:
            name, inner = "CompleteMultipartUploadResult", "<ETag>1</ETag>"
            parts = sorted(
                (int(key.rpartition("=")[2]), key) for key in self.parts if key.startswith(f"{path}partNumber=")
            )
            self.files[path] = b"".join(self.parts.pop(key) for _, key in parts)
        _, bucket, key = path.split("/", 2)
        answer = f"<{name}><Bucket>{bucket}</Bucket><Key>{key}</Key>{inner}</{name}>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_DELETE(self) -> None:
        """Forget the parts of a file."""
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def serve_at_404() -> ThreadingHTTPServer:
    """A server whose port has the digits of a status, which errors name along with the status."""
    for port in range(40400, 40500):
        with suppress(OSError):
            return ThreadingHTTPServer(("127.0.0.1", port), Store)
    return ThreadingHTTPServer(("127.0.0.1", 0), Store)


# One for the process, since Polars keeps its connection to a bucket.
@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    buffer = io.BytesIO()
    numbered_penguins().write_parquet(buffer)
    Store.files = {"/penguins.parquet": buffer.getvalue(), "/bucket/penguins.parquet": buffer.getvalue()}
    server = serve_at_404()
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


@pytest.fixture(scope="module")
def trained() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[2], epochs=1, threads=1).model


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(("name", "read"), [("new.parquet", pl.read_parquet), ("new.arrow", pl.read_ipc)])
def test_predictions_are_written_as_to_a_file(
    name: str, read: Callable[..., pl.DataFrame], trained: cr.Model, tmp_path: Path
) -> None:
    for source in ("s3://bucket/penguins.parquet", "penguins"):
        Store.files[f"/bucket/{name}"] = b"the file that was there"
        assert cr.predict_file(trained, source, f"s3://bucket/{name}").rows == 344
        cr.predict_file(trained, source, tmp_path / name)
        assert_frame_equal(read(io.BytesIO(Store.files[f"/bucket/{name}"])), read(tmp_path / name))


@pytest.mark.usefixtures("bucket")
def test_the_command_writes_there(trained: cr.Model, tmp_path: Path) -> None:
    trained.save(tmp_path / "m.creche")
    call = ["predict", str(tmp_path / "m.creche"), "s3://bucket/penguins.parquet", "--keep", "id"]
    assert main([*call, "-o", "s3://bucket/by_command", "--output-format", "parquet"]) == 0
    written = pl.read_parquet(io.BytesIO(Store.files["/bucket/by_command"]))
    assert written.columns[:2] == ["id", "predicted_species"]
    assert written["predicted_species"].to_list() == trained.predict("penguins").tolist()


@pytest.mark.usefixtures("bucket")
def test_a_file_that_arrives_in_parts_is_whole_or_not_there() -> None:
    rows = pl.DataFrame({"noise": np.random.default_rng(0).random(9_000_000)})  # more bytes than Polars puts in a part
    write_rows(Database("s3://bucket/large.parquet"), rows.lazy())
    assert Store.begun_in_parts == {"/bucket/large.parquet"}
    assert pl.read_parquet(io.BytesIO(Store.files["/bucket/large.parquet"])).equals(rows)
    Store.files["/cut/large.parquet"] = b"the file that was there"
    with pytest.raises(FileError, match=r"s3://cut/large\.parquet: .*; nothing was written"):
        write_rows(Database("s3://cut/large.parquet"), rows.lazy())
    assert Store.files["/cut/large.parquet"] == b"the file that was there"


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("uri", "more", "message"),
    [
        ("s3://secret/new.parquet", {}, "the server refuses access; check the credentials; nothing was written"),
        ("s3://none/new.parquet", {}, "there is no such bucket; nothing was written"),
        ("s3://bucket/new.csv", {}, r"are written as Parquet \(\.parquet, \.pq\) or Arrow"),
        ("s3://bucket/new.parquet", {"format": "csv"}, "are written as Parquet"),
        ("s3://bucket/new-*.parquet", {}, "is a pattern of several files"),
        ("s3://bucket/new.parquet", {"if_table_exists": "append"}, "if_table_exists: has no effect on s3://bucket/new"),
        ("s3://bucket/penguins.parquet", {}, "output: s3://bucket/penguins.parquet is the table itself"),
        ("https://example.org/new.parquet", {}, "cannot be written to; write a file, and upload it"),
        ("delta:///lake/new.parquet", {}, "cannot be written to; write a file, and upload it"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_told(uri: str, more: dict[str, Any], message: str, trained: cr.Model) -> None:
    before = dict(Store.files)
    with pytest.raises(CrecheError, match=message):
        cr.predict_file(trained, "s3://bucket/penguins.parquet", uri, **more)
    assert Store.files == before


@pytest.mark.usefixtures("no_credentials")
def test_missing_credentials_are_told_before_anything_is_predicted(trained: cr.Model) -> None:
    with pytest.raises(FileError, match="the environment has no credentials; set AWS_ACCESS_KEY_ID"):
        cr.predict_file(trained, "no such table.csv", "s3://bucket/new.parquet")

"""Refused requests: problem details (RFC 9457) with a sentence, and each cell that is wrong with its row and column."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from creche._phrases import format_count

__all__ = ["MOST_LISTED", "CellError", "ProblemError", "encode_json", "problem_response"]

MOST_LISTED = 100
"""Errors of cells in one answer."""

LINGER_SECONDS = 2.0
LINGER_BYTES = 256 * 2**20
PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class CellError:
    """What is wrong with a cell, or with a whole row or column.

    Attributes
    ----------
    row : int or None
        The index of the row in the request, from 0; None if it is about all rows.
    column : str or None
        None if it is about the whole row.
    message : str
        A sentence that says what is wrong, and what to do.

    """

    row: int | None
    column: str | None
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data."""
        return {"row": self.row, "column": self.column, "message": self.message}


@dataclass(slots=True)
class ProblemError(Exception):
    """A request that is refused.

    Attributes
    ----------
    status : int
        The status of the answer.
    detail : str
        What is wrong, in a sentence.
    errors : sequence of CellError
        Those found; `MOST_LISTED` at most are told.
    headers : dict of str to str
        More headers of the answer.
    is_early : bool
        Whether the body of the request, if it has one, has not been received to its end.

    """

    status: int
    detail: str
    errors: Sequence[CellError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    is_early: bool = False

    @classmethod
    def of_cells(cls, errors: Sequence[CellError]) -> ProblemError:
        """Return the refusal of rows with these errors."""
        first = errors[0].message
        more = f" (and {format_count(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
        return cls(422, f"{first}{more}", errors)


class LingeringResponse(Response):
    """An answer to a request whose body is still arriving, if it has one; then the connection is closed after it.

    What arrives for a while is dropped: a client that still sends when its connection is closed loses the answer.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, and receive the rest of the body."""
        told = Headers(scope=scope)
        if "transfer-encoding" not in told and told.get("content-length", "0") == "0":
            await super().__call__(scope, receive, send)
            return
        self.headers["Connection"] = "close"
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while dropped < LINGER_BYTES:
                    message = await receive()
                    dropped += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        break
        await send({"type": "http.response.body", "body": b""})


def problem_response(problem: ProblemError, **more: Any) -> Response:
    """Return the answer that tells a problem, with more members."""
    data: dict[str, Any] = {
        **more,
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        data["errors"] = [error.to_dict() for error in problem.errors[:MOST_LISTED]]
        data["errors_total"] = len(problem.errors)
    headers = {"Cache-Control": "no-store", **problem.headers}
    kind = LingeringResponse if problem.is_early else Response
    return kind(encode_json(data), problem.status, headers, media_type=PROBLEM_TYPE)


def encode_json(data: dict[str, Any]) -> bytes:
    """Return JSON; what is not valid Unicode, such as half of a surrogate pair, becomes a replacement character."""
    try:
        return orjson.dumps(data)
    except TypeError:
        cleaned: dict[str, Any] = _clean(data)
        return orjson.dumps(cleaned)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value

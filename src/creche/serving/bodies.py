"""The bodies of requests: received within limits of bytes and time, unpacked, and parsed as strict JSON."""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from starlette.requests import Request

from creche._phrases import shorten_text
from creche.serving.problems import ProblemError

__all__ = ["ARROW", "CSV", "JSON", "Limits", "media_type_of", "parse_json", "receive_body"]

JSON = "application/json"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
MEBIBYTE = 2**20
LONGEST_SHOWN = 60
FEW_BYTES = 4096
"""The size of a body that the strict parser reads as fast, in bytes."""

MANY_DIGITS = b"0" * 19
DIGITS = bytes(ord("0") if chr(code).isdigit() and code < 128 else code for code in range(256))
STRIDE = 6
"""Of 19 digits in a row, looking at each sixth character finds `FEW_DIGITS`."""

FEW_DIGITS = b"000"
BOTH_OPEN = 0xDF
"""The bits in which ``[`` and ``{`` do not differ: no other byte is ``[`` then."""

SMALL = 64 * 1024
"""The size of a body that cannot hold too many values, in bytes."""

CONTAINERS_PER_ROW = 4
"""Objects and arrays that a body may hold for each row allowed: they take a hundred times the memory of their text."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take.

    Attributes
    ----------
    max_bytes : int
        The size of a body, also once it is unpacked.
    max_rows : int
    max_connections : int
        More are answered at once that the server is busy.
    receive_seconds : float
        For the headers of a request to arrive, and again for its body.
    answer_seconds : float
        For the answer to be computed, and again for it to be read.

    """

    max_bytes: int = 16 * MEBIBYTE
    max_rows: int = 10_000
    max_connections: int = 1000
    receive_seconds: float = 10.0
    answer_seconds: float = 60.0


def media_type_of(request: Request) -> str:
    """Return the type of a request's body, in lower case and without parameters; empty if it is not told."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def receive_body(request: Request, limits: Limits) -> bytes:
    """Receive the body of a request.

    Raises
    ------
    ProblemError
        If it is too large (told before it is read, if the request says so), comes too slowly, or is packed in a way
        that is not known.

    """
    packing = request.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip"):
        detail = f"Content-Encoding: got {shorten_text(packing, LONGEST_SHOWN)!r}; use gzip, or leave it out"
        raise ProblemError(415, detail, headers={"Accept-Encoding": "gzip"}, is_early=True)
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > limits.max_bytes:
        raise _too_large(limits, is_early=True)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.receive_seconds):
            async for part in request.stream():
                body += part
                if len(body) > limits.max_bytes:
                    raise _too_large(limits, is_early=True)
    except TimeoutError:
        detail = f"the body did not arrive within {limits.receive_seconds:g} seconds; send it faster, or in parts"
        raise ProblemError(408, detail, is_early=True) from None
    return _unpack(body, limits) if packing == "gzip" else bytes(body)


def _unpack(body: bytes | bytearray, limits: Limits) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, limits.max_bytes + 1)
    except zlib.error as error:
        raise ProblemError(400, f"the body is not valid gzip ({error})") from None
    if len(unpacked) > limits.max_bytes:
        raise _too_large(limits)
    if not unpacker.eof or unpacker.unused_data:
        raise ProblemError(400, "the body is not valid gzip: it ends too early, or more follows its end")
    return unpacked


def _too_large(limits: Limits, is_early: bool = False) -> ProblemError:
    size = f"{limits.max_bytes / MEBIBYTE:g} MiB"
    return ProblemError(413, f"the body has more than {size}; send fewer rows at a time", is_early=is_early)


def parse_json(body: bytes, limits: Limits) -> Any:
    """Parse JSON, strictly: no NaN, no infinity, and no key twice.

    Raises
    ------
    ProblemError
        If it is not that, with the place; or if it holds far more objects and arrays than rows are allowed.

    """
    if len(body) > SMALL:
        allowed = SMALL + CONTAINERS_PER_ROW * limits.max_rows
        opening = np.frombuffer(body, np.uint8) & BOTH_OPEN == ord("[")
        if np.count_nonzero(opening) > allowed:
            raise ProblemError(413, f"the body holds more than {allowed:,} objects and arrays; send fewer rows")
    if len(body) > FEW_BYTES:
        found = _parse_fast(body)
        if found is not None:
            return found
    try:
        return DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise ProblemError(400, f"the body is not UTF-8 (byte {error.start:,})") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ProblemError(400, f"the body is not valid JSON: {error.msg} ({where})") from None
    except RecursionError:
        raise ProblemError(400, "the body is not valid JSON: it is nested too deeply") from None
    except ValueError:  # a whole number of thousands of digits
        raise ProblemError(400, "the body holds a number of too many digits") from None


def _parse_fast(body: bytes) -> dict[str, Any] | None:
    """Return what the strict parser would, in a third of the time; None if it is to decide.

    orjson takes the last of two values of one key, and rounds large whole numbers. So the keys are counted: there are
    as many as colons outside of strings, unless one came twice.
    """
    if FEW_DIGITS in body[::STRIDE].translate(DIGITS) and MANY_DIGITS in body.translate(DIGITS):
        return None
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(found) is not dict:
        return None
    rows = found.get("rows")
    if type(rows) is not list or not set(map(type, rows)) <= {dict}:
        return None
    # Objects in cells or in other parts of a request, which may not be there, make a difference, too.
    keys = len(found) + sum(map(len, rows))
    colons = np.count_nonzero(np.frombuffer(body, np.uint8) == ord(":"))
    return found if keys == colons or keys == _count_colons(body) else None


def _count_colons(body: bytes) -> int:
    """Return the number of colons outside of strings."""
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # the remaining quotation marks begin and end strings
    characters = np.frombuffer(unescaped, dtype=np.uint8)
    is_inside = np.logical_xor.accumulate(characters == ord('"'))
    return int(np.count_nonzero((characters == ord(":")) & ~is_inside))


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ProblemError(400, f"the body has the key {shorten_text(twice, LONGEST_SHOWN)!r} twice in one object")
    return made


def _refuse_constant(text: str) -> Any:
    detail = f"the body is not valid JSON: {text} is not a number of JSON; send null for a missing value"
    raise ProblemError(400, detail)


DECODER = json.JSONDecoder(object_pairs_hook=_make_object, parse_constant=_refuse_constant)

"""Messages as bytes: JSON requests that are checked field by field, and binary frames for views and their arrays.

A frame is the length of its header (four bytes, little-endian), the header (JSON, UTF-8), and the arrays, each
little-endian. Header and arrays are padded with zeros to a multiple of eight bytes. In the header's body an array is
written ``{"$array": i}``, where i is its place in the header's list of arrays.
"""

from __future__ import annotations

import json
import math
import struct
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheError, nearest
from creche.studio.protocol.requests import REQUESTS, Request

__all__ = ["ARRAY_KEY", "BadRequestError", "PushedFrames", "ReceivedRequest", "encode_view", "read_request", "to_json"]

ARRAY_KEY = "$array"
ALIGNMENT = 8
MAX_LIST = 10_000
MAX_TEXT = 64_000


class BadRequestError(CrecheError, ValueError):
    """A request that is not one, or has a field of the wrong type. `request_id` is its number, if it has one."""

    def __init__(self, message: str, request_id: int | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """A request with the number by which the page knows its answer."""

    id: int
    request: Request


# -- views to bytes ----------------------------------------------------------------------------------------------------


def encode_view(view: Any, reply_to: int | None = None) -> bytes:
    r"""Return the frame of a view.

    Parameters
    ----------
    view : dataclass of `creche.studio.protocol.views`
    reply_to : int, optional
        The request that it answers; None for a view that is pushed.

    Examples
    --------
    >>> from creche.studio.protocol.views import Done
    >>> encode_view(Done("saved"), reply_to=3)[4:]
    b'{"type":"Done","reply":3,"body":{"text":"saved"},"arrays":[]}\x00\x00\x00\x00\x00\x00\x00'

    """
    header, arrays = to_json(view, reply_to)
    text = json.dumps(header, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    parts = [struct.pack("<I", len(text)), text, bytes(-(4 + len(text)) % ALIGNMENT)]
    for array in arrays:
        parts += [array.tobytes(), bytes(-array.nbytes % ALIGNMENT)]
    return b"".join(parts)


class PushedFrames:
    """Encodes views that are pushed: the same view goes to all who watch, and is encoded once."""

    def __init__(self) -> None:
        self._newest: dict[type, tuple[object, bytes]] = {}

    def encode(self, view: object) -> bytes:
        """Return the frame of a view that answers no request."""
        newest, frame = self._newest.get(type(view), (None, b""))
        if newest is not view:
            frame = encode_view(view)
            self._newest[type(view)] = view, frame
        return frame


def to_json(view: Any, reply_to: int | None = None) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return the header of a view's frame, ready for JSON, and its arrays, little-endian and contiguous."""
    arrays: list[NDArray[Any]] = []
    body = _plain(view, arrays)
    described = [{"dtype": array.dtype.str[1:], "shape": list(array.shape)} for array in arrays]
    return {"type": type(view).__name__, "reply": reply_to, "body": body, "arrays": described}, arrays


def _plain(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<")))
        return {ARRAY_KEY: len(arrays) - 1}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), arrays) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item, arrays) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# -- requests from JSON ------------------------------------------------------------------------------------------------


def read_request(text: str) -> ReceivedRequest:
    """Read a request, and check that each field has its type.

    Raises
    ------
    BadRequestError
        If the text is not a request.

    Examples
    --------
    >>> read_request('{"type": "Step", "id": 7, "unit": "epoch"}')
    ReceivedRequest(id=7, request=Step(unit='epoch', count=1))
    >>> read_request('{"type": "Step", "id": 7, "count": "many"}')
    Traceback (most recent call last):
        ...
    creche.studio.protocol.frames.BadRequestError: Step.count: got 'many'; needs a whole number

    """
    try:
        data = json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the request is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadRequestError("the request is not a JSON object")
    number = data.pop("id", None)
    if type(number) is not int or not 0 <= number < 2**53:
        raise BadRequestError("id: is missing or not a whole number from 0 to 2**53")
    name = data.pop("type", None)
    if not isinstance(name, str) or name not in REQUESTS:
        raise BadRequestError(f"type: got {str(name)[:80]!r}; needs one of {', '.join(REQUESTS)}", number)
    kind = REQUESTS[name]
    try:
        return ReceivedRequest(number, kind(**_read_fields(kind, data)))
    except BadRequestError as error:
        raise BadRequestError(str(error), number) from None


def _reject_constant(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON")


@cache
def _hints(name: str) -> dict[str, Any]:
    kind = REQUESTS[name]
    return {field: hint for field, hint in get_type_hints(kind).items() if get_origin(hint) is not typing.ClassVar}


def _read_fields(kind: type[Request], data: Mapping[str, Any]) -> dict[str, Any]:
    hints = _hints(kind.__name__)
    for name in data:
        if name not in hints:
            raise BadRequestError(f"{kind.__name__}: has no field {name[:80]!r}{nearest(name[:80], hints)}")
    for field in fields(kind):
        if field.name not in data and field.default is MISSING and field.default_factory is MISSING:
            raise BadRequestError(f"{kind.__name__}.{field.name}: is missing")
    return {name: _read_value(f"{kind.__name__}.{name}", value, hints[name]) for name, value in data.items()}


def _read_value(place: str, value: Any, hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        (hint,) = (argument for argument in arguments if argument is not type(None))
        return _read_value(place, value, hint)
    if origin is Literal:
        if not isinstance(value, str) or value not in arguments:
            raise _wrong(place, value, f"one of {', '.join(arguments)}")
        return value
    if origin is tuple:
        if not isinstance(value, list) or len(value) > MAX_LIST:
            raise _wrong(place, value, f"a list of at most {MAX_LIST:,} items")
        return tuple(_read_value(f"{place}[{i}]", item, arguments[0]) for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict) or len(value) > MAX_LIST:
            raise _wrong(place, value, f"an object of at most {MAX_LIST:,} entries")
        return {key: _read_value(f"{place}[{key[:80]!r}]", item, arguments[1]) for key, item in value.items()}
    return _read_plain(place, value, hint)


def _read_plain(place: str, value: Any, hint: type) -> Any:
    if hint is bool and isinstance(value, bool):
        return value
    if hint is int and type(value) is int and abs(value) < 2**63:
        return value
    if hint is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if hint is str and isinstance(value, str) and len(value) <= MAX_TEXT and _is_unicode(value):
        return value
    needed = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}[hint]
    raise _wrong(place, value, needed)


def _is_unicode(text: str) -> bool:
    """Return whether the text can be encoded: JSON may escape half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong(place: str, value: Any, needed: str) -> BadRequestError:
    return BadRequestError(f"{place}: got {repr(value)[:80]}; needs {needed}")

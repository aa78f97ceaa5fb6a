"""Files changed as by damage, mistakes and malice, which every reader must survive.

Most changed files are sealed with the right digest; otherwise the digest would hide all checks behind it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.unit._system.forge import assemble, sealed

NASTY_NUMBERS = [
    0, -1, 1, 2, 3, 255, 2**16, 2**20, 2**31 - 1, 2**31, 2**32, 2**40, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**31),
    -(2**63), 0.5, -0.0, 1.0, 5e-324, 1e-300, 1e38, 1.7976931348623157e308, -1.7976931348623157e308,
]  # fmt: skip
NASTY_TEXTS = [
    "", "x", "\0", "é", "😀", "\x1b[2J", "[/red]", "a\nb", "\\", '"', "nan", "1", "x" * 10_000, "number", "words",
    "categorical", "classes", "numbers", "relu", "cross_entropy", "squared_error", "poisson", "F64", "float64",
]  # fmt: skip
NASTY = [
    *NASTY_NUMBERS, *NASTY_TEXTS, None, True, False, [], {}, [[]], [None], {"": {}}, [0] * 1000, ["x", "x"],
]  # fmt: skip
NASTY_FLOATS = ["0000c07f", "0000807f", "000080ff", "ffff7f7f", "01000000", "00000080", "000000000000f07f", "ff"]

Place = tuple[Any, Any]  # a dict or list, and a key or index in it


def mutated(random: Random, file: bytes, others: Sequence[bytes]) -> bytes:
    """Return the file changed in one to three ways, perhaps with pieces of another file."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        file = random.choice(MUTATIONS)(random, file, random.choice(others))
    return file


def flip_bits(random: Random, file: bytes, other: bytes) -> bytes:
    changed = bytearray(file)
    for _ in range(random.choice([1, 1, 4, 32])):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return _perhaps_sealed(random, bytes(changed))


def cut(random: Random, file: bytes, other: bytes) -> bytes:
    return _perhaps_sealed(random, file[: random.randrange(len(file) + 1)])


def lengthen(random: Random, file: bytes, other: bytes) -> bytes:
    return _perhaps_sealed(random, file + random.choice([b"\0", b"\0" * 64, file, other, b"\xff" * 4096]))


def splice(random: Random, file: bytes, other: bytes) -> bytes:
    """Replace a piece of the file by a piece of another."""
    begin, end = sorted(random.randrange(len(file) + 1) for _ in range(2))
    first, last = sorted(random.randrange(len(other) + 1) for _ in range(2))
    changed = file[:begin] + other[first:last] + file[end:]
    length = int.from_bytes(file[:8], "little") + len(changed) - len(file)
    if random.random() < 0.5 and length > 0:
        changed = (length % 2**64).to_bytes(8, "little") + changed[8:]
    return _perhaps_sealed(random, changed)


def lie_about_the_header(random: Random, file: bytes, other: bytes) -> bytes:
    length = int.from_bytes(file[:8], "little")
    lie = random.choice(
        [0, 1, length - 1, length + 1, length * 2, len(file), len(file) - 8, 2**24, 2**40, 2**63, 2**64 - 1]
    )
    return sealed((max(lie, 0) % 2**64).to_bytes(8, "little") + file[8:])


def lie_about_an_array(random: Random, file: bytes, other: bytes) -> bytes:
    """Change a type, a length or an offset, sometimes with bytes that fit."""

    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        name = random.choice(list(table) or [""])
        entry = table.get(name)
        if not isinstance(entry, dict):
            return data
        what = random.choice(["dtype", "shape", "data_offsets", "fitting"])
        if what == "dtype":
            entry["dtype"] = random.choice(["F16", "F32", "F64", "I32", "BOOL", "U8", "BF16", "", None])
        elif what == "fitting":
            size = random.choice([0, 4, 1000, 100_000])
            table[random.choice([name, "more", "layers.7.weights"])] = {
                "dtype": "U8", "shape": [size], "data_offsets": [len(data), len(data) + size],
            }  # fmt: skip
            return data + bytes(size)
        elif isinstance(entry.get(what), list) and entry[what]:
            at = random.randrange(len(entry[what]))
            entry[what][at] = random.choice([*NASTY_NUMBERS, len(data), None])
        return data

    return in_parts(file, change)


def change_numbers(random: Random, file: bytes, other: bytes) -> bytes:
    """Replace weights by numbers that are huge or not finite."""

    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        out = bytearray(data)
        for _ in range(random.choice([1, 1, 10])):
            nasty = bytes.fromhex(random.choice(NASTY_FLOATS)) * random.choice([1, 1, 16])
            at = random.randrange(max(1, len(out) // 8)) * 8
            out[at : at + len(nasty)] = nasty
        return bytes(out[: len(data)])

    return in_parts(file, change)


def edit_json(random: Random, file: bytes, other: bytes) -> bytes:
    """Replace, remove, rename, repeat or exchange values, or take them from another file."""
    foreign = _parts(other)
    whole = {} if foreign is None else foreign[0]

    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        header = envelope if random.random() < 0.1 or "header" not in envelope else envelope["header"]
        for _ in range(random.choice([1, 1, 1, 2, 5])):
            places = _places(header)
            if places:
                _edit(random, random.choice(places), places, _places(whole))
        return data

    return in_parts(file, change)


MUTATIONS: list[Callable[[Random, bytes, bytes], bytes]] = [
    flip_bits, cut, lengthen, splice, lie_about_the_header, lie_about_an_array, change_numbers, *[edit_json] * 12,
]  # fmt: skip


def _edit(random: Random, place: Place, places: list[Place], foreign: list[Place]) -> None:
    holder, key = place
    how = random.choice(["nasty", "nasty", "nasty", "near", "remove", "repeat", "rename", "exchange", "foreign"])
    if how == "nasty":
        holder[key] = copy.deepcopy(random.choice(NASTY))
    elif how == "near":
        holder[key] = _near(random, holder[key])
    elif how == "remove":
        del holder[key]
    elif how == "repeat" and isinstance(holder, list):
        holder[key:key] = [copy.deepcopy(holder[key])] * random.choice([1, 2, 1000])
    elif how == "rename" and isinstance(holder, dict):
        holder[random.choice([key + "s", "", "kind", "name", "x" * 100])] = holder.pop(key)
    elif how == "exchange":
        elsewhere, there = random.choice(places)
        holder[key] = copy.deepcopy(elsewhere[there])
    elif how == "foreign":
        same = [p for p in foreign if p[1] == key] or foreign
        if same:
            elsewhere, there = random.choice(same)
            holder[key] = copy.deepcopy(elsewhere[there])


def _near(random: Random, value: Any) -> Any:
    """Return another value of the same type, which looks more plausible than a nasty one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return random.choice([value + 1, value - 1, value * 2, -value, float(value), round(value)])
    if isinstance(value, str):
        return random.choice([value + "x", value[:-1], value.upper(), value * 2, random.choice(NASTY_TEXTS)])
    if isinstance(value, list):
        return random.choice([value[:-1], value + value, value[::-1], value[1:]])
    return {} if isinstance(value, dict) else 0


def _places(value: Any) -> list[Place]:
    """Return all positions in JSON; those in long lists are sampled, so that they do not dominate."""
    if isinstance(value, dict):
        own = [(value, key) for key in value]
    elif isinstance(value, list):
        own = [(value, i) for i in range(0, len(value), max(1, len(value) // 3))]
    else:
        return []
    return own + [place for holder, key in own for place in _places(holder[key])]


def in_parts(file: bytes, change: Callable[[dict[str, Any], dict[str, Any], bytes], bytes]) -> bytes:
    """Return the file with changed envelope, entries of arrays and data, sealed again; unchanged if it has none."""
    parts = _parts(file)
    if parts is None:
        return file
    envelope, table, data = parts
    data = change(envelope, table, data)
    return assemble(envelope, table, data)


def _parts(file: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes] | None:
    length = int.from_bytes(file[:8], "little")
    try:
        table = json.loads(file[8 : 8 + length])
        envelope = json.loads(table.pop("__metadata__")["creche"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (envelope, table, file[8 + length :]) if isinstance(envelope, dict) else None


def _perhaps_sealed(random: Random, file: bytes) -> bytes:
    return sealed(file) if random.random() < 0.7 else file

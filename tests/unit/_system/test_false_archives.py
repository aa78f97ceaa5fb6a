"""Malicious files are refused within a second, in bounded memory, even with the right digest."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from creche._system.archive import read_archive
from creche.errors import FileError
from tests.unit._system.forge import ZEROS, assemble, entry, envelope, honest

LARGEST = 160 * 2**20  # bytes of memory, for files of at most a few megabytes


def with_text(text: str) -> bytes:
    """Return a file with this text as its envelope, after the digest."""
    return assemble(f'{{"digest":"{ZEROS}",{text}}}', {}, b"")


def with_header(text: str) -> bytes:
    return with_text(f'"format":"creche","version":1,"kind":"model","written_by":"0.1.0","header":{text}')


def with_arrays(data: bytes = b"\0" * 16, **table: Any) -> bytes:
    return assemble(envelope(), table, data)


def whole_header(text: str) -> bytes:
    """Return a file with this header of safetensors, in which QUOTED is replaced by our text."""
    return assemble("", text.replace("QUOTED", json.dumps(json.dumps(envelope(), separators=(",", ":")))), b"")


HONEST_ENTRY = entry("F32", [4], 0, 16)
LIES: dict[str, bytes] = {
    # The length of the header.
    "length 0": assemble(envelope(), {}, b"", length=0),
    "length 1": assemble(envelope(), {}, b"", length=1),
    "length beyond the file": assemble(envelope(), {}, b"", length=2**20),
    "length 2^63": assemble(envelope(), {}, b"", length=2**63),
    "length 2^64-1": assemble(envelope(), {}, b"", length=2**64 - 1),
    "length into the data": assemble(envelope(), {"w": HONEST_ENTRY}, b"\0" * 16, length=700),
    # JSON.
    "deep lists": with_header('{"a":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "deep lists that never end": with_header('{"a":' + "[" * 200_000),
    "deep objects": with_header('{"a":' * 100_000 + "1" + "}" * 100_000),
    "deep outside": whole_header('{"__metadata__":{"creche":QUOTED},"w":' + "[" * 50_000 + "]" * 50_000 + "}"),
    "a million lists": with_header('{"a":[' + "[]," * 1_000_000 + "[]]}"),
    "brackets that only close": with_header("]" * 8_000_000),
    "a string that never ends": with_text('"a":"' + '\\"' * 1_000_000),
    "backslashes": with_text('"a":"' + "\\" * 2_000_001),
    "a number of a million digits": with_header('{"a":' + "9" * 1_000_000 + "}"),
    "a fraction of a million digits": with_header('{"a":1' + "9" * 1_000_000 + ".5e99}"),
    "duplicate key": with_header('{"a":1,"a":2}'),
    "duplicate array": whole_header(
        '{"__metadata__":{"creche":QUOTED},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},'
        '"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
    ),
    "duplicate metadata": whole_header('{"__metadata__":{"creche":QUOTED},"__metadata__":{"creche":QUOTED}}'),
    "NaN": with_header('{"a":NaN}'),
    "Infinity": with_header('{"a":-Infinity}'),
    "1e999": with_header('{"a":1e999}'),
    "half a character": with_header('{"a":"\\ud800"}'),
    "half a character in a key": with_header('{"a":[{"\\uDFFF":1}]}'),
    "not ASCII": with_header('{"a":"é"}'),
    "no JSON": with_header("{]"),
    "text after the end": with_header("{}} {"),
    "UTF-16": assemble("", '{"a":1}'.encode("utf-16").decode("latin-1"), b""),
    # The envelope.
    "header is a list": assemble(envelope(header=[]), {}, b""),
    "no header": assemble(envelope(header=None), {}, b""),
    "another format": assemble(envelope(format="other"), {}, b""),
    "no kind": assemble(envelope(kind=None), {}, b""),
    "kind is a list": assemble(envelope(kind=["model"]), {}, b""),
    "unknown kind": assemble(envelope(kind="virus"), {}, b""),
    "version 0": assemble(envelope(version=0), {}, b""),
    "version -1": assemble(envelope(version=-1), {}, b""),
    "version true": assemble(envelope(version=True), {}, b""),
    "version 1.0": assemble(envelope(version=1.0), {}, b""),
    "version in words": assemble(envelope(version="1"), {}, b""),
    "version 2^63": assemble(envelope(version=2**63), {}, b""),
    "written by an escape": assemble(envelope(version=9, written_by="\x1b[2J"), {}, b""),
    "one part more": assemble(envelope(more=1), {}, b""),
    "a second key beside ours": whole_header('{"__metadata__":{"creche":QUOTED,"other":"x"}}'),
    "metadata is text": whole_header('{"__metadata__":QUOTED}'),
    "our text is a list": whole_header('{"__metadata__":{"creche":[QUOTED]}}'),
    # The arrays.
    "entry is a number": with_arrays(w=1),
    "entry without shape": with_arrays(w={"dtype": "F32", "data_offsets": [0, 16]}),
    "entry with more": with_arrays(w={**HONEST_ENTRY, "more": 1}),
    "unknown type": with_arrays(w=entry("BF16", [8], 0, 16)),
    "type is a list": with_arrays(w={**HONEST_ENTRY, "dtype": ["F32"]}),
    "object type": with_arrays(w=entry("O", [2], 0, 16)),
    "shape too large": with_arrays(w=entry("F32", [5], 0, 16)),
    "shape too small": with_arrays(w=entry("F32", [3], 0, 16)),
    "shape overflows to 16 bytes": with_arrays(w=entry("F32", [2**62 + 1, 4], 0, 16)),
    "shape overflows to 0": with_arrays(b"", w=entry("F32", [2**32, 2**32], 0, 0)),
    "shape huge and empty": with_arrays(b"", w=entry("F32", [2**62, 2**62, 0], 0, 0)),
    "shape of many dimensions": with_arrays(w=entry("F32", [1] * 64 + [4], 0, 16)),
    "shape negative": with_arrays(w=entry("F32", [-2, -2], 0, 16)),
    "shape of fractions": with_arrays(w=entry("F32", [4.0], 0, 16)),
    "shape of booleans": with_arrays(b"\0" * 4, w=entry("F32", [True], 0, 4)),
    "shape is a number": with_arrays(w={**HONEST_ENTRY, "shape": 4}),
    "offsets reversed": with_arrays(w=entry("F32", [4], 16, 0)),
    "offsets negative": with_arrays(w=entry("F32", [4], -16, 0)),
    "offsets beyond the end": with_arrays(w=entry("F32", [8], 0, 32)),
    "offsets of 2^64": with_arrays(w=entry("F32", [4], 2**64 - 17, 2**64 - 1)),
    "one offset": with_arrays(w={**HONEST_ENTRY, "data_offsets": [16]}),
    "overlap": with_arrays(v=entry("F32", [4], 0, 16), w=entry("F32", [2], 8, 16)),
    "the same bytes twice": with_arrays(v=HONEST_ENTRY, w=HONEST_ENTRY),
    "a gap": with_arrays(v=entry("F32", [1], 0, 4), w=entry("F32", [1], 12, 16)),
    "bytes at the end": with_arrays(w=entry("F32", [2], 0, 8)),
    "no arrays, but data": with_arrays(),
    "a boolean of 2": with_arrays(b"\2", w=entry("BOOL", [1], 0, 1)),
}


def million_members() -> str:
    return ",".join(f'"{i}":0' for i in range(1_000_000))


# Made by the tests that read them, as every process of the test run would make those above.
LONG_LIES: dict[str, Callable[[], bytes]] = {
    "a million keys": lambda: with_header("{" + million_members() + "}"),
    "a million arrays": lambda: whole_header('{"__metadata__":{"creche":QUOTED},' + million_members() + "}"),
}


def peak_of_reading(path: Path) -> int:
    """Return the peak memory of Python and NumPy in bytes while the file is read or refused."""
    tracemalloc.start()
    try:
        with suppress(FileError):
            read_archive(path, "model")
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("lie", [*LIES, *LONG_LIES])
def test_a_false_length_is_refused_at_once(tmp_path: Path, lie: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(LIES[lie] if lie in LIES else LONG_LIES[lie]())
    began = time.process_time()  # of the processor: a hundred times what it takes
    with pytest.raises(FileError) as refusal:
        read_archive(path, "model")
    assert time.process_time() - began < 60
    assert peak_of_reading(path) < 2 * path.stat().st_size + LARGEST
    assert len(str(refusal.value)) < 1000
    assert str(refusal.value).startswith(str(path))
    assert str(refusal.value).isprintable()


def test_valid_archives_like_the_false_ones_are_read(tmp_path: Path) -> None:
    """The false archives are refused because they are false, not because of how they were built."""
    neighbours = [
        honest(),
        with_header('{"a":1}'),
        with_header('{"a":' + "[" * 60 + "]" * 60 + "}"),
        with_header('{"a":"' + "[" * 100_000 + '"}'),
        with_header('{"a":"\\ud83d\\ude00","b":1e99}'),
        whole_header('{"__metadata__":{"creche":QUOTED}}'),
        with_arrays(w=HONEST_ENTRY),
        with_arrays(v=entry("F32", [2], 0, 8), w=entry("F32", [2], 8, 16)),
        with_arrays(b"", w=entry("F32", [5, 0], 0, 0)),
    ]
    read = []
    for file in neighbours:
        (tmp_path / "x").write_bytes(file)
        header, arrays = read_archive(tmp_path / "x", "model")
        read.append((header, {name: array.shape for name, array in arrays.items()}))
    headers, shapes = zip(*read, strict=True)
    assert headers[1] == {"a": 1}
    assert headers[3:5] == ({"a": "[" * 100_000}, {"a": "\U0001f600", "b": 1e99})
    assert shapes[6:] == ({"w": (4,)}, {"v": (2,), "w": (2,)}, {"w": (5, 0)})


COSTLIEST: dict[str, Callable[[], bytes]] = {
    "objects": lambda: with_header('{"a":[' + '{"b":{}},' * 160_000 + "1]}"),
    "keys": lambda: with_header("{" + ",".join(f'"{i:06}":0' for i in range(490_000)) + "}"),
    "wide characters": lambda: with_header('{"a":"' + "x" * (15 * 2**20) + '\\ud83d\\ude00"}'),
}


@pytest.mark.parametrize("name", COSTLIEST)
def test_the_costliest_valid_headers_stay_within_the_bound(tmp_path: Path, name: str) -> None:
    path, file = tmp_path / "x", COSTLIEST[name]()
    path.write_bytes(file)
    tracemalloc.start()
    try:
        read_archive(path, "model")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * len(file) + LARGEST

"""A packed header unpacks to the same values, and a false one is refused before it takes much memory."""

from __future__ import annotations

import copy
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from creche._system import strict_json
from creche._system.archive import BrokenArchiveError, read_archive, write_archive
from creche._system.packed_header import MARK, pack_header, packed_values_limit, unpack_header
from creche._system.strict_json import MalformedJsonError
from creche.errors import FileError
from tests.unit._system import forge

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.just(MARK)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(text, inner, max_size=4)
        | st.lists(st.fixed_dictionaries({"name": text, "value": inner, "same": st.just("x")}), max_size=6)
    ),
    max_leaves=30,
)


def exactly(value: Any) -> Any:
    """Return the value such that 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    if isinstance(value, dict):
        return [(key, exactly(item)) for key, item in value.items()]
    return [exactly(item) for item in value] if isinstance(value, list) else (type(value), repr(value))


@given(header=st.dictionaries(text, values, max_size=4), minimum=st.integers(1, 5))
def test_a_packed_header_unpacks_to_the_same_values(header: dict[str, Any], minimum: int) -> None:
    packed, arrays, n_values = pack_header(header, minimum)
    written = strict_json.parse(strict_json.dump(packed))
    assert exactly(unpack_header(written, arrays, n_values)) == exactly(header)
    assert arrays == {}


def columns(count: int) -> dict[str, Any]:
    """Return a header like that of a model of `count` columns."""
    random = np.random.default_rng(0)
    described = [
        {
            "role": "numeric", "name": f"gene_{i:06d}_counts", "center": float(random.normal()), "rows": i % 7,
            "scale": None if i % 1000 == 0 else 1.5, "marked": i % 3 == 0, "examples": [str(i), "é"][: i % 3],
        }
        for i in range(count)
    ]  # fmt: skip
    return {"columns": described, "digests": {column["name"]: f"{i:032x}" for i, column in enumerate(described)}}


def test_a_header_too_large_for_json_is_written_and_read(tmp_path: Path) -> None:
    header, arrays = columns(120_000), {"w": np.arange(6.0)}
    with pytest.raises(MalformedJsonError, match="at most"):
        strict_json.dump(header)
    write_archive(tmp_path / "x", "model", header, arrays)
    again, back = read_archive(tmp_path / "x", "model")
    assert again == header
    assert list(back) == ["w"]
    assert (back["w"] == arrays["w"]).all()
    assert (tmp_path / "x").stat().st_size < 16 * 2**20


def test_a_header_of_many_short_lists_is_written_and_read(tmp_path: Path) -> None:
    header = {"networks": [columns(900) for _ in range(90)]}
    with pytest.raises(MalformedJsonError, match="at most"):
        strict_json.dump(header)
    write_archive(tmp_path / "x", "model", header, {})
    assert read_archive(tmp_path / "x", "model")[0] == header


def test_the_safetensors_library_reads_a_packed_file(tmp_path: Path) -> None:
    write_archive(tmp_path / "x", "model", columns(5000), {"w": np.arange(6.0)})
    assert safetensors.numpy.load_file(tmp_path / "x")["w"].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_short_header_is_kept_as_json() -> None:
    header = columns(100)
    packed, arrays, n_values = pack_header(header, 1000)
    assert (packed, arrays, n_values) == (header, {}, 0)


def test_arrays_of_a_header_have_names_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"'\$0' cannot be the name of an array"):
        write_archive(tmp_path / "x", "model", columns(5000), {"$0": np.ones(2)})


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_not_packed(wrong: float) -> None:
    with pytest.raises(MalformedJsonError, match="not JSON compliant"):
        pack_header({"x": [1.0, wrong]}, 1)


def test_half_a_character_is_not_packed() -> None:
    with pytest.raises(MalformedJsonError, match="half a character"):
        pack_header({"x": ["a", "\ud800"]}, 1)


def packed(description: Any, count: Any = 2, **more: Any) -> dict[str, Any]:
    return {"x": {MARK: {"count": count, "items": description, **more}}}


ARRAYS: dict[str, Any] = {"$0": np.array([97, 98], np.uint8), "$1": np.array([1, 1], np.uint8)}
TEXT = {"text": "$0", "lengths": "$1"}
FALSE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no description": (packed(1), {}),
    "an unknown description": (packed({"other": 1}), {}),
    "more in a description": (packed({"same": 1, "more": 1}), {}),
    "a list that is the same": (packed({"same": [1]}), {}),
    "no count": ({"x": {MARK: {"items": {"same": 1}}}}, {}),
    "a negative count": (packed({"same": 1}, -1), {}),
    "a count of true": (packed({"same": 1}, True), {}),
    "a count beyond the limit": (packed({"same": 1}, 10**15), {}),
    "more beside the mark": ({"x": {MARK: {"count": 1, "items": {"same": 1}}, "y": 1}}, {}),
    "no such array": (packed({"array": "$7"}), {}),
    "the name of an array is a number": (packed({"array": 7}), {}),
    "an array of another length": (packed({"array": "$2"}, 3), {"$2": np.ones(2)}),
    "an array of another type": (packed({"array": "$2"}), {"$2": np.ones(2, np.float32)}),
    "an array of two dimensions": (packed({"array": "$2"}), {"$2": np.ones((2, 1))}),
    "NaN": (packed({"array": "$2"}), {"$2": np.array([1, np.nan])}),
    "texts longer than told": (packed(TEXT), {**ARRAYS, "$1": np.array([1, 0], np.uint8)}),
    "texts shorter than told": (packed(TEXT), {**ARRAYS, "$1": np.array([1, 9], np.uint8)}),
    "lengths that overflow": (packed(TEXT), {**ARRAYS, "$1": np.array([2**63, 2**63 + 2], np.uint64)}),
    "text that is not UTF-8": (packed(TEXT), {**ARRAYS, "$0": np.array([97, 0xFF], np.uint8)}),
    "an array twice": (packed({"kinds": "$1", "items": [TEXT, TEXT]}), ARRAYS),
    "an array that is not used": (packed({"same": 1}), ARRAYS),
    "lists of 2^32 items": (packed({"lists": "$2", "items": {"same": 1}}), {"$2": np.full(2, 2**32 - 1, np.uint32)}),
    "a kind that is not described": (packed({"kinds": "$2", "items": [{"same": 1}]}), {"$2": np.arange(2, dtype="u1")}),
    "a key twice": (packed({"keys": ["a", "a"], "items": [{"same": 1}, {"same": 2}]}), {}),
    "a key without values": (packed({"keys": ["a", "b"], "items": [{"same": 1}]}), {}),
    "a key that is a number": (packed({"keys": [1], "items": [{"same": 1}]}), {}),
    "the same key of an object twice": (packed({"same": 1}, keys={"same": "a"}), {}),
    "values without a count": (packed({"values": [1]}), {}),
    "nested counts": (packed({"lists": "$2", "items": {"values": [packed({"same": 0}, 10**9)]}}, 1),
                      {"$2": np.array([1], np.uint32)}),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_a_false_header_is_refused_in_little_memory(name: str) -> None:
    header, arrays = copy.deepcopy(FALSE[name])
    tracemalloc.start()
    try:
        with pytest.raises(MalformedJsonError) as refusal:
            unpack_header(header, arrays, packed_values_limit(1000))
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()
    assert len(str(refusal.value)) < 300


def test_a_file_of_few_bytes_cannot_stand_for_many_values(tmp_path: Path) -> None:
    header = {"columns": {MARK: {"count": 10**9, "items": {"same": "numeric"}}}}
    (tmp_path / "x").write_bytes(forge.assemble(forge.envelope(header=header), {}, b""))
    with pytest.raises(BrokenArchiveError, match="more values than its size allows"):
        read_archive(tmp_path / "x", "model")
    header = {"columns": {MARK: {"count": 3, "items": {"same": "numeric"}}}}
    (tmp_path / "x").write_bytes(forge.assemble(forge.envelope(header=header), {}, b""))
    assert read_archive(tmp_path / "x", "model")[0] == {"columns": ["numeric"] * 3}

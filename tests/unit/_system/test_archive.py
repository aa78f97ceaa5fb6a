"""What is written is read again, and any change to a file in between is detected."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from creche._system import archive
from creche._system.archive import BrokenArchiveError, read_archive, write_archive
from creche.errors import FileError
from tests.unit._system import forge

DTYPES = ["?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"]
SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
headers = st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), json_values, max_size=4)
some_arrays = st.dictionaries(
    st.text("abcxyz.0_-\"\\{", min_size=1, max_size=8),
    st.sampled_from(DTYPES).flatmap(
        lambda d: hnp.arrays(np.dtype(d), hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
    ),
    max_size=4,
)  # fmt: skip


def read(data: bytes, path: Path, kind: str = "model") -> Any:
    path.write_bytes(data)
    return read_archive(path, kind)


@SLOW
@given(header=headers, arrays=some_arrays)
def test_what_is_written_comes_back(tmp_path: Path, header: dict[str, Any], arrays: dict[str, Any]) -> None:
    path = tmp_path / "x.creche"
    write_archive(path, "model", header, arrays)
    again, back = read_archive(path, "model")
    assert again == header
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)
        assert back[name].tobytes() == array.tobytes()
        assert back[name].flags.writeable
        assert back[name].flags.aligned


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_archive(tmp_path / name, "model", {"x": [1, 2.5]}, {"b": np.ones(3), "a": np.arange(5, dtype=np.int32)})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_safetensors_library_reads_it_too(tmp_path: Path) -> None:
    arrays = {"w": np.arange(6.0).reshape(2, 3), "b": np.array([True, False])}
    write_archive(tmp_path / "x", "model", {}, arrays)
    back = safetensors.numpy.load_file(tmp_path / "x")
    assert {name: array.tolist() for name, array in back.items()} == {n: a.tolist() for n, a in arrays.items()}


def test_the_digest_is_that_of_the_description(tmp_path: Path) -> None:
    write_archive(tmp_path / "x", "model", {"name": "ü"}, {"w": np.arange(6.0)})
    written = (tmp_path / "x").read_bytes()
    assert forge.sealed(written) == written


def test_a_file_made_by_hand_is_read(tmp_path: Path) -> None:
    header, arrays = read(forge.honest(), tmp_path / "x")
    assert header == {"classes": ["Adelie", "Gentoo"], "rate": 0.125}
    assert arrays["w"].tobytes() == bytes(range(16))
    assert arrays["flags"].tolist() == [True, False, True]


def test_arrays_of_other_layouts_are_written_by_value(tmp_path: Path) -> None:
    big = np.arange(6, dtype=">i4").reshape(2, 3)
    write_archive(tmp_path / "x", "model", {}, {"big": big, "turned": big.T, "every_other": np.arange(9)[::2]})
    _, back = read_archive(tmp_path / "x", "model")
    assert back["big"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert back["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert back["every_other"].tolist() == [0, 2, 4, 6, 8]


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = forge.honest()
    for end in range(len(whole)):
        with pytest.raises(FileError):
            read(whole[:end], tmp_path / "x")
    with pytest.raises(FileError):
        read(whole + b"\0", tmp_path / "x")


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    whole = forge.honest()
    other = np.random.default_rng(0).integers(1, 256, len(whole))
    for place, change in enumerate(other.tolist()):
        changed = bytearray(whole)
        changed[place] ^= change
        with pytest.raises(FileError):
            read(bytes(changed), tmp_path / "x")


@SLOW
@given(data=st.data())
def test_any_replaced_region_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    whole = forge.honest()
    begin = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(begin, len(whole)))
    changed = whole[:begin] + data.draw(st.binary(max_size=40)) + whole[end:]
    if changed != whole:
        with pytest.raises(FileError):
            read(changed, tmp_path / "x")


@SLOW
@given(data=st.data())
def test_replaced_regions_with_a_right_digest_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    whole = forge.honest()
    begin = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(begin, min(len(whole), begin + 30)))
    inserted = data.draw(
        st.binary(max_size=20) | st.sampled_from([b"9" * 30, b"[" * 200, b"-1", b"1e999", b'\\ud800"'])
    )
    changed = whole[:begin] + inserted + whole[end:]
    length = int.from_bytes(whole[:8], "little") + len(changed) - len(whole)
    try:
        header, arrays = read(forge.sealed(length.to_bytes(8, "little") + changed[8:]), tmp_path / "x")
    except FileError:
        return
    assert isinstance(header, dict)
    assert all(isinstance(array, np.ndarray) for array in arrays.values())


@SLOW
@given(content=st.binary(max_size=200))
def test_any_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileError):
        read(content, tmp_path / "x")


@pytest.mark.parametrize(
    ("begin", "message"),
    [
        (b"", "is empty"),
        (b"species,island\nAdelie,Dream\n", "CSV"),
        (b'{"species": 1}', "JSON"),
        (b"\x80\x04\x95\x10\x00", "pickle"),
        (b"PK\x03\x04\x14\x00", "PyTorch"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\x00" * 100, "an unknown format"),
        (safetensors.numpy.save({"w": np.ones(2)}), "safetensors file, but not one"),
        (safetensors.numpy.save({"w": np.ones(2)}, {"creche": "{}"}), "safetensors file, but not one"),
    ],
)
def test_a_file_of_another_format_is_described(tmp_path: Path, begin: bytes, message: str) -> None:
    with pytest.raises(BrokenArchiveError, match=message) as refusal:
        read(begin, tmp_path / "x")
    assert str(tmp_path / "x") in str(refusal.value)
    assert "Model.save" in str(refusal.value)


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        read_archive(tmp_path / "none", "model")
    with pytest.raises(FileError, match="a folder"):
        read_archive(tmp_path, "model")
    with pytest.raises(FileError, match="no regular file"):
        read_archive("/dev/zero", "model")
    for name in ("", "a\0b", 3):
        with pytest.raises(FileError, match="name of a file"):
            read_archive(name, "model")  # type: ignore[arg-type]


def test_a_checkpoint_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(BrokenArchiveError, match="is a checkpoint, not a model"):
        read(forge.assemble(forge.envelope(kind="checkpoint"), {}, b""), tmp_path / "x")


def test_a_newer_version_names_the_creche_that_reads_it(tmp_path: Path) -> None:
    newer = forge.assemble(forge.envelope(version=2, written_by="3.1.0", header=None, parts={}), {}, b"")
    with pytest.raises(FileError, match=r"install Creche 3\.1\.0 or newer") as refusal:
        read(newer, tmp_path / "x")
    assert not isinstance(refusal.value, BrokenArchiveError)


def test_an_older_version_goes_through_the_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "VERSION", 3)
    monkeypatch.setitem(archive.MIGRATIONS, 1, lambda content: ({**content[0], "steps": ["first"]}, content[1]))
    monkeypatch.setitem(
        archive.MIGRATIONS, 2, lambda content: ({**content[0], "steps": [*content[0]["steps"], "second"]}, content[1])
    )
    header, _ = read(forge.honest(), tmp_path / "x")
    assert header["steps"] == ["first", "second"]


def test_there_is_a_migration_from_each_older_version() -> None:
    assert sorted(archive.MIGRATIONS) == list(range(1, archive.VERSION))


@pytest.mark.parametrize(
    ("header", "arrays", "message"),
    [
        ({"x": float("nan")}, {}, "not JSON compliant"),
        ({"x": {1, 2}}, {}, "set is not JSON"),
        ({"x": "\ud800"}, {}, "half a character"),
        ({"x": 2**70}, {}, "whole number of 22 digits"),
        ({}, {"w": np.array([object()])}, "array 'w' holds object"),
        ({}, {"w": np.array(["word"])}, "array 'w' holds <U4"),
        ({}, {"__metadata__": np.ones(1)}, "name of an array"),
    ],
)
def test_what_could_not_be_read_is_not_written(tmp_path: Path, header: Any, arrays: Any, message: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(FileError, match=message):
        write_archive(path, "model", header, arrays)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x", b"old")]


def test_the_data_is_read_only_once(tmp_path: Path) -> None:
    """Peak memory while reading is the size of the file and a constant, below twice the file."""
    megabytes = 80
    write_archive(tmp_path / "x", "model", {}, {"w": np.zeros(megabytes * 2**17), "v": np.zeros((0, 3))})
    program = f"""
from creche._system.archive import read_archive
peak = lambda: next(int(l.split()[1]) / 1024 for l in open("/proc/self/status") if l.startswith("VmHWM"))
before = peak()
content = read_archive({str(tmp_path / "x")!r}, "model")
print(peak() - before)
"""
    grown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert megabytes * 0.9 < float(grown) < megabytes * 1.2

"""Files of encoded rows give back what was written, are written whole or not at all, and name what is wrong."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creche.engine.native import Rows
from creche.engine.stored_rows import RowLayout
from creche.errors import FileError
from creche.table import row_store
from creche.table.row_store import is_row_store, open_row_store, write_row_store

LAYOUTS = {
    "classes": RowLayout(3),
    "weighted classes": RowLayout(5, weighted=True),
    "targets": RowLayout(2, targets=2),
    "weighted targets": RowLayout(7, targets=1, weighted=True),
}


def draw_rows(layout: RowLayout, count: int, seed: int = 0) -> Rows:
    draw = np.random.default_rng(seed)
    return Rows(
        draw.normal(size=(count, layout.inputs)).astype(np.float32),
        None if layout.targets else draw.integers(0, 5, count, dtype=np.int32),
        draw.normal(size=(count, layout.targets)).astype(np.float32) if layout.targets else None,
        draw.random(count, dtype=np.float32) if layout.weighted else None,
    )


def write_one(path: Path, count: int = 10, layout: RowLayout = LAYOUTS["classes"]) -> Rows:
    rows = draw_rows(layout, count)
    with write_row_store(path, layout) as store:
        store.section("training").append(rows)
    return rows


def assert_equal(one: Rows, other: Rows) -> None:
    for name in Rows.__slots__:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_what_was_written_is_read(tmp_path: Path, layout: RowLayout) -> None:
    rows, held_out = draw_rows(layout, 1000), draw_rows(layout, 300, seed=1)
    with write_row_store(tmp_path / "a.rows", layout) as store:
        training, validation, test = store.section("training", 1000), store.section("validation", 300), None
        for first in range(0, 1000, 100):  # side by side
            training.append(rows.take(slice(first, first + 100)))
            validation.append(held_out.take(slice(first * 3 // 10, first * 3 // 10 + 30)))
        test = store.section("test")
        test.append(held_out)
        test.append(rows)
        store.metadata = b"anything"
    opened = open_row_store(tmp_path / "a.rows")
    assert opened.layout == layout
    assert {name: len(section) for name, section in opened.sections.items()} == {
        "training": 1000, "validation": 300, "test": 1300,
    }  # fmt: skip
    assert_equal(opened["training"].read(0, 1000), rows)
    assert_equal(opened["validation"].take(slice(20, 50)), held_out.take(slice(20, 50)))
    assert_equal(opened["test"].read(300, 1000), rows)
    assert [len(chunk) for chunk in opened["test"].chunks(600)] == [600, 600, 100]
    np.testing.assert_array_equal(opened["training"].map_records()["x"][7], rows.x[7])
    assert opened.metadata == b"anything"
    assert all(section.offset % 4096 == 0 for section in opened.sections.values())
    opened.verify()


def test_records_lie_row_by_row(tmp_path: Path) -> None:
    rows = write_one(tmp_path / "a.rows", 2, RowLayout(2, targets=1, weighted=True))
    assert rows.targets is not None
    assert rows.weights is not None
    expected = b"".join(struct.pack("<4f", *rows.x[r].tolist(), rows.targets[r, 0], rows.weights[r]) for r in range(2))
    assert (tmp_path / "a.rows").read_bytes()[4096 : 4096 + len(expected)] == expected


def test_the_digest_stands_for_rows_and_metadata(tmp_path: Path) -> None:
    def write(name: str, seed: int, metadata: bytes) -> str:
        with write_row_store(tmp_path / name, RowLayout(3)) as store:
            store.section("training").append(draw_rows(RowLayout(3), 5, seed))
            store.metadata = metadata
        return open_row_store(tmp_path / name).digest

    digests = [write("a", 0, b"m"), write("b", 0, b"m"), write("c", 1, b"m"), write("d", 0, b"n")]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_an_empty_section_and_none_at_all(tmp_path: Path) -> None:
    with write_row_store(tmp_path / "a.rows", RowLayout(3)) as store:
        store.section("training", 0)
    rows = open_row_store(tmp_path / "a.rows")["training"]
    assert len(rows.read(0, 0)) == len(list(rows.chunks())) == len(rows.map_records()) == 0
    with write_row_store(tmp_path / "b.rows", RowLayout(3)):
        pass
    assert not open_row_store(tmp_path / "b.rows").sections


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    def fail() -> None:
        with write_row_store(tmp_path / "a.rows", RowLayout(2)) as store:
            store.section("training").append(draw_rows(RowLayout(2), 4))
            raise RuntimeError("in between")

    rows = write_one(tmp_path / "a.rows")
    with pytest.raises(RuntimeError, match="in between"):
        fail()
    assert_equal(open_row_store(tmp_path / "a.rows")["training"].read(0, 10), rows)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_named_with_what_was_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write() -> None:
        with write_row_store(tmp_path / "a.rows", RowLayout(3)) as store:
            training = store.section("training")
            monkeypatch.setattr(os, "pwrite", refuse)
            training.append(draw_rows(RowLayout(3), 4))

    write_one(tmp_path / "a.rows")
    with pytest.raises(FileError, match=r"a\.rows: .*full after 0\.0 GB of at least .* existing file is unchanged"):
        write()
    assert len(list(tmp_path.iterdir())) == 1


def test_too_little_room_is_noticed_before_any_row_is_written(tmp_path: Path) -> None:
    with (
        pytest.raises(FileError, match=r"the disk has .* GB left, and the rows take 1,600,000,000\.0 GB"),
        write_row_store(tmp_path / "a.rows", RowLayout(3)) as store,
    ):
        store.section("training", 10**17)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [4, 6])
def test_another_number_of_rows_than_announced(tmp_path: Path, count: int) -> None:
    with (
        pytest.raises(FileError, match=f"opened for 5 rows, but got {count}|opened for 5 rows, but gets {count}"),
        write_row_store(tmp_path / "a.rows", RowLayout(3)) as store,
    ):
        store.section("training", 5).append(draw_rows(RowLayout(3), count))


def test_only_the_last_section_grows(tmp_path: Path) -> None:
    with write_row_store(tmp_path / "a.rows", RowLayout(3)) as store:
        training = store.section("training")
        store.section("test")
        with pytest.raises(ValueError, match="'training': another section follows"):
            training.append(draw_rows(RowLayout(3), 1))


def test_rows_of_another_layout(tmp_path: Path) -> None:
    with write_row_store(tmp_path / "a.rows", RowLayout(3)) as store:
        section = store.section("training")
        with pytest.raises(ValueError, match=r"x: has the shape \(1, 2\); needs \(1, 3\)"):
            section.append(draw_rows(RowLayout(2), 1))
        with pytest.raises(ValueError, match="classes: is not given"):
            section.append(draw_rows(RowLayout(3, targets=1), 1))


def test_a_stream_is_refused() -> None:
    with pytest.raises(FileError, match="is a stream"), write_row_store("/dev/null", RowLayout(3)):
        pass


def damage(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 32
    path.write_bytes(data)


def test_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.rows"
    write_one(path)
    whole = path.read_bytes()
    damage(path, 4100)
    with pytest.raises(FileError, match="damaged: the rows of its section 'training'"):
        open_row_store(path).verify()
    for at, message in ((100, "its header has changed"), (8, "newer version"), (0, "is not a file of encoded rows")):
        path.write_bytes(whole)
        damage(path, at)
        with pytest.raises(FileError, match=message):
            open_row_store(path)
    for size in (0, 7, 100, 4096, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(FileError, match=r"a\.rows: (is not a file|has .* cut off)"):
            open_row_store(path)
    with pytest.raises(FileError, match="cannot be read: No such file"):
        open_row_store(tmp_path / "b.rows")


@pytest.mark.parametrize(
    "text",
    [b"{}", b"[]", b'{"layout":{"inputs":3,"targets":0,"weighted":false},"sections":[{"name":"a","offset":1,"rows":9,'
     b'"digest":""}],"metadata":{"offset":4096,"digest":""},"size":4096}'],
)  # fmt: skip
def test_a_header_that_describes_nonsense(tmp_path: Path, text: bytes) -> None:
    digest = row_store.hashlib.sha256(text).digest()
    header = row_store.FIXED.pack(row_store.MAGIC, row_store.VERSION, len(text), digest) + text
    (tmp_path / "a.rows").write_bytes(header.ljust(4096, b"\0"))
    with pytest.raises(FileError, match="describes no such file"):
        open_row_store(tmp_path / "a.rows")


def test_a_file_that_changes_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "a.rows"
    write_one(path)
    rows = open_row_store(path)["training"]
    os.utime(path, ns=(0, 0))
    with pytest.raises(FileError, match=r"a\.rows: has changed since it was opened"):
        rows.read(0, 1)


def test_a_file_is_recognized_by_its_first_bytes(tmp_path: Path) -> None:
    write_one(tmp_path / "a.rows")
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    assert [is_row_store(tmp_path / name) for name in ("a.rows", "b.csv", "c")] == [True, False, False]

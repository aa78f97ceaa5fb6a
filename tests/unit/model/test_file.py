"""Model files: whatever becomes of one, it is refused with a reason, or it is a model that works."""

from __future__ import annotations

import io
import json
import resource
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import creche as cr
from creche._system import archive
from creche.cli.output import print_page
from creche.model.file import build_from_file
from creche.pages.run import model_data, model_page
from tests.unit._system.forge import sealed
from tests.unit._system.mutations import in_parts, mutated
from tests.unit.model import kept
from tests.unit.small_runs import PENGUINS_CSV, line, quick, two_classes

KEPT = [(path.read_bytes(), path.with_suffix(".csv")) for path in kept.model_files()]


@pytest.fixture(scope="module")
def small() -> cr.Model:
    x, y = two_classes(columns=2)
    return quick(x, y, hidden=[2]).model


@pytest.fixture(scope="module")
def file(small: cr.Model, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The small model's file."""
    path = tmp_path_factory.mktemp("small") / "model.creche"
    small.save(path)
    return path.read_bytes()


@pytest.fixture
def memory_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """How much there is, is asked of the system once and not for each of thousands of files: that takes far longest."""
    free = archive.available_memory()
    monkeypatch.setattr(archive, "available_memory", lambda: free)


def some_bytes(file: bytes, seed: int) -> list[int]:
    """Return the first 64 bytes and a third of the others, drawn at random: with all of them it takes half a minute."""
    drawn = np.random.default_rng(seed).random(len(file)) < 1 / 3
    drawn[:64] = True
    return np.flatnonzero(drawn).tolist()


def flips(file: bytes, seed: int) -> list[tuple[int, int]]:
    """Return places of bytes, and for each the bits that change there."""
    places = some_bytes(file, seed)
    return list(zip(places, np.random.default_rng(seed).integers(1, 256, len(places)).tolist(), strict=True))


def load(content: bytes, folder: Path) -> cr.Model:
    (folder / "changed.creche").write_bytes(content)
    return cr.load(folder / "changed.creche")


def edited(file: bytes, **changes: Any) -> bytes:
    """The file with parts of its envelope changed, and the digest that fits."""

    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        envelope.update(changes)
        return data

    return in_parts(file, change)


@pytest.mark.usefixtures("memory_is_known")
def test_a_file_cut_at_any_byte_is_refused(file: bytes, tmp_path: Path) -> None:
    for end in some_bytes(file, seed=2):
        with pytest.raises(cr.FileError):
            load(file[:end], tmp_path)


@pytest.mark.usefixtures("memory_is_known")
def test_a_flip_of_any_byte_is_refused(file: bytes, tmp_path: Path) -> None:
    for place, flip in flips(file, seed=0):
        changed = bytearray(file)
        changed[place] ^= flip
        with pytest.raises(cr.FileError):
            load(bytes(changed), tmp_path)


def use(content: bytes, rows: Path, folder: Path) -> None:
    """Loads the file, shows and predicts: nothing but a CrecheError may come of it, or NumPy's word of overflow."""
    refusal = ""
    try:
        model = load(content, folder)
    except cr.FileError as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith(str(folder))
        assert len(refusal) < 1000
        return
    with redirect_stdout(io.StringIO()) as page:
        print_page(model_page(model))
    assert page.getvalue().replace("\n", "").isprintable()
    json.dumps(model_data(model), allow_nan=False)
    with suppress(cr.CrecheError), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        kept.predictions(model, rows)


@pytest.mark.usefixtures("memory_is_known")
def test_a_flip_of_any_byte_with_a_right_digest_is_refused_or_harmless(small: cr.Model, tmp_path: Path) -> None:
    replace(small, origin=None).save(tmp_path / "model.creche")  # so that most of the bytes are of the model itself
    file = (tmp_path / "model.creche").read_bytes()
    rows = tmp_path / "rows.csv"
    rows.write_text("x0,x1\n0.5,-1\n2,3\n")
    for place, flip in flips(file, seed=1):
        changed = bytearray(file)
        changed[place] ^= flip
        use(sealed(bytes(changed)), rows, tmp_path)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=False), which=st.integers(0, len(KEPT) - 1))
def test_mutations_of_kept_files_are_refused_or_harmless(tmp_path: Path, random: Random, which: int) -> None:
    content, rows = KEPT[which]
    use(mutated(random, content, [other for other, _ in KEPT]), rows, tmp_path)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("plan", None),
        ("plan", []),
        ("features", "x"),
        ("labels", 3),
        ("labels", {"names": ["y"], "classes": None, "mean": [0], "scale": [1], "baseline": [0], "kinds": []}),
        ("provenance", []),
    ],
)
def test_parts_that_are_not_what_they_should_be_are_refused(file: bytes, tmp_path: Path, part: str, value: Any) -> None:
    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        envelope["header"][part] = value
        return data

    with pytest.raises(cr.FileError, match="contradicts itself") as refusal:
        load(in_parts(file, change), tmp_path)
    assert isinstance(refusal.value.__cause__, cr.CrecheError)


@pytest.mark.parametrize("part", ["plan", "features", "labels", "provenance"])
def test_a_part_that_is_missing_is_named(file: bytes, tmp_path: Path, part: str) -> None:
    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        del envelope["header"][part]
        return data

    with pytest.raises(cr.FileError, match=f"its header has no '{part}'"):
        load(in_parts(file, change), tmp_path)


@pytest.mark.parametrize("intervals", [3, [], {"accuracy": 1}, {"accuracy": [1]}, {"accuracy": ["a", "b"]}])
def test_intervals_that_are_none_are_refused(file: bytes, tmp_path: Path, intervals: Any) -> None:
    def change(envelope: dict[str, Any], table: dict[str, Any], data: bytes) -> bytes:
        envelope["header"]["provenance"]["evaluation"]["intervals"] = intervals
        return data

    with pytest.raises(cr.FileError, match="holds no intervals"):
        load(in_parts(file, change), tmp_path)


def test_names_are_shown_as_they_are_and_command_no_terminal(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    x, y = line(rows=30)
    rows = (",".join(map(str, row)) for row in np.column_stack([x, y]).tolist())
    table.write_text("\n".join(["[/red],:smile:,\x1b[2J,y", *rows]) + "\n")
    model = cr.train(table, label="y", epochs=1, threads=1).model
    with redirect_stdout(io.StringIO()) as page:
        print_page(model_page(model))
    assert "[/red]" in page.getvalue()
    assert ":smile:" in page.getvalue()
    assert "�[2J" in page.getvalue()
    assert "\x1b[2J" not in page.getvalue()


def test_a_newer_version_is_refused_with_what_to_install(file: bytes, tmp_path: Path) -> None:
    newer = edited(file, version=2, written_by="3.1.0")
    with pytest.raises(cr.FileError, match=r"was written by Creche 3\.1\.0.*install Creche 3\.1\.0 or newer"):
        load(newer, tmp_path)
    assert load(edited(file, written_by="0.0.1"), tmp_path).classes == (0, 1)


def test_what_building_a_model_makes_fail_is_the_files_fault(file: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(file)

    def fail(error: BaseException) -> Any:
        def build(header: dict[str, Any], arrays: dict[str, Any]) -> None:
            raise error

        return build

    with pytest.raises(cr.FileError, match="too large for the available memory"):
        build_from_file(tmp_path / "x", fail(MemoryError()))
    with pytest.raises(cr.FileError, match=r"contradicts itself \(ZeroDivisionError: x\)"):
        build_from_file(tmp_path / "x", fail(ZeroDivisionError("x")))
    with pytest.raises(KeyboardInterrupt):
        build_from_file(tmp_path / "x", fail(KeyboardInterrupt()))


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e200, 1e307])
def test_a_model_of_labels_beyond_all_measure_is_kept(tmp_path: Path, size: float) -> None:
    x, y = line(rows=60)
    label = y / 10_000 * size
    model = quick(x, label, epochs=60, learning_rate=0.02).model
    model.save(tmp_path / "model.creche")
    found = cr.load(tmp_path / "model.creche").predict(x)
    assert found.tobytes() == model.predict(x).tobytes()
    np.testing.assert_allclose(found / size, label / size, atol=0.05)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a full disk: the kernel takes a part of the data, then refuses."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_model_that_finds_no_space_leaves_the_old_one(small: cr.Model, file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.creche"
    small.save(path)
    before = kept.predictions(cr.load(path), _rows(tmp_path))
    with files_no_larger_than(len(file) // 2), pytest.raises(cr.FileError, match=r"cannot be written: .*unchanged"):
        small.save(path)
    assert path.read_bytes() == file
    assert kept.predictions(cr.load(path), _rows(tmp_path)) == before
    with files_no_larger_than(len(file) // 2), pytest.raises(cr.FileError, match="cannot be written"):
        small.save(tmp_path / "new.creche")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.creche", "rows.csv"]


def _rows(folder: Path) -> Path:
    (folder / "rows.csv").write_text("x0,x1\n0.5,-1\n2,3\n")
    return folder / "rows.csv"


def test_training_without_space_for_its_model_ends_with_an_error(file: bytes, tmp_path: Path) -> None:
    """The same by the command line, in a process that may write no more than 1,000 bytes."""
    path = tmp_path / "model.creche"
    path.write_bytes(file)
    program = (
        "import resource, sys; from creche.cli import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        f"sys.exit(main(['train', {str(PENGUINS_CSV)!r}, '--label', 'species', '--epochs', '2', '-o', {str(path)!r}]))"
    )
    # Without -B, modules that are compiled meanwhile would be cut off as well, and kept like that.
    done = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, timeout=600)
    assert done.returncode == 2, done.stderr
    assert "cannot be written: it would exceed the largest permitted file size" in done.stderr
    assert "Traceback" not in done.stderr
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("model.creche", file)]
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN  # as Python has it; else the kernel would end it

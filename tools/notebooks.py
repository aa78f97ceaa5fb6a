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
INSTALLING = {"tags": ["install"]}
# The first cell. It is Python, without a magic of IPython, so that it is read and tested like any other code.
INSTALL = """# Where Creche is missing, as in a hosted notebook: first upload a wheel; `make wheel` writes it to dist/.
from importlib.util import find_spec
from pathlib import Path

if find_spec("creche") is None:
    wheels = sorted(Path().glob("creche-*.whl"))
    if not wheels:
        raise FileNotFoundError(f"{{Path().resolve()}} has no creche-*.whl; upload one, and run this cell again")
    get_ipython().run_line_magic("pip", f"install --quiet '{{wheels[-1].resolve()}}[{extras}]'")"""
# The optional parts of Creche that notebooks use.
EXTRAS = {"scikit-learn-pipelines": "plots,sklearn", "database-to-served-model": "plots,serve"}
# The notebook that has no source: its cells are kept as they are, after the first one.
KEPT = "the-chapter"
BLOCK = re.compile(r"^```([\w ]*)\n(.*?)^```$\n?", re.DOTALL | re.MULTILINE)


def make_notebook(text: str, name: str = "") -> str:
    """Return the notebook of a source."""
    parts = enumerate(_parts(text, name))
    cells = [_cell(f"{number:02d}", kind, source, metadata) for number, (kind, source, metadata) in parts]
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return _dump(notebook)


def renew_install_cell(text: str, name: str) -> str:
    """Return a notebook that has no source with the first cell as it has to be."""
    notebook = json.loads(text)
    heading, *rest = notebook["cells"]
    rest = [cell for cell in rest if cell["metadata"] != INSTALLING]
    notebook["cells"] = [heading, _cell("install", "code", install_code(name), INSTALLING), *rest]
    return _dump(notebook)


def install_code(name: str) -> str:
    """Return the cell that installs Creche where it is missing."""
    return INSTALL.format(extras=EXTRAS.get(name, "plots"))


def _dump(notebook: dict[str, Any]) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _parts(text: str, name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield kind, text and metadata of each cell."""
    heading, _, rest = text.partition("\n")
    yield "markdown", heading, {}
    yield "code", install_code(name), INSTALLING
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


def _cell(number: str, kind: str, source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": metadata}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return {**cell, "source": source.splitlines(keepends=True)}


def main(arguments: list[str]) -> int:
    made_by_name = {
        source.stem: make_notebook(source.read_text(encoding="utf-8"), source.stem)
        for source in sorted(SOURCES.glob("*.md"))
    }
    made_by_name[KEPT] = renew_install_cell((NOTEBOOKS / f"{KEPT}.ipynb").read_text(encoding="utf-8"), KEPT)
    stale = []
    for name, made in made_by_name.items():
        path = NOTEBOOKS / f"{name}.ipynb"
        if not path.exists() or path.read_text(encoding="utf-8") != made:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(made, encoding="utf-8")
    print(f"{'differ' if '--check' in arguments else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

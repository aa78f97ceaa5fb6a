"""The house keeps its floors: imports go one way, public lists are true, and comments name files that exist."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "creche"

# A package imports only from those before it, and from itself; docs/architecture.md describes each.
FLOORS = (
    "_version", "_lazy", "_phrases", "_advice", "_displayed", "_ordered_math", "errors", "_progress", "_system",
    "_core", "plan", "engine", "databases", "table", "evaluation", "scale", "model", "exporting", "training",
    "model_selection", "fitting", "render", "explain", "plots", "pages", "learn", "report", "tracking", "estimators",
    "serving", "studio", "cli",
)  # fmt: skip

# A result draws and shows itself, and a model exports itself: these imports alone may run back up.
DOORS = ("from creche import plots", "from creche import pages", "from creche import exporting")

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULE_NAMES = frozenset(map(name_of, MODULES))


def imports(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, module and statement of each import of the package, those for types and inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where an arrow goes"
            module = node.module or ""
            if module == "creche":
                for alias in node.names:
                    yield node.lineno, f"creche.{alias.name}", ast.unparse(node)
            elif module.startswith("creche."):
                for alias in node.names:
                    full = f"{module}.{alias.name}"
                    yield node.lineno, full if full in MODULE_NAMES else module, ast.unparse(node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "creche":
                    yield node.lineno, alias.name, ast.unparse(node)


def arrows_that_run_back(path: Path, text: str) -> list[str]:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if own not in FLOORS:
        return []  # creche/__init__.py and __main__.py stand above all floors
    found = []
    for line, module, statement in imports(ast.parse(text)):
        target = [*module.split("."), ""][1]
        known = target in FLOORS
        if statement not in DOORS and (not known or FLOORS.index(target) > FLOORS.index(own)):
            found.append(f"{path.relative_to(ROOT)}:{line}: {own} imports {module or 'creche'}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    assert arrows_that_run_back(path, path.read_text()) == []


@pytest.mark.parametrize(
    "statement",
    [
        "from creche.cli.main import main", "import creche.cli", "import creche", "from creche import train",
        "def f():\n    from creche.training.run import Run", "from creche.plots import style",
    ],
)  # fmt: skip
def test_an_arrow_that_runs_back_is_found(statement: str) -> None:
    assert len(arrows_that_run_back(PACKAGE / "table" / "table.py", statement)) == 1


def test_every_package_has_its_floor() -> None:
    top = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert top - set(FLOORS) == {"__init__", "__main__"}
    assert set(FLOORS) <= top


def circles() -> list[list[str]]:
    """Modules that import each other at import time, directly or through others."""
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        tree = ast.parse(path.read_text())
        at_import = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        graph[name_of(path)] = {module for _, module, _ in imports(at_import)}
    seen: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def walk(module: str) -> None:
        seen[module] = len(stack)
        stack.append(module)
        for target in sorted(graph[module] & graph.keys()):
            if target in stack:
                found.append([*stack[stack.index(target) :], target])
            elif target not in seen:
                walk(target)
        stack.pop()

    for module in sorted(graph):
        if module not in seen:
            walk(module)
    return found


def test_no_modules_import_each_other() -> None:
    assert circles() == []


def top_level_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {x.id for target in targets for x in ast.walk(target) if isinstance(x, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def listed_names(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "__all__"
            and isinstance(node.value, ast.List)
        ):
            return [ast.literal_eval(item) for item in node.value.elts]
    return None


@pytest.mark.parametrize("path", [path for path in MODULES if path.name != "__init__.py"], ids=name_of)
def test_public_lists_are_true(path: Path) -> None:
    tree = ast.parse(path.read_text())
    listed = listed_names(tree)
    if listed is None:
        pytest.skip("lists nothing")
    assert set(listed) <= top_level_names(tree)
    assert len(set(listed)) == len(listed)


def test_other_modules_import_only_what_is_listed() -> None:
    listed = {
        name_of(path): listed_names(ast.parse(path.read_text())) for path in MODULES if path.name != "__init__.py"
    }
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and listed.get(node.module or "") is not None:
                missing = {alias.name for alias in node.names} - set(listed[node.module or ""] or [])
                found += [
                    f"{path.relative_to(ROOT)}:{node.lineno}: {node.module} does not list {name}" for name in missing
                ]
    assert found == []


TRACKED = [
    path
    for folder in ("src", "core", "bindings", "tests", "benchmarks", "tools", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".pyi", ".hpp", ".cpp", ".md", ".sh", ".css") and "results" not in path.parts
]
FILE_NAME = re.compile(
    r"`{0,2}\b((?:src|core|bindings|tests|benchmarks|tools|docs|web)/[\w./-]+\.(?:py|pyi|hpp|cpp|md|sh|css|tsx?|json))\b"
)


@pytest.mark.parametrize("path", TRACKED, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(path: Path) -> None:
    named = set(FILE_NAME.findall(path.read_text()))
    assert {name for name in named if "NAME" not in name and not (ROOT / name).exists()} == set()


def test_the_former_name_is_gone() -> None:
    """The project was renamed before its first release: one line of the changelog says so."""
    former = "rook" + "ery"
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    found = []
    for name in filter(None, listing.stdout.decode().split("\0")):
        path = ROOT / name
        if former in name.lower():
            found.append(name)
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().lower().split(b"\n"), 1):
            if former.encode() in line:
                found.append(f"{name}:{number}")
    assert len(found) == 1
    assert found[0].startswith("CHANGELOG.md:")

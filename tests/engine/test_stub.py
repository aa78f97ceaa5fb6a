"""level.pyi declares what the compiled module has: the same classes, methods, attributes, arguments and defaults."""

from __future__ import annotations

import ast
from importlib.resources import files

import pytest
from nanobind.stubgen import StubGen

from creche import _core

Function = tuple[tuple[str, str | None], ...]
Members = dict[str, Function | None]


def arguments(function: ast.FunctionDef) -> Function:
    """Names and defaults, without self."""
    names = [*function.args.posonlyargs, *function.args.args]
    defaults = [None] * (len(names) - len(function.args.defaults)) + [ast.unparse(d) for d in function.args.defaults]
    return tuple((name.arg, default) for name, default in zip(names, defaults, strict=True) if name.arg != "self")


def members(body: list[ast.stmt]) -> Members:
    """Functions with their arguments; attributes and properties with None."""
    found: Members = {}
    for statement in body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = None
            case ast.FunctionDef(name="__init__") if not arguments(statement):
                pass
            case ast.FunctionDef(name=name, decorator_list=decorators):
                found[name] = None if decorators else arguments(statement)
    return found


def declarations(source: str) -> dict[str, Members]:
    """The members of each class, and the functions of the module under an empty name."""
    tree = ast.parse(source)
    found = {"": members(tree.body)}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            inherited = [found[base.id] for base in node.bases if isinstance(base, ast.Name)]
            found[node.name] = {
                name: member for part in [*inherited, members(node.body)] for name, member in part.items()
            }
    return found


@pytest.mark.parametrize("level", _core.levels())
def test_the_stub_declares_what_the_module_has(level: str) -> None:
    generated = StubGen(_core.load(level))
    generated.put(_core.load(level))
    kept = declarations(files("creche._core").joinpath("level.pyi").read_text())
    actual = declarations(generated.get())
    assert kept.keys() == actual.keys()
    for name in kept:
        assert kept[name] == actual[name], name

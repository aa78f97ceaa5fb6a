"""Docstrings of the public interface: each exists, names all parameters with their defaults, and has an example."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any

import pytest

import creche
from creche import datasets, explain, initializers, plots, schedules

PACKAGES: tuple[Any, ...] = (creche, plots, explain, datasets, initializers, schedules)


def public_objects() -> dict[str, Any]:
    """The public functions and classes by name, each once."""
    found: dict[int, tuple[str, Any]] = {}
    for package in PACKAGES:
        for name in package.__all__:
            value = getattr(package, name)
            if isinstance(value, FunctionType | type):
                found.setdefault(id(value), (f"{package.__name__}.{name}", value))
    return dict(found.values())


def own_members(name: str, class_: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, with those of its bases in this package."""
    for base in class_.__mro__:
        if base.__module__.startswith("creche."):
            for member, value in vars(base).items():
                if isinstance(value, classmethod | staticmethod):
                    value = value.__func__
                if not member.startswith("_") and isinstance(value, FunctionType | property | cached_property):
                    yield f"{name}.{member} (of {base.__name__})", value


OBJECTS = public_objects()
CLASSES = {name: value for name, value in OBJECTS.items() if isinstance(value, type)}
FUNCTIONS = {name: value for name, value in OBJECTS.items() if isinstance(value, FunctionType)}
MEMBERS = {name: value for owner, class_ in CLASSES.items() for name, value in own_members(owner, class_)}
CALLABLES = {**FUNCTIONS, **{name: value for name, value in MEMBERS.items() if isinstance(value, FunctionType)}}


def documented(value: Any, *headings: str) -> dict[str, str]:
    """The entries of some sections of a docstring: each name, and the rest of its line."""
    parts = re.split(r"(?m)^(\w[\w ]*)\n-{3,}$", inspect.cleandoc(value.__doc__ or ""))
    found = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        if heading in headings:
            for line in re.sub(r"\\\n", "", text).splitlines():
                if re.match(r"[\w*]", line):
                    names, _, kind = line.partition(" : ")
                    found |= {name.strip(" *"): kind for name in names.split(",")}
    return found


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    signature = inspect.signature(function)
    return {name: parameter for name, parameter in signature.parameters.items() if name not in ("self", "cls")}


def test_the_interface_is_walked() -> None:
    assert {"creche.train", "creche.Model", "creche.plots.plot_map", "creche.explain.trace"} <= set(OBJECTS)
    assert "creche.Model.predict (of Predictor)" in MEMBERS
    assert not any(isinstance(value, ModuleType) for value in OBJECTS.values())


def test_each_has_a_docstring() -> None:
    assert [name for name, value in {**OBJECTS, **MEMBERS}.items() if not value.__doc__] == []


def test_each_parameter_of_a_function_is_documented() -> None:
    missing = {
        name: left
        for name, function in CALLABLES.items()
        if len(parameters(function)) > 1
        and (left := set(parameters(function)) - set(documented(function, "Parameters")))
    }
    assert missing == {}


def test_no_other_parameter_is_documented() -> None:
    unknown = {
        name: left
        for name, function in CALLABLES.items()
        if (left := set(documented(function, "Parameters")) - set(parameters(function)))
    }
    assert unknown == {}


def test_each_argument_of_a_class_is_documented() -> None:
    """Classes without a section of parameters are made by functions, unless they are dataclasses.

    What a class inherits may be documented where it comes from.
    """
    missing = {}
    for name, class_ in CLASSES.items():
        is_made_by_users = documented(class_, "Parameters") or hasattr(class_, "__dataclass_fields__")
        if is_made_by_users and not issubclass(class_, BaseException):
            public = {parameter for parameter in parameters(class_) if not parameter.startswith("_")}
            sections = [documented(each, "Parameters", "Attributes") for each in class_.__mro__[:-1]]
            if left := public - set().union(*sections):
                missing[name] = left
    assert missing == {}


@pytest.mark.parametrize("name", CALLABLES)
def test_a_default_is_documented(name: str) -> None:
    expected = parameters(CALLABLES[name])
    for parameter, kind in documented(CALLABLES[name], "Parameters").items():
        default = expected[parameter].default
        if kind and default is not inspect.Parameter.empty and default is not None:
            assert "default " in kind or "optional" in kind, parameter


@pytest.mark.parametrize("name", [*CALLABLES, *CLASSES])
def test_documented_defaults_are_true(name: str) -> None:
    value = CALLABLES.get(name) or CLASSES[name]
    for parameter, kind in documented(value, "Parameters").items():
        _, is_given, text = kind.rpartition(", default ")
        if is_given:
            default = parameters(value)[parameter].default
            named = eval(text.strip("`"), {"log_range": creche.log_range})
            assert named in (default, getattr(default, "key", None)), parameter  # a component by its key


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_an_example(name: str) -> None:
    assert re.search(r"(?m)^ *Examples\n *-{8}\n(?:.*\n)*? *>>> ", FUNCTIONS[name].__doc__)


@pytest.mark.parametrize("name", [name for name, class_ in CLASSES.items() if documented(class_, "Parameters")])
def test_a_class_that_users_create_has_an_example(name: str) -> None:
    assert re.search(r"(?m)^ *Examples\n *-{8}\n(?:.*\n)*? *>>> ", CLASSES[name].__doc__ or "")

"""Packages whose public names are imported when they are first used, as their stub lists them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from os.path import splitext
from types import MappingProxyType, ModuleType
from typing import Any

__all__ = ["open_package"]


def open_package(package: str, extras: Mapping[str, tuple[str, str]] = MappingProxyType({})) -> list[str]:
    """Makes a package import its public names on first use, and returns them, sorted.

    The stub beside the package's ``__init__.py`` is the one list of these names: each line
    ``from creche.module import Name as Name`` is a public name and the module that holds it. A function may have the
    name of its module (`creche.explain.compare` in ``creche/explain/compare.py``): the package shows the function.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    extras : dict of name to (module, message), optional
        Names that need a module which may be missing: they are left out of the list then, and using one raises the
        message as an ImportError.

    Returns
    -------
    list of str

    """
    module = sys.modules[package]
    assert module.__file__ is not None
    module.__class__ = _LazyPackage
    with open(f"{splitext(module.__file__)[0]}.pyi", encoding="utf-8") as stub:
        homes = _read_stub(stub)
    module.__dict__.update(_homes=homes, _extras=extras)
    missing = {needed for needed, _ in extras.values() if not find_spec(needed)}
    return sorted(name for name in homes if name not in extras or extras[name][0] not in missing)


def _read_stub(lines: Iterable[str]) -> dict[str, str]:
    """From each public name to the module that holds it."""
    homes = {}
    for line in lines:
        if line.startswith("from creche"):
            _, module, _, _, _, name = line.split()
            homes[name] = module
    return homes


class _LazyPackage(ModuleType):
    def __getattr__(self, name: str) -> Any:
        home = self.__dict__["_homes"].get(name)
        if home is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        needed, message = self.__dict__["_extras"].get(name, ("", ""))
        if needed and not find_spec(needed):
            raise ImportError(message, name=needed)
        value = None if home == self.__name__ else getattr(import_module(home), name, None)
        if value is None:  # a module, such as `creche.plots`
            value = import_module(f"{home}.{name}")
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: object) -> None:
        # Importing a submodule sets it on its package: there, a public function of that name must stay in sight.
        home = self.__dict__.get("_homes", {}).get(name)
        if isinstance(value, ModuleType) and home is not None:
            is_public = home == self.__name__ or value.__name__ == f"{home}.{name}"
            if not is_public:
                return
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted(self.__all__)

    def __reduce__(self) -> tuple[Any, ...]:
        # By name: cloudpickle, by which Ray, Dask and joblib send functions that use it, knows only plain modules.
        return import_module, (self.__name__,)

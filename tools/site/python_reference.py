"""The reference of the Python functions: one page for each package, from the public names and their docstrings."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import logging
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import griffe

__all__ = ["PACKAGES", "public_names", "python_pages"]

# The title of the page of a package; a package that is missing here has its own name as title.
PACKAGES = {
    "training": "Training a network",
    "fitting": "Fitting a strong model",
    "model": "Models",
    "evaluation": "Evaluations",
    "model_selection": "Sweeps, cross-validation and ensembles",
    "explain": "Explanations",
    "plots": "Plots",
    "report": "Reports",
    "studio": "The studio",
    "estimators": "Estimators for scikit-learn",
    "table": "Tables",
    "plan": "Plans: networks, losses, optimizers, schedules",
    "scale": "Clusters",
    "errors": "Errors",
}
# Public modules whose names are listed, too.
MODULES = ("datasets", "explain", "initializers", "plots", "schedules")

logging.getLogger("griffe").setLevel(logging.ERROR)  # types are in the signatures


def public_names() -> dict[str, Any]:
    """Return every public function, class and module of Creche, by the name that is typed after ``creche.``."""
    import creche

    found: dict[str, Any] = {}
    for name in creche.__all__:
        value = getattr(creche, name)
        if isinstance(value, ModuleType):
            listed = value.__all__ if name in MODULES else ()
            found |= {f"{name}.{inner}": getattr(value, inner) for inner in listed if callable(getattr(value, inner))}
        elif callable(value):
            found[name] = value
    return found


def python_pages() -> dict[str, str]:
    """Return the pages of the reference of Python, by their paths on the site."""
    groups: dict[str, dict[str, Any]] = {}
    names = public_names()
    for name in sorted(names, key=lambda name: (inspect.isclass(names[name]), name)):
        value = names[name]
        package = "plots" if name.startswith("plots.") else value.__module__.split(".")[1].lstrip("_")
        groups.setdefault(package, {})[name] = value
    ordered = [*(package for package in PACKAGES if package in groups), *sorted(groups.keys() - PACKAGES.keys())]
    links = {name: f"{package}.md#{_anchor(name)}" for package in ordered for name in groups[package]}
    pages = {}
    for package in ordered:
        parts = [f"# {_title(package)}", *(_entry(name, value, links) for name, value in groups[package].items())]
        pages[f"reference/python/{package}.md"] = "\n\n".join(parts) + "\n"
    lines = ["# Python", "Every public name, by what it is for. `import creche as cr` is how the examples begin."]
    for package in ordered:
        names = ", ".join(f"[`{name}`]({links[name]})" for name in groups[package])
        lines.append(f"**[{_title(package)}]({package}.md)**: {names}")
    return {"reference/python/index.md": "\n\n".join(lines) + "\n", **pages}


def _title(package: str) -> str:
    return PACKAGES.get(package, package.replace("_", " ").capitalize())


def _anchor(name: str) -> str:
    return f"creche.{name}"


def _entry(name: str, value: Any, links: dict[str, str]) -> str:
    parts = [f"## `creche.{name}` {{ #{_anchor(name)} }}", _signature(name, value), _docstring(value, links)]
    if inspect.isclass(value) and not issubclass(value, enum.Enum | BaseException):
        parts += _members(name, value, links)
    return "\n\n".join(part for part in parts if part)


def _members(name: str, value: type, links: dict[str, str]) -> Iterator[str]:
    """Yield the public methods and properties of a class that have a docstring of their own package."""
    for key, member in inspect.getmembers(value):
        if key.startswith("_"):
            continue
        is_property = isinstance(member, property)
        function = member.fget if is_property else inspect.unwrap(member) if callable(member) else None
        if function is None or not getattr(function, "__module__", "").startswith("creche") or inspect.isclass(member):
            continue
        doc = inspect.getdoc(member)
        if not doc:
            continue
        short = name.split(".")[-1]
        heading = f"### `{short}.{key}` {{ #{_anchor(name)}.{key} }}"
        signature = "" if is_property else _signature(key, function)
        yield "\n\n".join(part for part in (heading, signature, _docstring(member, links)) if part)


def _signature(name: str, value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    short = name.split(".")[-1]
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name not in ("self", "cls")]
    shown = [_parameter(parameter) for parameter in plain]
    kinds = [parameter.kind for parameter in plain]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        shown.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    text = f"{short}({', '.join(shown)})"
    if len(text) > 88:
        text = f"{short}(\n" + "".join(f"    {part},\n" for part in shown) + ")"
    return f"```py\n{text}\n```"


def _parameter(parameter: inspect.Parameter) -> str:
    default = parameter.default
    prefix = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    if default is parameter.empty:
        return f"{prefix}{parameter.name}"
    shown = "…" if dataclasses.is_dataclass(default) or " at 0x" in repr(default) else repr(default)
    return f"{parameter.name}={shown}"


def _docstring(value: Any, links: dict[str, str]) -> str:
    text = inspect.getdoc(value)
    if not text:
        return ""
    parts = []
    for section in griffe.Docstring(text).parse("numpy", warnings=False):
        match section.kind:
            case griffe.DocstringSectionKind.text:
                parts.append(_prose(section.value, links))
            case griffe.DocstringSectionKind.examples:
                parts += [_example(kind, shown, links) for kind, shown in section.value]
            case griffe.DocstringSectionKind.admonition:
                parts.append(f"**{section.title}**\n\n{_prose(section.value.description, links)}")
            case _:
                title = section.title or section.kind.value.replace("other ", "").capitalize()
                rows = [_row(item, links) for item in section.value]
                parts.append(f"**{title}**\n\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _row(item: Any, links: dict[str, str]) -> str:
    name = getattr(item, "name", "")
    kind = str(item.annotation).strip("'\"") if item.annotation else ""
    default = getattr(item, "value", None)
    kind = f"[{kind}]({links[kind]})" if kind in links else _escape(kind)
    head = ", ".join(part for part in (f"`{name}`" if name else "", kind and f"*{kind}*") if part)
    if default not in (None, ""):
        head += f", default `{default}`"
    described = " ".join(_prose(item.description, links).split())
    return f"- {head}: {described}" if described else f"- {head}"


def _example(kind: Any, shown: str, links: dict[str, str]) -> str:
    if kind is griffe.DocstringSectionKind.text:
        return _prose(shown, links)
    lines = (re.sub(r"\s*# doctest: .*$", "", line) for line in shown.splitlines())
    return "```pycon\n" + "\n".join(lines) + "\n```"


def _prose(text: str, links: dict[str, str]) -> str:
    """Turn the marks of docstrings into those of Markdown, and public names into links."""
    text = re.sub(r"``([^`]+)``", r"`\1`", text)

    def link(found: re.Match[str]) -> str:
        name = found[1].removeprefix("creche.")
        return f"[`{found[1]}`]({links[name]})" if name in links else found[0]

    parts = re.split(r"(`[^`\n]+`)", text)
    return "".join(re.sub(r"`([\w.]+)`", link, part) if part.startswith("`") else _escape(part) for part in parts)


def _escape(text: str) -> str:
    return re.sub(r"([*_<\[\]|])", r"\\\1", text)

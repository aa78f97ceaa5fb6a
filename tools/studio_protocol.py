"""Write the page's types of the studio's protocol, and its reference, from the dataclasses that define it.

python tools/studio_protocol.py            writes web/src/protocol.ts and docs/protocol.md
python tools/studio_protocol.py --check    says whether both are up to date
"""

from __future__ import annotations

import inspect
import sys
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from creche.studio.protocol import (
    evaluation_views,
    inside_views,
    requests,
    result_views,
    search_views,
    settings_views,
    table_views,
    training_views,
    views,
)

ROOT = Path(__file__).resolve().parents[1]
TYPES, REFERENCE = ROOT / "web/src/protocol.ts", ROOT / "docs/protocol.md"

VIEW_MODULES = (
    table_views, settings_views, training_views, evaluation_views, inside_views, search_views, result_views, views,
)  # fmt: skip

HEAD = """// Made by tools/studio_protocol.py from src/creche/studio/protocol: change it there.

/** An array of a frame: its numbers in row-major order, and its shape. */
export interface Tensor<T> {
  readonly shape: readonly number[];
  readonly data: T;
}

export const VERSION = %d;
"""

ARRAYS = {np.float32: "Float32Array", np.int32: "Int32Array", np.uint8: "Uint8Array"}
PLAIN = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}


def write_type(hint: Any) -> str:
    """Return a type of Python's in TypeScript."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint]
    if is_dataclass(hint):
        return typing.cast(type, hint).__name__
    if origin in (types.UnionType, typing.Union):
        return " | ".join(write_type(argument) for argument in arguments)
    if origin is Literal:
        return " | ".join(f'"{word}"' for word in arguments)
    if origin is tuple:
        item = write_type(arguments[0])
        return f"readonly ({item})[]" if "|" in item or item.startswith("readonly") else f"readonly {item}[]"
    if origin is dict:
        return f"Readonly<Record<string, {write_type(arguments[1])}>>"
    if origin is np.ndarray:
        return f"Tensor<{ARRAYS[get_args(arguments[1])[0]]}>"
    raise TypeError(hint)


def field_hints(kind: type) -> dict[str, Any]:
    """Return the types of a message's fields by name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}  # type: ignore[arg-type]


def write_interface(kind: type, *, is_request: bool) -> str:
    """Return a message as an interface of TypeScript."""
    optional = {
        field.name
        for field in fields(kind)  # type: ignore[arg-type]
        if is_request and (field.default is not MISSING or field.default_factory is not MISSING)
    }
    lines = [f"/** {line}" if i == 0 else f" * {line}".rstrip() for i, line in enumerate(doc_lines(kind))]
    lines[-1] += " */" if len(lines) == 1 else ""
    if len(lines) > 1:
        lines.append(" */")
    lines.append(f"export interface {kind.__name__} {{")
    if is_request:
        lines.append(f'  readonly type: "{kind.__name__}";')
    for name, hint in field_hints(kind).items():
        lines.append(f"  readonly {name}{'?' if name in optional else ''}: {write_type(hint)};")
    return "\n".join([*lines, "}"])


def doc_lines(kind: type) -> list[str]:
    """Return the lines of a message's docstring."""
    return (inspect.getdoc(kind) or "").splitlines()


def view_kinds() -> list[type]:
    """Return the classes of views, in the order of their modules."""
    members = [(module.__name__, member) for module in VIEW_MODULES for member in vars(module).values()]
    return [kind for name, kind in members if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == name]


def write_types() -> str:
    """Return the page's module of types."""
    parts = [HEAD % views.VERSION]
    parts += [write_interface(kind, is_request=False) + "\n" for kind in view_kinds()]
    parts += [write_interface(kind, is_request=True) + "\n" for kind in requests.REQUESTS.values()]
    parts.append(
        "/** The view of each name, as it is written in a frame. */\nexport interface Views {\n"
        + "".join(f"  {kind.__name__}: {kind.__name__};\n" for kind in view_kinds())
        + "}\n"
    )
    parts.append(
        "/** The answer to each request. */\nexport interface Replies {\n"
        + "".join(f"  {name}: {kind.reply.__name__};\n" for name, kind in requests.REQUESTS.items())
        + "}\n"
    )
    names = "".join(f"\n  | {name}" for name in requests.REQUESTS)
    parts.append(f"export type Request ={names};\n")
    pushed = "".join(f'\n  | "{kind.__name__}"' for kind in views.PUSHED)
    parts.append(f"/** What a session sends without being asked. */\nexport type Pushed ={pushed};\n")
    return "\n".join(parts)


def write_reference() -> str:
    """Return the reference of the protocol, in Markdown."""
    from creche.studio.protocol import frames

    lines = [
        "# The studio's protocol",
        "",
        "Made by `tools/studio_protocol.py` from `src/creche/studio/protocol`: change it there.",
        "",
        f"Version {views.VERSION}. The page sends requests as JSON texts; a session answers each, in any order, with a "
        "frame whose `reply` is the request's `id`, and pushes frames without a `reply`.",
        "",
        *(inspect.getdoc(frames) or "").splitlines()[2:],
        "",
        "## Requests",
        "",
    ]
    for name, kind in requests.REQUESTS.items():
        lines += [f"### `{name}` → `{kind.reply.__name__}`", "", *doc_lines(kind), "", *field_list(kind), ""]
    lines += ["## Views", "", "Pushed: " + ", ".join(f"`{kind.__name__}`" for kind in views.PUSHED) + ".", ""]
    for kind in view_kinds():
        lines += [f"### `{kind.__name__}`", "", *doc_lines(kind), "", *field_list(kind), ""]
    return "\n".join(lines)


def field_list(kind: type) -> list[str]:
    """Return the fields of a message as a list in Markdown."""
    return [f"- `{name}`: `{write_type(hint)}`" for name, hint in field_hints(kind).items()]


def main() -> int:
    """Write both files, or check them."""
    texts = {TYPES: write_types(), REFERENCE: write_reference()}
    if "--check" not in sys.argv:
        for path, text in texts.items():
            path.write_text(text)
        return 0
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is out of date; run python tools/studio_protocol.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

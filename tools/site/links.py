"""The links of a page of the project, as links of the site."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["find_links", "rewrite_links"]

LINK = re.compile(r"(!?)\[([^\]\n]+)\]\(([^)\s]+)\)")
OUTSIDE = re.compile(r"^(?:[a-z]+:|#)")


def find_links(text: str) -> list[str]:
    """Return the links of a page outside its code.

    Examples
    --------
    >>> find_links("See [tables](tables.md#roles), and `[0](x)`.")
    ['tables.md#roles']

    """
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", lambda code: "" if "\n" in code[0] else "code", text, flags=re.M | re.S)
    return [link for _, _, link in LINK.findall(prose)]


def rewrite_links(text: str, source: Path, on_site: str, targets: Mapping[Path, str]) -> str:
    """Let the links between files of the project lead to pages of the site; a link to any other file becomes its text.

    Parameters
    ----------
    text : str
        A page.
    source : Path
        Its file.
    on_site : str
        Its path on the site.
    targets : mapping of Path to str
        The path on the site of each file that is part of it.

    Raises
    ------
    FileNotFoundError
        If a link leads to a file that is not there.

    """

    def rewrite(found: re.Match[str]) -> str:
        picture, words, link = found.groups()
        if OUTSIDE.match(link):
            return found[0]
        name, _, anchor = link.partition("#")
        target = (source.parent / name).resolve()
        if not target.exists():
            raise FileNotFoundError(f"{source}: links to {link}, which is not there")
        if target not in targets:
            return words if words.startswith("`") else f"`{words}`" if "/" in words else words
        relative = os.path.relpath(targets[target], os.path.dirname(on_site) or ".")
        return f"{picture}[{words}]({relative}{'#' if anchor else ''}{anchor})"

    parts = re.split(r"(^```.*?^```$)", text, flags=re.M | re.S)
    return "".join(part if n % 2 else LINK.sub(rewrite, part) for n, part in enumerate(parts))

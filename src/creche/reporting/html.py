"""HTML out of Python: whatever is not HTML already becomes text, so that a column's name can be nothing but a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

__all__ = ["Html", "facts", "joined", "table", "tag"]


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, *children: Any, **attributes: Any) -> Html:
    """An element: children that are no `Html` are escaped, those that are None left out.

    ``class_`` is the attribute class, and other underscores become hyphens; attributes that are None are left out.

    Examples
    --------
    >>> tag("p", "a < b", tag("b", 7), class_="wide")
    '<p class="wide">a &lt; b<b>7</b></p>'

    """
    inside = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_visible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{inside}>{joined(children)}</{name}>")


def joined(parts: Iterable[Any]) -> Html:
    """Parts behind each other, escaped where they are no `Html`."""
    return Html("".join(p if isinstance(p, Html) else escape(_visible(str(p))) for p in parts if p is not None))


def _visible(text: str) -> str:
    """Without what commands terminals, or turns the direction of letters around."""
    return text if text.isprintable() else "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


def table(
    head: Sequence[Any], rows: Iterable[Sequence[Any]], *, left: Sequence[int] = (0,), caption: str | None = None
) -> Html:
    """A table that scrolls where it is too wide; cells stand to the right, those of columns `left` to the left."""

    def cells(kind: str, values: Sequence[Any]) -> Html:
        return tag("tr", *(tag(kind, v, class_=None if i in left else "number") for i, v in enumerate(values)))

    body = tag("tbody", *(cells("td", row) for row in rows))
    above = None if caption is None else tag("caption", caption)
    return tag("div", tag("table", above, tag("thead", cells("th", head)), body), class_="scrolling", tabindex=0)


def facts(pairs: Iterable[tuple[str, Any]]) -> Html:
    """Names and what is said of them."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs))

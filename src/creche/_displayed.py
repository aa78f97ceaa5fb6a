"""How results show themselves: each is a page, printed as text and shown in a notebook as HTML."""

from __future__ import annotations

__all__ = ["Displayed"]


class Displayed:
    """A result that is shown as a page: ``print(result)`` prints it, and a notebook renders it.

    `creche.pages.display` holds the page of each class. ``repr(result)`` stays one line.
    """

    __slots__ = ()

    def __str__(self) -> str:
        from creche import pages

        return pages.result_text(self)

    def _repr_html_(self) -> str:
        from creche import pages

        return pages.result_html(self)

"""The path of a report, which shows the report in a notebook."""

from __future__ import annotations

from html import escape
from pathlib import Path

__all__ = ["ReportFile"]


class ReportFile(type(Path())):  # type: ignore[misc]  # the kind of path that this system has
    """The path of a report: a `pathlib.Path`, which a notebook shows as the page that the file holds."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """Return the page in a frame, which keeps its style apart from the notebook's; None if the file is gone."""
        try:
            page = self.read_text(encoding="utf-8")
        except OSError:
            return None
        style = "width: 100%; height: 44rem; border: 1px solid #8888; border-radius: 4px"
        return f'<iframe srcdoc="{escape(page)}" sandbox style="{style}" title="report"></iframe>'

"""Which pages the site has, in which order, and where each comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["DOCS", "GENERATED", "NEEDED", "ROOT", "SECTIONS", "Page", "collect_pages", "page_title"]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

# The sections, and the pages of docs/ in each, in their order. Every other page of docs/ is a guide.
SECTIONS: dict[str, tuple[str, ...]] = {
    "Start": ("index.md", "installing.md"),
    "Tutorial": ("tutorial.md", "chapter.md", "datasets.md"),
    "Guides": (
        "command_line.md", "tables.md", "fitting.md", "calibration.md", "sweeps.md", "seeing.md", "studio.md",
        "notebooks.md", "networks.md", "losses.md", "labels.md", "export.md", "modules.md", "torch.md", "databases.md",
        "large_tables.md", "devices.md", "clusters.md", "costs.md", "shards.md",
    ),
    "Explanations": ("reproducibility.md", "lanes.md", "strong_models.md", "stability.md", "architecture.md"),
    "Gallery": ("gallery.md",),
    "Coming from": ("coming_from.md",),
    "Reference": ("model_file.md", "environment.md", "protocol.md"),
    "Benchmarks": (),
    "Glossary": ("glossary.md",),
}  # fmt: skip

# What the code of a page needs that only `make peers` or `make trackers` installs; tests/peers runs it.
NEEDED = {"export.md": "onnxruntime", "torch.md": "torch", "trackers.md": "aim", "serving.md": "uvicorn"}

# The pages that are made from the sources when the site is built, ahead of the others of their section; those about the
# Python functions are made one for each package.
GENERATED = {"Reference": ("reference/command_line.md", "reference/plan_files.md")}


class Page(NamedTuple):
    """A page of the site: its section, its path on the site, and its file."""

    section: str
    path: str
    source: Path


def collect_pages() -> list[Page]:
    """Return the pages that are files of the project, in the order of the site."""
    listed = {name for names in SECTIONS.values() for name in names}
    others = sorted(path.name for path in DOCS.glob("*.md") if path.name not in listed)
    pages = []
    for section, names in SECTIONS.items():
        more = others if section == "Guides" else ()
        pages += [Page(section, name, DOCS / name) for name in (*names, *more) if (DOCS / name).exists()]
        if section == "Benchmarks":
            folder = ROOT / "benchmarks"
            found = [folder / "README.md", folder / "tables" / "README.md", *sorted((folder / "results").glob("*.md"))]
            for path in found:
                on_site = path.relative_to(ROOT).as_posix().replace("README.md", "index.md")
                pages.append(Page(section, on_site, path))
    pages.append(Page("Reference", "changelog.md", ROOT / "CHANGELOG.md"))
    return pages


def page_title(text: str) -> str:
    """Return the first heading of a page.

    Examples
    --------
    >>> page_title("# One network per lane\\n\\nWhy.")
    'One network per lane'

    """
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    assert found, f"a page has no heading: {text[:80]!r}"
    return found[1].replace("`", "")

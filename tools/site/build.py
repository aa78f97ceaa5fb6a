"""Building the site: execute the pages, write them and the references to a folder, and let Zensical make HTML of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import tomli_w
from tools.site.code_blocks import CHECK, PageError
from tools.site.command_reference import command_pages
from tools.site.executed import Executed, execute_page, place_results
from tools.site.links import rewrite_links
from tools.site.notebooks import NOTEBOOKS, execute_notebook
from tools.site.python_reference import python_pages
from tools.site.structure import DOCS, NEEDED, SECTIONS, Page, collect_pages, page_title
from tools.site.studio_pictures import find_asked, place_pictures, take_pictures
from tools.site.terminal import ASKED

__all__ = ["build_site", "wrap_tables", "write_pages"]

ASSETS = Path(__file__).parent / "assets"
NavEntry: TypeAlias = str | dict[str, Any]
Key = TypeVar("Key")
Result = TypeVar("Result")
PICTURES = ("*.webp", "*.png", "*.svg")


def build_site(folder: Path, executes: bool = True) -> Path:
    """Build the site in a folder, and return its first page.

    Parameters
    ----------
    folder : Path
        Its ``pages`` get the Markdown, its ``site`` the HTML; both are made anew.
    executes : bool, default True
        Whether the code of the pages is executed. Without it, a change of words is seen in seconds.

    Raises
    ------
    PageError
        If the code of a page or a notebook fails, does not print what the page shows, or a picture of the studio cannot
        be taken.
    subprocess.CalledProcessError
        If a link is broken.

    """
    pages, site = folder / "pages", folder / "site"
    for old in (pages, site):
        shutil.rmtree(old, ignore_errors=True)
    collected = collect_pages()
    results = write_pages(pages, collected, executes)
    (folder / "zensical.toml").write_text(tomli_w.dumps(_configuration(pages, collected)), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", str(folder / "zensical.toml")]
    subprocess.run(command, check=True, cwd=folder, env={**os.environ, "NO_COLOR": "1"})
    for path in site.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        path.write_text(place_results(wrap_tables(html), results), encoding="utf-8")
    return site / "index.html"


def wrap_tables(html: str) -> str:
    """Put each table in an element that keys scroll, too; a script of the theme makes one for the pointer alone.

    Examples
    --------
    >>> wrap_tables("<p>Words.</p><table><tr><td>1</td></tr></table>")
    '<p>Words.</p><div class="creche-table" tabindex="0"><table><tr><td>1</td></tr></table></div>'

    """
    return re.sub(r"<table>.*?</table>", r'<div class="creche-table" tabindex="0">\g<0></div>', html, flags=re.DOTALL)


def write_pages(folder: Path, collected: list[Page], executes: bool) -> dict[str, str]:
    """Write the Markdown of every page, and its pictures, to a folder; return the HTML for its placeholders."""
    targets = {page.source: page.path for page in collected}
    for pattern in PICTURES:
        for picture in (DOCS / "images").glob(pattern):
            targets[picture] = f"images/{picture.name}"
            _write_bytes(folder / "images" / picture.name, picture.read_bytes())
    for notebook in NOTEBOOKS:
        targets[notebook] = f"notebooks/{notebook.name}"
        _write_bytes(folder / "notebooks" / notebook.name, notebook.read_bytes())
    for asset in ASSETS.iterdir():
        _write_bytes(folder / "assets" / asset.name, asset.read_bytes())
    _write_bytes(folder / "assets" / "plots.css", _colors_of_plots().encode())
    texts = {page.path: page.source.read_text(encoding="utf-8") for page in collected}
    results: dict[str, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    if executes:
        sizes = take_pictures([name for text in texts.values() for name in find_asked(text)], folder / "images")
        own = [page.path for page in collected if page.source.parent == DOCS]
        for name, executed in _execute_all({name: texts[name] for name in own}):
            texts[name] = executed.text
            results |= executed.results
        for path, executed_notebook in _execute_notebooks():
            _write_bytes(folder / targets[path], executed_notebook.encode())
    for page in collected:
        text = CHECK.sub("", texts[page.path].replace(ASKED, ""))
        text = place_pictures(text, _to_images(page.path), sizes)
        text = rewrite_links(text, page.source, page.path, targets)
        _write_bytes(folder / page.path, text.encode())
    for name, text in {**python_pages(), **command_pages()}.items():
        _write_bytes(folder / name, text.encode())
    return results


def _execute_all(texts: dict[str, str]) -> Iterable[tuple[str, Executed]]:
    """Execute the pages, the longest first, so that no core waits for it in the end."""
    os.environ |= {"COLUMNS": "80", "CRECHE_NUM_THREADS": "1"}
    order = sorted(texts, key=lambda name: -texts[name].count("```"))
    return _in_processes(execute_page, {name: (name, texts[name]) for name in order if _can_run(name)})


def _execute_notebooks() -> Iterable[tuple[Path, str]]:
    if missing := [name for name in ("nbclient", "nbformat", "ipykernel") if find_spec(name) is None]:
        warnings.warn(f"no notebook is executed: pip install {' '.join(missing)}", stacklevel=2)
        return ()
    return _in_processes(execute_notebook, {path: (path,) for path in NOTEBOOKS})


def _in_processes(
    function: Callable[..., Result], arguments: Mapping[Key, tuple[Any, ...]]
) -> Iterable[tuple[Key, Result]]:
    """Call a function in processes, one to a core; report all calls that fail."""
    failures = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        jobs = {pool.submit(function, *own): key for key, own in arguments.items()}
        for job in as_completed(jobs):
            try:
                yield jobs[job], job.result()
            except PageError as error:
                failures.append(str(error))
    if failures:
        raise PageError("\n\n".join(failures))


def _to_images(on_site: str) -> str:
    return os.path.relpath("images", os.path.dirname(on_site) or ".")


def _can_run(name: str) -> bool:
    if name in NEEDED and find_spec(NEEDED[name]) is None:
        warnings.warn(f"{name}: not executed, since it needs {NEEDED[name]}: make peers or trackers", stacklevel=2)
        return False
    return True


def _configuration(pages: Path, collected: list[Page]) -> dict[str, object]:
    """Return the configuration of Zensical: which pages there are, and how they look."""
    nav: dict[str, list[NavEntry]] = {section: [] for section in SECTIONS}
    for page in collected:
        nav[page.section].append(_entry(pages, page.path))
    generated = sorted(path.relative_to(pages).as_posix() for path in (pages / "reference").rglob("*.md"))
    functions = [name for name in generated if "/python/" in name]
    first = "reference/python/index.md"
    python: NavEntry = {"Python": [first, *(_entry(pages, name) for name in functions if name != first)]}
    nav["Reference"] = [
        python,
        *(_entry(pages, name) for name in generated if name not in functions),
        *nav["Reference"],
    ]
    return {
        "project": {
            "site_name": "Creche",
            "site_description": "Deep neural networks on tables, and a view of how they learn",
            "docs_dir": "pages",
            "site_dir": "site",
            "use_directory_urls": False,  # pages can be read from a disk
            "copyright": "Apache-2.0",
            "extra_css": ["assets/site.css", "assets/plots.css"],
            "nav": [_section(section, entries) for section, entries in nav.items() if entries],
            "theme": {
                "font": False,  # no request leaves the site
                "language": "en",
                "features": [
                    "content.code.copy", "navigation.indexes", "navigation.sections", "navigation.tabs",
                    "navigation.top", "navigation.footer", "search.highlight", "toc.follow",
                ],
                "palette": [
                    {"media": "(prefers-color-scheme: light)", "scheme": "default",
                     "toggle": {"icon": "lucide/sun", "name": "Dark"}},
                    {"media": "(prefers-color-scheme: dark)", "scheme": "slate",
                     "toggle": {"icon": "lucide/moon", "name": "Light"}},
                ],
            },
            "markdown_extensions": {
                "abbr": {}, "admonition": {}, "attr_list": {}, "md_in_html": {}, "tables": {},
                "toc": {"permalink": True},
                "pymdownx": {
                    "details": {}, "highlight": {}, "superfences": {},
                    "tabbed": {"alternate_style": True}, "arithmatex": {"generic": True},
                },
            },
            "extra": {"generator": False},
        }
    }  # fmt: skip


def _colors_of_plots() -> str:
    from creche.plots.inline_svg import theme_variables

    ground = "--plot-ground: var(--md-default-bg-color);"
    dark = f'[data-md-color-scheme="slate"] .creche-figure {{ {theme_variables(dark=True)} }}'
    return f".creche-figure {{ {ground} {theme_variables(dark=False)} }}\n{dark}\n"


def _entry(pages: Path, name: str) -> NavEntry:
    return {page_title((pages / name).read_text(encoding="utf-8")): name}


def _section(title: str, entries: list[NavEntry]) -> dict[str, object]:
    """Return a section of the navigation; one with a single page is that page."""
    first = entries[0]
    alone = len(entries) == 1 and isinstance(first, dict)
    return {title: next(iter(first.values())) if alone and isinstance(first, dict) else entries}


def _write_bytes(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)

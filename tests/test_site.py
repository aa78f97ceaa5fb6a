"""The documentation site: every page has its place, every link its target, and the references name what there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tools.site.browser_check import check_pages, serve
from tools.site.code_blocks import PageError, find_blocks, find_commands, run_command, run_python
from tools.site.executed import execute_page, place_results
from tools.site.links import find_links, rewrite_links
from tools.site.prose_numbers import CHECKED_PAGES, unchecked_numbers
from tools.site.structure import DOCS, ROOT, SECTIONS, collect_pages, page_title
from tools.site.studio_pictures import SCENES, find_asked, place_pictures, take_pictures
from tools.site.terminal import ASKED, colored_output, folded_html
from typer.main import get_command

import creche as cr
from creche.cli.main import create_app
from creche.plan.arguments import ARGUMENTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = collect_pages()


def test_every_page_of_the_documentation_is_on_the_site_once() -> None:
    on_site = [page.source for page in PAGES if page.source.parent == DOCS]
    assert sorted(on_site) == sorted(DOCS.glob("*.md"))
    assert len({page.path for page in PAGES}) == len(PAGES)


def test_every_page_that_a_section_lists_is_there() -> None:
    assert [name for names in SECTIONS.values() for name in names if not (DOCS / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_every_link_has_its_target(page) -> None:  # type: ignore[no-untyped-def]
    text = page.source.read_text(encoding="utf-8")
    rewrite_links(text, page.source, page.path, {one.source: one.path for one in PAGES})
    for link in find_links(text):
        name, _, anchor = link.partition("#")
        target = (page.source.parent / name) if name else page.source
        if ":" in name or not anchor or target.suffix != ".md":
            continue
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {anchor_of(heading) for heading in headings}, f"{page.path}: {link}"


def anchor_of(heading: str) -> str:
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-")


def test_links_lead_to_pages_of_the_site_or_become_text(tmp_path: Path) -> None:
    for name in ("texts/a.md", "figures/b.md", "code/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# Title\n")
    source, target = tmp_path / "texts/a.md", tmp_path / "figures/b.md"
    text = "[b](../figures/b.md#x) [code/c.py](../code/c.py) [`f`](../code/c.py)\n```\n[b](no.md)\n```\n"
    found = rewrite_links(text, source, "deep/a.md", {source: "deep/a.md", target: "results/b.md"})
    assert found == "[b](../results/b.md#x) `code/c.py` `f`\n```\n[b](no.md)\n```\n"
    with pytest.raises(FileNotFoundError, match=r"links to gone\.md"):
        rewrite_links("[gone](gone.md)", source, "a.md", {})


def test_blocks_know_what_they_show() -> None:
    text = "# T\n```python\nprint(1)\n```\n\n```\n1\n```\n\nWords.\n\n```\n$ creche glossary\nabc\n```\n"
    python, shown, _ = find_blocks(text)
    assert (python.language, python.shown, python.line) == ("python", "1\n", 3)
    assert python.end == shown.end
    assert [(command.text, command.output) for command in find_commands(text)] == [("creche glossary", ["abc"])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```python\nprint(1)\n```\n\n```\n2\n```\n", r"page.md:2: shows\n2\n\nbut prints\n1"),
        ("```python\nx = 1\nx.y\n```\n", "page.md:2: AttributeError: 'int' object has no attribute 'y'"),
        (
            "```python\nx = 1\n```\n\nOf 2 rows.\n\n<!-- check: x == 2 -->\n",
            r"page.md:7: the page .*: x == 2\nx is 1\n2 is 2",
        ),
        ("<!-- check: x == 2 -->\n\n```python\nx = 2\n```\n", "page.md:1: NameError: name 'x' is not defined"),
    ],
)
def test_code_that_fails_is_an_error_with_its_place(text: str, message: str) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(PageError, match=message):
        list(run_python("page.md", find_blocks(text)))


def test_checks_that_are_true_show_nothing() -> None:
    pytest.importorskip("matplotlib")
    blocks = find_blocks(
        "```python\nx = 1\n```\n\n<!-- check: x == 1 -->\n\n```python\nx = 2\n```\n\n<!-- check: x > 1 -->\n"
    )
    assert [block.language for block in blocks] == ["python", "check", "python", "check"]
    assert [block.line for block, _ in run_python("page.md", blocks)] == [2, 8]


@pytest.mark.parametrize("page", CHECKED_PAGES)
def test_the_first_pages_have_no_number_that_nothing_supports(page: str) -> None:
    assert unchecked_numbers((DOCS / page).read_text(encoding="utf-8")) == []


def test_numbers_of_prose_need_support() -> None:
    text = "# T 4\n\n1. Of 1,000 rows, 7.5 % or `9` in [2](x3.md).\n\n```python\n1000 * 4\n```\n"
    assert unchecked_numbers(text) == [("7.5", 3), ("2", 3)]
    assert unchecked_numbers(f"{text}\n<!-- check: 7.5 > 2 -->\n") == []
    with pytest.raises(
        PageError, match=r"tutorial.md: neither code nor a check has 7.5 \(line 3\), 2 \(line 3\); add <!-- "
    ):
        execute_page("tutorial.md", text)


@pytest.mark.parametrize(
    ("shown", "message"),
    [
        ("creche glossary nothing", "exit code 2\ncreche: "),
        ("$ creche glossary softmax\nnot this", "does not print\nnot this\nbut\n"),
    ],
)
def test_commands_that_fail_are_errors_with_their_place(shown: str, message: str) -> None:
    (command,) = find_commands(f"# T\n\n```\n{shown}\n```\n")
    with pytest.raises(PageError, match=message) as failed:
        run_command("page.md", command)
    assert str(failed.value).startswith("page.md:4: creche glossary")


@pytest.mark.usefixtures("without_pictures")
def test_a_page_shows_what_its_code_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    text = (
        "# Page\n```python\nimport creche as cr\n2 + 3\n```\n\n"
        '```python\ncr.inspect_columns("penguins-four", label="species")\n```\n\n'
        "```python\nfrom matplotlib import pyplot as plt\nplt.figure()\nplt.plot([1, 2])\nplt.title('A line')\n```\n\n"
        "```\ncreche glossary softmax\n```\n"
    )
    executed = execute_page("page.md", text)
    assert "``` { .text .creche-output }\n5\n```" in executed.text
    html = place_results(executed.text, executed.results)
    assert 'class="creche-page"' in html
    assert 'aria-label="A line"' in html
    assert "<summary>What it prints</summary>" in html
    assert "exp(z_1)" in html
    assert "data-result" not in html
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_pictures")
def test_a_terminal_is_shown_in_its_colours_where_a_page_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    block = "```\ncreche columns penguins-four --label species\n```\n\n"
    executed = execute_page("page.md", f"# Page\n\n{block}{ASKED}\n\nWords.\n\n{block}")
    shown, folded = executed.results.values()
    assert shown.startswith('<figure class="creche-terminal"><pre tabindex="0"')
    assert '<span class="t-bold">creche columns penguins-four --label species</span>' in shown
    assert '<span class="t-dim">label' in shown
    assert "\x1b" not in shown
    assert folded.startswith('<details class="creche-printed">')


def test_the_colours_of_a_terminal_have_names() -> None:
    with colored_output():
        (command,) = find_commands("```\ncreche train penguins-four --label species --epochs 5\n```\n")
        printed = run_command("page.md", command)
    html = folded_html([(command.text, printed)])
    assert {"t-dim", "t-bold", "t-blue", "t-bold t-green"} <= set(re.findall(r'<span class="([^"]+)">', html))


def test_a_page_has_the_pictures_that_it_asks_for() -> None:
    text = "# Page\n\n<!-- picture: studio-network -->\n\n<!-- picture: studio-table -->\n"
    assert find_asked(text) == ["studio-network", "studio-table"]
    shown = place_pictures(text, "../images", {"studio-network": (1280, 860)})
    for name in ("wide-light", "wide-dark", "narrow-light", "narrow-dark"):
        assert f'"../images/studio-network-{name}.webp"' in shown
    assert shown.count('width="1280" height="860"') == 2
    assert "studio-table" not in shown


def test_the_pages_ask_for_every_picture_of_the_studio() -> None:
    asked = {name for page in PAGES for name in find_asked(page.source.read_text(encoding="utf-8"))}
    assert asked == set(SCENES)


def test_no_picture_is_taken_of_nothing_or_by_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PageError, match="there is no picture 'studio-nothing'; choose one of studio-network, "):
        take_pictures(["studio-nothing"], tmp_path)
    monkeypatch.setattr("tests.conftest.CHROMIUM", str(tmp_path / "chromium"))
    with pytest.warns(UserWarning, match="no picture is taken, .*there is no Chromium at .*; set CRECHE_CHROMIUM"):
        assert take_pictures(["studio-network"], tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


GOOD = "<!doctype html><html lang='en'><title>Page</title><p>Words.</p>"
FAULTS = {
    "light, wide: console: so wrong": "<script>console.error('so wrong')</script>",
    "light, wide: exception: nothing is not defined": "<script>nothing()</script>",
    "light, wide: asks for http://elsewhere.test/x.js": "<script src='http://elsewhere.test/x.js'></script>",
    "light, wide: 404 for http://127.0.0.1": "<script src='gone.js'></script>",
    "dark, wide: broken picture data:image": "<img alt='A bird' src='data:image/png;base64,AA' width='9' height='9'>",
    "dark, narrow: 218 pixels wider than the window": "<div style='width: 600px'>.</div>",
    "light, narrow: axe: button-name: 1 times: ['button']": "<button></button>",
    "dark, wide: axe: color-contrast: 1 times: ['p']": (
        "<style>@media (prefers-color-scheme: dark) { p { color: #ddd; } }</style>"
    ),
}


def test_chromium_finds_what_is_wrong_with_a_page(browser: Browser, tmp_path: Path) -> None:
    site, pictures = tmp_path / "site", tmp_path / "pictures"
    for name, html in {"favicon.ico": "", "good.html": GOOD, "bad.html": GOOD + "".join(FAULTS.values())}.items():
        site.mkdir(exist_ok=True)
        (site / name).write_text(html)
    with serve(site) as address:
        assert check_pages(browser, address, ["good.html"], pictures) == []
        found = check_pages(browser, address, ["bad.html"])
    for fault in FAULTS:
        assert any(line.startswith(f"bad.html: {fault}") for line in found), (fault, found)
    assert not any("light, wide: axe: color-contrast" in line or "wide: 218 pixels" in line for line in found)
    looks = ("light-wide", "light-narrow", "dark-wide", "dark-narrow")
    assert {path.name for path in pictures.iterdir()} == {f"good-{look}.png" for look in looks}


def test_the_reference_has_every_public_name_and_argument() -> None:
    pytest.importorskip("griffe")
    from tools.site.python_reference import public_names, python_pages

    pages = python_pages()
    anchors = re.findall(r"^## `creche\.([\w.]+)` \{ #creche\.\1 \}$", "".join(pages.values()), re.MULTILINE)
    assert sorted(anchors) == sorted(public_names())
    assert {"train", "Model", "plots.loss_curves", "explain.trace", "schedules.Cosine"} <= set(anchors)
    training = pages["reference/python/training.md"]
    entry = training.partition("## `creche.train`")[2].partition("\n## ")[0]
    assert "    label=None," in entry
    assert "*[Run](training.md#creche.Run)*" in entry
    described = " ".join(line for line in entry.splitlines() if line.startswith("- `"))
    assert all(name in described for name in inspect.signature(cr.train).parameters)


def test_the_reference_has_every_command_and_option() -> None:
    from tools.site.command_reference import command_pages

    pages = command_pages()
    text = pages["reference/command_line.md"]
    app = get_command(create_app([]))
    for name, command in app.commands.items():  # type: ignore[attr-defined]
        entry = text.partition(f"## `creche {name}` ")[2].partition("\n## ")[0]
        for param in command.params:
            flags = [] if param.param_type_name == "argument" else [*param.opts, *param.secondary_opts]
            assert all(f"`{flag}`" in entry for flag in flags), (name, flags)
    plan = pages["reference/plan_files.md"]
    of_plan = [a.name for a in ARGUMENTS.values() if a.group == "plan" and a.command is not None]
    assert all(f"| `{name}` |" in plan for name in of_plan)
    assert f"`learning_rate = {cr.Adam().learning_rate}`" in plan


def test_the_gallery_has_every_picture() -> None:
    drawn = re.findall(r"cr\.plots\.(\w+)\(", (DOCS / "gallery.md").read_text(encoding="utf-8"))
    assert set(cr.plots.__all__) - set(drawn) == {"save_all"}


def test_every_environment_variable_has_its_line() -> None:
    named = set(
        re.findall(r"^\| `(CRECHE_\w+)` \|", (DOCS / "environment.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    source = ROOT / "src" / "creche"
    read = {word for path in source.rglob("*.py") for word in re.findall(r"\"(CRECHE_[A-Z_]+)\"", path.read_text())}
    assert named == read


def test_a_title_is_the_first_heading() -> None:
    assert page_title("words\n\n# The `fit` page\n\n## More\n") == "The fit page"
    assert all(page_title(page.source.read_text(encoding="utf-8")) for page in PAGES)
    assert (ROOT / "docs").is_dir()

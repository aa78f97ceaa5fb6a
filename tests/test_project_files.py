"""The files for those who join: their commands and files exist, and a release check finds what does not fit."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from tools.release_check import (
    check_addresses,
    check_changelog,
    check_kept_models,
    check_site,
    check_versions,
    check_wheels,
)  # fmt: skip
from tools.wheels.platforms import INTERFACES, PLATFORMS

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"
TEXTS = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *WORKFLOWS.glob("*.yml"), *ROOT.glob(".github/*.md")]

pytestmark = pytest.mark.skipif(not WORKFLOWS.is_dir(), reason="not a checkout of the project")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_the_commands_of_make_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:^|`|run: )make ([a-z-]+)", text, re.MULTILINE)
    assert set(named) <= targets
    for link in re.findall(r"\]\(([^):#]+)[)#]", text):
        assert (path.parent / link).exists(), link


def test_a_workflow_calls_only_make() -> None:
    steps = [line for path in WORKFLOWS.glob("*.yml") for line in re.findall(r"run: (.+)", path.read_text())]
    assert len(steps) >= 4
    assert all(re.fullmatch(r"make [a-z-]+", step) for step in steps)


def test_the_versions_of_the_project_are_equal() -> None:
    assert check_versions(ROOT) == ""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that is ready for its release 1.2.3."""
    for name, text in {
        "src/creche/_version.py": '__version__ = "1.2.3"\n',
        "pyproject.toml": '[project]\nversion = "1.2.3"\nurls = {Source = "a", Documentation = "b", Issues = "c"}\n',
        "CITATION.cff": "cff-version: 1.2.0\nversion: 1.2.3\n",
        "CHANGELOG.md": "# Changelog\n\n## 1.2.3 (2026-12-01)\n\n## 1.2.2 (2026-11-01)\n",
        "tests/data/kept/1.2.3/model.creche": "a model",
        "docs/index.md": "# Page\n",
        "build/docs/site/index.html": "<html>",
        "build/docs/site/images/studio-network-wide-light.webp": "a picture",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "creche-1.2.3.tar.gz").touch()
    for platform in PLATFORMS.values():
        for interface in INTERFACES:
            write_wheel(tmp_path, f"{interface.tag}-{platform.tag}", *platform.levels)
    return tmp_path


def write_wheel(root: Path, tags: str, *modules: str) -> None:
    names = ["creche/py.typed", "creche/data/penguins.csv", "creche/studio/page/index.html"]
    names += [f"creche/_core/_{module}.so" for module in modules]
    with zipfile.ZipFile(root / "dist" / f"creche-1.2.3-{tags}.whl", "w") as wheel:
        for name in names:
            wheel.writestr(name, "")


CHECKS = (check_versions, check_changelog, check_kept_models, check_wheels, check_site, check_addresses)


def test_a_project_that_is_ready_passes(project: Path) -> None:
    assert [check(project) for check in CHECKS] == [""] * len(CHECKS)


def test_what_does_not_fit_is_named(project: Path) -> None:
    (project / "CITATION.cff").write_text("version: 1.2.2\n")
    assert check_versions(project) == "CITATION.cff has 1.2.2, the package 1.2.3"
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.3 (unreleased)\n")
    assert check_changelog(project) == "the newest entry is '1.2.3 (unreleased)'; write '## 1.2.3 (YYYY-MM-DD)'"
    (project / "tests/data/kept/1.2.3/model.creche").unlink()
    assert "tools/keep_model.py" in check_kept_models(project)
    write_wheel(project, "cp311-cp311-manylinux_2_17_x86_64", "x86_64_v3", "testing_x86_64_v3")
    write_wheel(project, "cp311-cp311-linux_x86_64", "x86_64_v3", "x86_64_v4")
    (project / "dist" / "creche-1.2.3-cp312-abi3-manylinux_2_17_aarch64.whl").unlink()
    (project / "dist" / "creche-1.2.3.tar.gz").unlink()
    assert check_wheels(project).split("; ") == [
        "creche-1.2.3-cp311-cp311-manylinux_2_17_x86_64.whl lacks x86_64_v4",
        "creche-1.2.3-cp311-cp311-manylinux_2_17_x86_64.whl has creche/_core/_testing_x86_64_v3.so",
        "dist/ lacks creche-1.2.3-cp312-abi3-manylinux_2_17_aarch64.whl", "run make wheels",
        "dist/ has creche-1.2.3-cp311-cp311-linux_x86_64.whl, which is not to be published", "remove it",
        "dist/ lacks creche-1.2.3.tar.gz", "run make wheels",
    ]  # fmt: skip
    (project / "build/docs/site/images/studio-network-wide-light.webp").unlink()
    assert check_site(project) == "the site was built without Chromium, and has no pictures of the studio"
    (project / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\nurls = {Source = "a"}\n')
    assert check_addresses(project) == "[project.urls] of pyproject.toml lacks Documentation, Issues"
    (project / "build/docs/site/index.html").unlink()
    assert check_site(project) == "the site is not built; run make docs"

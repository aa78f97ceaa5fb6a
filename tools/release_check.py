"""Check what a release needs: python tools/release_check.py, which is `make release-check` after wheel and site.

Version, changelog, citation, kept model files, wheel and site must belong together. Each line is a check; the exit code
is 1 if one fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What a wheel must have besides the modules of the package.
NEEDED = ("creche/py.typed", "creche/data/penguins.csv", "creche/studio/page/index.html")
LEVELS = {"x86_64": ("_x86_64_v3", "_x86_64_v4"), "aarch64": ("_neon",)}


def read_version(root: Path) -> str:
    found = re.search(r'^__version__ = "(.+)"$', (root / "src/creche/_version.py").read_text(), re.MULTILINE)
    assert found, "src/creche/_version.py has no version"
    return found[1]


def check_versions(root: Path) -> str:
    """Compare the version of the package with those of pyproject.toml and CITATION.cff."""
    version = read_version(root)
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    cited = re.search(r"^version: (.+)$", (root / "CITATION.cff").read_text(), re.MULTILINE)
    others = {"pyproject.toml": project, "CITATION.cff": cited[1] if cited else "none"}
    return "; ".join(f"{name} has {other}, the package {version}" for name, other in others.items() if other != version)


def check_changelog(root: Path) -> str:
    """The newest entry of the changelog must be that of the version, with its date."""
    heading = re.search(r"^## (.+)$", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    version = read_version(root)
    if heading and re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", heading[1]):
        return ""
    return f"the newest entry is {heading[1] if heading else 'missing'!r}; write '## {version} (YYYY-MM-DD)'"


def check_kept_models(root: Path) -> str:
    """Model files of the version must be kept, for later versions to read."""
    folder = root / "tests/data/kept" / read_version(root)
    has_files = folder.is_dir() and any(folder.iterdir())
    return "" if has_files else f"{folder.relative_to(root)} is empty; run tools/keep_model.py"


def check_wheel(root: Path) -> str:
    """The wheel of the version must hold every instruction-set level, the data and the studio's page, and no tests."""
    wheels = sorted((root / "dist").glob(f"creche-{read_version(root)}-*.whl"))
    if not wheels:
        return "there is no wheel in dist/; run make wheel"
    problems = []
    for wheel in wheels:
        names = zipfile.ZipFile(wheel).namelist()
        levels = next((levels for machine, levels in LEVELS.items() if machine in wheel.name), ())
        missing = [name for name in NEEDED if name not in names]
        missing += [level for level in levels if not any(f"/_core/{level}." in name for name in names)]
        strangers = [name for name in names if "_testing_" in name or name.startswith("tests/")]
        problems += [f"{wheel.name} lacks {name}" for name in missing]
        problems += [f"{wheel.name} has {name}" for name in strangers]
    return "; ".join(problems)


def check_site(root: Path) -> str:
    """The documentation must have been built from the pages as they are."""
    first = root / "build/docs/site/index.html"
    if not first.exists():
        return "the site is not built; run make docs"
    newer = [path.name for path in sorted((root / "docs").glob("*.md")) if path.stat().st_mtime > first.stat().st_mtime]
    if newer:
        return f"{', '.join(newer)} changed after the site was built; run make docs"
    has_pictures = any((first.parent / "images").glob("studio-*.webp"))
    return "" if has_pictures else "the site was built without Chromium, and has no pictures of the studio"


def check_addresses(root: Path) -> str:
    """Those who find the package on an index must find the project; until it is published, it has no address."""
    urls = tomllib.loads((root / "pyproject.toml").read_text())["project"].get("urls", {})
    missing = [name for name in ("Source", "Documentation", "Issues") if name not in urls]
    return f"[project.urls] of pyproject.toml lacks {', '.join(missing)}" if missing else ""


def check_repository(root: Path) -> str:
    """Everything must be committed, and the tag of the version must be free."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()

    tag = f"v{read_version(root)}"
    changed = git("status", "--porcelain")
    return (
        "there are changes that are not committed" if changed else f"{tag} exists" if git("tag", "--list", tag) else ""
    )


CHECKS: dict[str, Callable[[Path], str]] = {
    "versions": check_versions,
    "changelog": check_changelog,
    "kept model files": check_kept_models,
    "wheel": check_wheel,
    "site": check_site,
    "addresses": check_addresses,
    "repository": check_repository,
}


def main(root: Path = ROOT) -> int:
    problems = {name: check(root) for name, check in CHECKS.items()}
    for name, problem in problems.items():
        print(f"{name:<18}{problem or 'ready'}")
    return 1 if any(problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

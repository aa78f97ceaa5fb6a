"""Check what a release needs: python tools/release_check.py, which is `make release-check` after wheels and site.

Version, changelog, citation, kept model files, wheels and site must belong together. Each line is a check; the exit
code is 1 if one fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.wheels.audit import find_problems  # noqa: E402
from tools.wheels.platforms import INTERFACES, PLATFORMS  # noqa: E402


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


def check_wheels(root: Path) -> str:
    """Wheels of the version must be there for each platform that they are tried on, complete, and no strange ones."""
    version = read_version(root)
    dist = root / "dist"
    expected = {
        f"creche-{version}-{interface.tag}-{platform.tag}.whl": platform
        for platform in PLATFORMS.values()
        for interface in INTERFACES
    }
    problems = []
    for name, platform in expected.items():
        if (dist / name).exists():
            problems += find_problems(dist / name, platform.levels)
        elif platform.is_tried:
            problems.append(f"dist/ lacks {name}; run make wheels")
    found = {path.name for path in dist.glob("*.whl")}
    problems += [f"dist/ has {name}, which is not to be published; remove it" for name in sorted(found - set(expected))]
    if not (dist / f"creche-{version}.tar.gz").exists():
        problems.append(f"dist/ lacks creche-{version}.tar.gz; run make wheels")
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
    "wheels": check_wheels,
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

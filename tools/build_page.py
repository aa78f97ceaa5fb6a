"""Build the studio's page with npm, in a folder of its own, so that the sources stay clean.

python tools/build_page.py --to src/creche/studio/page         builds it, or says why it cannot
python tools/build_page.py --to DIR --if-possible              warns instead, and leaves DIR empty
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parents[1] / "web"
NODE_NEEDED = (20, 19)
CURE = "install Node.js 20.19 or newer"
NOT_SOURCES = ("node_modules", "dist", "build")


class NotBuiltError(Exception):
    """Why there is no page."""


def find_npm() -> str:
    """Return the path of npm, whose Node is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotBuiltError(f"{'npm' if npm is None else 'node'} was not found; {CURE}")
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", answer)
    if found is None or (int(found[1]), int(found[2])) < NODE_NEEDED:
        raise NotBuiltError(f"{node} is {answer.strip() or 'of an unknown version'}; {CURE}")
    return npm


def run_npm(npm: str, arguments: list[str], folder: Path) -> None:
    """Run npm, and raise its output if it fails."""
    done = subprocess.run([npm, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuiltError(f"npm {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}".rstrip())


def copy_sources(build: Path) -> None:
    """Make the build folder a copy of the sources, except for what npm installed there."""
    build.mkdir(parents=True, exist_ok=True)
    for old in build.iterdir():
        if old.name not in ("node_modules", "installed-lock.json"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for source in WEB.iterdir():
        if source.name in NOT_SOURCES:
            continue
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, build / source.name)


def build_page(build: Path, page: Path) -> None:
    """Build the page from the sources in `web`."""
    npm = find_npm()
    copy_sources(build)
    lock, installed = build / "package-lock.json", build / "installed-lock.json"
    if not installed.exists() or installed.read_bytes() != lock.read_bytes():
        run_npm(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], build)
        shutil.copy2(lock, installed)
    run_npm(npm, ["run", "build"], build)
    built = build / "dist"
    for name in ("index.html", "widget.js"):
        if not (built / name).is_file():
            raise NotBuiltError(f"npm run build made no {name}")
    shutil.rmtree(page, ignore_errors=True)
    shutil.copytree(built, page)


def main() -> int:
    """Build the page as the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where the page goes")
    parser.add_argument("--build", type=Path, default=Path("build/web"), metavar="DIR", help="where npm works")
    parser.add_argument("--if-possible", action="store_true", help="a failure is a warning")
    options = parser.parse_args()
    try:
        build_page(options.build.resolve(), options.to.resolve())
    except (NotBuiltError, OSError) as error:
        shutil.rmtree(options.to, ignore_errors=True)
        options.to.mkdir(parents=True)
        kind = "warning" if options.if_possible else "error"
        print(f"{kind}: the page of the studio was not built: {error}", file=sys.stderr)
        return 0 if options.if_possible else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

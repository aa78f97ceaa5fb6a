"""Try a wheel for 64-bit Arm on another processor: Debian's Python for it, run by qemu-aarch64.

The packages of Debian are unpacked into a folder and not installed. This needs qemu-aarch64 (Debian: qemu-user), and
apt-get with Debian's repositories; a machine with such a processor needs none of it, and tries the wheel as any other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.wheels.fresh import Place, check, variables
from tools.wheels.platforms import Platform

# The release of Debian that has each version of Python.
RELEASES = {"3.11": "bookworm", "3.13": "trixie"}
PLATFORMS = ("manylinux2014_aarch64", *(f"manylinux_2_{minor}_aarch64" for minor in range(17, 35)))
KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def can_emulate() -> bool:
    return bool(shutil.which("qemu-aarch64") and shutil.which("apt-get") and shutil.which("dpkg-deb")) and KEYS.exists()


def unpack_python(version: str, folder: Path) -> Path:
    """Return a folder with a Python for 64-bit Arm and the libraries it needs, downloaded if need be."""
    root = folder / f"debian-aarch64-{version}"
    made = root / ".made"
    packages = (f"python{version}-minimal", f"libpython{version}-stdlib", "libstdc++6")  # the last for NumPy
    if made.exists() and made.read_text() == " ".join(packages):
        return root
    shutil.rmtree(root, ignore_errors=True)
    apt = root / "apt"
    for name in ("state/lists/partial", "cache/archives/partial", "parts"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    (apt / "sources.list").write_text(
        f"deb [arch=arm64 signed-by={KEYS}] http://deb.debian.org/debian {RELEASES[version]} main\n"
    )
    settings = {
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "Dir::Etc::SourceList": apt / "sources.list",
        "Dir::Etc::SourceParts": apt / "parts",
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", *options, "--quiet=2", "update"], check=True)
    command = ["apt-get", *options, "--quiet=2", "--yes", "--download-only", "install", *packages]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
    if not (root / "lib").exists():  # from Debian 13 on, an installed system has this link before all packages
        (root / "lib").symlink_to("usr/lib")
    shutil.rmtree(apt)
    made.write_text(" ".join(packages))
    return root


def install(wheel: Path, version: str, python: str, root: Path, folder: Path) -> Place:
    """Install a wheel and what it needs, by a Python of this machine, where the emulated one imports from."""
    site = folder / "site"
    emulated = ("qemu-aarch64", "-L", str(root), str(root / "usr" / "bin" / f"python{version}"))
    seen = variables(folder, Path("/nowhere")) | {"PYTHONPATH": str(site), "PYTHONNOUSERSITE": "1"}
    place = Place((shutil.which(emulated[0]) or emulated[0], *emulated[1:]), (), seen, folder)
    place = Place(place.python, (*place.python, "-m", "creche"), seen, folder)
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    command += ["--target", str(site), "--python-version", version, "--implementation", "cp", str(wheel.resolve())]
    command += [word for abi in (f"cp{version.replace('.', '')}", "abi3", "none") for word in ("--abi", abi)]
    command += [word for platform in PLATFORMS for word in ("--platform", platform)]
    subprocess.run(command, check=True, env=os.environ | {"PIP_NO_CACHE_DIR": "1"})
    return place


def try_emulated(wheel: Path, platform: Platform, python: str, cache: Path) -> list[str]:
    """Try a wheel with each emulated Python that it is for; `python` is one of this machine, whose pip is used."""
    results = []
    for version in RELEASES:
        if ("-abi3-" in wheel.name) != (version != "3.11"):
            continue
        root = unpack_python(version, cache)
        with tempfile.TemporaryDirectory() as folder:
            results.append(check(install(wheel, version, python, root, Path(folder)), platform) + " (emulated)")
    return results

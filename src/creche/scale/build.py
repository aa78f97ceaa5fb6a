"""What another process must have in common with this one before it may work for it."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from creche import _core
from creche._version import __version__
from creche.errors import CrecheError

__all__ = ["Build", "check_build", "this_build"]


@dataclass(frozen=True, slots=True)
class Build:
    """What the bits of a result depend on.

    Attributes
    ----------
    version : str
        Version of Creche.
    modules : dict of str to str
        For each compiled module a digest; there is one for each instruction-set level, with the same bits.
    byte_order : {"little", "big"}
    host : str
        The name of the machine, for messages.

    """

    version: str
    modules: Mapping[str, str]
    byte_order: str
    host: str

    def differences(self, other: Build) -> list[tuple[str, str, str]]:
        """Return what differs: its name, and what both have. Modules that one of them lacks are not compared."""
        both = sorted(self.modules.keys() & other.modules.keys())
        compared = [
            ("version", self.version, other.version),
            ("byte order", self.byte_order, other.byte_order),
            *((f"module {name}", self.modules[name], other.modules[name]) for name in both),
        ]
        return [(name, mine, theirs) for name, mine, theirs in compared if mine != theirs]


@cache
def this_build() -> Build:
    """Return the build of this process."""
    # Asked for by name: an editable installation has them elsewhere than the package.
    files = [Path(str(_core.load(level).__file__)) for level in _core.levels()]
    modules = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in files}
    return Build(__version__, modules, sys.byteorder, platform.node())


def check_build(wanted: Build) -> None:
    """Check that this process has the build that another asks for.

    Raises
    ------
    CrecheError
        If not; the message says what both have.

    """
    mine = this_build()
    for name, theirs, own in wanted.differences(mine):
        raise CrecheError(
            f"cluster: {mine.host} has another Creche than {wanted.host}: {name} {own}, not {theirs}; "
            "install the same build on all machines"
        )

"""What a worker runs: the same for a process of a pool, a job of SLURM and a task of Ray."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creche.scale.build import Build, check_build

__all__ = ["SharedFile", "SharedValue", "work"]

_CACHED_FILES = 2

_read: OrderedDict[Path, Any] = OrderedDict()


@dataclass(frozen=True, slots=True)
class SharedValue:
    """What all pieces have in common, sent along with each."""

    value: Any

    def load(self) -> Any:
        """Return it."""
        return self.value


@dataclass(frozen=True, slots=True)
class SharedFile:
    """What all pieces have in common, in a file of this machine, which a process reads once."""

    path: Path

    def load(self) -> Any:
        """Return what the file holds."""
        if self.path not in _read:
            while len(_read) >= _CACHED_FILES:
                _read.popitem(last=False)
            # The file is a private one of the user whose process this is.
            _read[self.path] = pickle.loads(self.path.read_bytes())
        return _read[self.path]


def work(build: Build, function: Callable[[Any, Any], Any], shared: Any, piece: Any) -> Any:
    """Carry out a piece, if this process has the same build as the one that asks.

    Parameters
    ----------
    build : Build
        Build of the process that asks.
    function : callable
    shared : SharedValue, SharedFile or what they hold
    piece : object

    """
    check_build(build)
    return function(shared.load() if isinstance(shared, SharedValue | SharedFile) else shared, piece)

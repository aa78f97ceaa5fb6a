"""The cluster of Ray of these tests, and where on it a function is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from tools.ray_nodes import Nodes, own_folder, start_nodes

from tests.unit.cli.commands import wait_until

__all__ = ["note_place", "running_nodes", "wait_for_place"]


@contextmanager
def running_nodes(count: int, pickled: ModuleType) -> Iterator[Nodes]:
    """Start a cluster, and connect to it; functions of a module are sent there."""
    import ray

    with own_folder():
        made = start_nodes(count, attempts=3)
        try:
            ray.init(
                address=made.cluster.address, _node_ip_address="127.0.0.2", logging_level="ERROR", log_to_driver=False
            )
            for module in (pickled, sys.modules[__name__]):
                ray.cloudpickle.register_pickle_by_value(module)
            yield made
        finally:
            ray.shutdown()
            made.end()


def note_place(path: Path) -> None:
    """Write on which machine, and in which process, this is; only the first one can.

    Raises
    ------
    FileExistsError
        If a process has done so before.

    """
    import ray

    written = path.with_name(f"{path.name}-{os.getpid()}")
    written.write_text(f"{ray.get_runtime_context().get_node_id()} {os.getpid()}")
    os.link(written, path)


def wait_for_place(path: Path) -> tuple[str, int]:
    """Return what `note_place` has written, once it has."""
    wait_until(path.exists)
    node, pid = path.read_text().split()
    return node, int(pid)

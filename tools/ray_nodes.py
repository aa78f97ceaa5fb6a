"""A cluster of Ray on this computer, whose machines, processes on 127.0.0.3, .4, …, can be lost or fall silent."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

__all__ = ["Nodes", "free_ports", "own_folder", "start_nodes"]

# Before Ray is imported: a lost machine is noticed sooner than by default, and a silent one within seconds rather than
# minutes; a slow one has time to begin.
os.environ.update(
    RAY_USAGE_STATS_ENABLED="0", RAY_health_check_initial_delay_ms="2000", RAY_health_check_period_ms="1000",
    RAY_health_check_timeout_ms="5000", RAY_health_check_failure_threshold="2", RAY_raylet_start_wait_time_s="120",
    RAY_grpc_client_keepalive_time_ms="5000", RAY_grpc_client_keepalive_timeout_ms="5000",
)  # fmt: skip


@contextmanager
def own_folder() -> Iterator[None]:
    """Let Ray work in a folder of its own meanwhile, so that no other cluster of this computer is found."""
    before = os.environ.get("RAY_TMPDIR")
    # The names of sockets in it are short of characters.
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.environ["RAY_TMPDIR"] = folder
        try:
            yield
        finally:
            del os.environ["RAY_TMPDIR"]
            if before is not None:
                os.environ["RAY_TMPDIR"] = before


class Nodes:
    """A head without processors, and machines with one each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.addresses = iter(range(3, 250))
        head = {"num_cpus": 0, "include_dashboard": False, "node_ip_address": "127.0.0.2", **free_ports()}
        self.cluster = Cluster(initialize_head=True, head_node_args={**head, "include_log_monitor": False})

    def add(self) -> Any:
        return self.cluster.add_node(
            num_cpus=1, object_store_memory=80_000_000, include_log_monitor=False,
            node_ip_address=f"127.0.0.{next(self.addresses)}", **free_ports(),
        )  # fmt: skip

    def lose(self, node: Any) -> None:
        """End all processes of a machine at once."""
        children = processes_of(node)
        self.cluster.remove_node(node, allow_graceful=False)
        for pid in children:  # those that are stopped would not notice
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def silence(self, node_id: str) -> Any:
        """Stop all processes of a machine; return it. For others that is as if its cable was cut."""
        node = self.of(node_id)
        for pid in processes_of(node):
            os.kill(pid, signal.SIGSTOP)
        return node

    def of(self, node_id: str) -> Any:
        """Return the machine with an identifier."""
        return next(each for each in self.cluster.worker_nodes if each.node_id == node_id)

    def is_alive(self, node: Any) -> bool:
        """Whether Ray takes a machine for one that is there."""
        import ray

        return any(each["Alive"] for each in ray.nodes() if each["NodeID"] == node.node_id)

    def end(self) -> None:
        self.cluster.shutdown()


def processes_of(node: Any) -> list[int]:
    """Return the processes of a machine: those that Ray has started for it, and the children of these."""
    pids = [info.process.pid for infos in node.all_processes.values() for info in infos]
    for pid in pids:  # grows meanwhile
        with suppress(OSError):
            for children in Path("/proc", str(pid), "task").glob("*/children"):
                pids += [int(child) for child in children.read_text().split()]
    return pids


def free_ports() -> dict[str, int]:
    """Ports for the helpers of a machine: Ray waits for one that chooses its own, and gives up on a busy computer."""
    names = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
    sockets = [socket.socket() for _ in names]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = dict(zip(names, (each.getsockname()[1] for each in sockets), strict=True))
    for each in sockets:
        each.close()
    return ports


def start_nodes(count: int, attempts: int) -> Nodes:
    """Start the head and some machines; Ray gives up on one whose helpers take longer than 15 seconds to begin."""
    made = None
    try:
        made = Nodes()
        for _ in range(count):
            made.add()
    except Exception:  # Ray raises no narrower one
        if made is not None:
            made.end()
        if attempts == 1:
            raise
        return start_nodes(count, attempts - 1)
    return made

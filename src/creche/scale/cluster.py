"""Where pieces are carried out: the argument `cluster` of all that trains many networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from creche.engine.device import CPU
from creche.engine.hardware import Hardware, Workers
from creche.errors import PlanError

__all__ = ["Cluster", "ClusterChoice", "resolve_workers", "with_workers"]

MOST_RETRIES = 1_000


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster of Ray, on whose machines networks are trained.

    Parameters
    ----------
    address : str, default "auto"
        "auto" for the cluster that this process is connected to, that ``RAY_ADDRESS`` names, or that runs on this
        machine; ``"host:6379"`` for another one of the same network; ``"ray://host:10001"`` through Ray's client.
    cpus_per_piece : int, default 1
        Processors that Ray reserves for a piece of work, or for a process of one network, which trains on as many
        threads.
    retries : int, default 3
        How often a piece is trained anew when its process or its machine is lost, or one network goes on with another
        process.

    Examples
    --------
    >>> Cluster("10.0.0.5:6379", cpus_per_piece=4)
    Cluster(address='10.0.0.5:6379', cpus_per_piece=4, retries=3)

    """

    address: str = "auto"
    cpus_per_piece: int = 1
    retries: int = 3

    def __post_init__(self) -> None:
        if not isinstance(self.address, str) or not (self.address == "auto" or ":" in self.address):
            raise PlanError(
                f"cluster: got the address {self.address!r}; needs 'auto', the host and the port of the head, such as "
                "'10.0.0.5:6379', or 'ray://' with both",
                argument="cluster",
            )
        for name, least, most in (("cpus_per_piece", 1, 4_096), ("retries", 0, MOST_RETRIES)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                raise PlanError(
                    f"Cluster.{name}: got {value!r}; needs a whole number from {least} to {most:,}", argument="cluster"
                )


# The address of a cluster of Ray, a cluster, or an executor.
ClusterChoice: TypeAlias = str | Cluster | Any


def resolve_workers(cluster: ClusterChoice | None) -> Workers | None:
    """Return the workers of the argument that functions take; None for this process.

    Raises
    ------
    PlanError
        If it is neither an address, a `Cluster` nor an executor.
    CrecheError
        If Ray is not installed, or there is no such cluster.

    """
    if cluster is None:
        return None
    if isinstance(cluster, str):
        cluster = Cluster(cluster)
    if isinstance(cluster, Cluster):
        from creche.scale.ray_workers import RayWorkers

        return RayWorkers(cluster)
    if callable(getattr(cluster, "submit", None)):
        from creche.scale.executor import ExecutorWorkers

        return ExecutorWorkers(cluster)
    raise PlanError(
        f"cluster: got {type(cluster).__name__}; needs 'auto', an address such as '10.0.0.5:6379', a creche.Cluster, "
        "or an executor of concurrent.futures, submitit or Dask",
        argument="cluster",
    )


def with_workers(hardware: Hardware, cluster: ClusterChoice | None) -> Hardware:
    """Return the hardware with the workers of a cluster.

    Raises
    ------
    PlanError
        If it also has a device: pieces are trained on processors.

    """
    workers = resolve_workers(cluster)
    if workers is None:
        return hardware
    if hardware.device != CPU:
        raise PlanError(
            f"device: got {hardware.device.word!r} with cluster; what a cluster trains is trained on processors; leave "
            "one of the two out",
            argument="device",
        )
    return Hardware(hardware.threads, hardware.device, workers)

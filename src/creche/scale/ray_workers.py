"""Pieces as tasks of Ray: the only module that imports it, when a cluster is asked for."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creche._advice import advise
from creche.errors import CrecheError, CrecheWarning
from creche.scale.build import check_build, this_build
from creche.scale.handout import Handout
from creche.scale.network import ADDRESS, address_of_this_machine, host_of, is_same_machine, port_of
from creche.scale.ray_calls import RayCalls, Room
from creche.scale.ray_errors import cause_of, first_line
from creche.scale.worker import work

if TYPE_CHECKING:
    from creche.scale.cluster import Cluster

__all__ = ["RayWorkers", "check_answer"]

SECONDS_BETWEEN_LOOKS = 0.5  # Ctrl-C is noticed as soon
# A cluster that does not begin with anything for so long has no room.
PATIENCE = 30.0
SECONDS_FOR_ANSWER = 10.0  # of the head, once its port is knocked at

THROUGH_CLIENT = "ray://"

# What this process was connected to by `RayWorkers`: the address as it was given, and the cluster that was found there.
_connected: tuple[str, str] | None = None


class RayWorkers:
    """Workers of a cluster of Ray, which is connected to once, and stays connected.

    Parameters
    ----------
    cluster : Cluster

    Raises
    ------
    CrecheError
        If Ray is not installed, there is no such cluster, or its machines have another Creche.

    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._ray = _import_ray()
        self._connect()
        self._check_builds()

    @property
    def slots(self) -> int:
        """How many pieces the cluster carries out at once."""
        return max(1, int(self._resources().get("CPU", 0)) // self._cluster.cpus_per_piece)

    @property
    def threads(self) -> int:
        """How many threads a piece may use."""
        return self._cluster.cpus_per_piece

    @property
    def retries(self) -> int:
        """How often work is begun anew that has lost its process or machine."""
        return self._cluster.retries

    def own_address(self) -> str:
        """Return the address at which the cluster reaches this machine."""
        if self._is_through_client:
            return address_of_this_machine(host_of(self._found))
        return address_of_this_machine() if ADDRESS in os.environ else str(self._ray.util.get_node_ip_address())

    @property
    def _is_through_client(self) -> bool:
        return bool(self._ray.util.client.ray.is_connected())

    @property
    def _found(self) -> str:
        """The address of the cluster that this process is connected to."""
        return str(self._ray.get_runtime_context().gcs_address)

    def __str__(self) -> str:
        return f"{self.slots} pieces at once of the cluster {self._cluster.address}"

    def carry_out(
        self,
        function: Callable[[Any, Any], Any],
        shared: Any,
        pieces: Iterable[Any],
        on_done: Callable[[int, Any], object],
        lead: int | None = None,
    ) -> None:
        """Call ``function(shared, piece)`` for each piece, and `on_done` with its position and its result.

        Raises
        ------
        CrecheError
            If a piece has lost its process or its machine too often.
        KeyboardInterrupt
            On Ctrl-C; pieces that are not done are cancelled.

        """
        ray = self._ray
        task = self._task(work)
        # Once on each machine; arrays are read where they lie.
        stored = ray.put(self._with_threads(shared))
        handout = Handout(pieces, lead)
        running = handout.running
        try:
            while True:
                for position, piece in handout.take(self.slots):
                    running[task.remote(this_build(), function, stored, piece)] = position, piece
                if not running:
                    return
                done, _ = ray.wait([*running], num_returns=1, timeout=SECONDS_BETWEEN_LOOKS)
                for reference in done:
                    position, piece = running.pop(reference)
                    on_done(position, self._result(reference, shared, piece))
        finally:
            for reference in running:
                with suppress(Exception):
                    ray.cancel(reference)

    def start(self, function: Callable[[Any, Any], Any], shared: Any, pieces: Sequence[Any]) -> RayCalls:
        """Begin ``function(shared, piece)`` for all pieces, which must run at the same time: on many machines."""
        return RayCalls(self._ray, self._cluster.cpus_per_piece, function, shared, pieces)

    def _with_threads(self, shared: Any) -> Any:
        """Return what pieces have in common, with a thread for each processor that a piece has."""
        hardware = getattr(shared, "hardware", None)
        if hardware is None:
            return shared
        return replace(shared, hardware=replace(hardware, threads=self._cluster.cpus_per_piece))

    def _task(self, function: Callable[..., Any]) -> Any:
        cpus, retries = self._cluster.cpus_per_piece, self._cluster.retries
        return self._ray.remote(num_cpus=cpus, max_retries=retries)(function)

    def _result(self, reference: Any, shared: Any, piece: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except errors.RayTaskError as error:  # raised by the piece itself
            raise cause_of(error) from None
        except (errors.WorkerCrashedError, errors.OutOfMemoryError, errors.NodeDiedError) as error:
            raise CrecheError(
                f"cluster: the process that worked on {piece.describe(shared)} ended {self._cluster.retries + 1} times "
                f"({first_line(error)}); it may need more memory than a machine has. What was done before is kept"
            ) from None
        except errors.RayError as error:
            raise CrecheError(
                f"cluster: {piece.describe(shared)} did not come back: {first_line(error)}. What was done before is "
                "kept"
            ) from None

    def _connect(self) -> None:
        global _connected
        ray, address = self._ray, self._cluster.address
        if ray.is_initialized():
            self._check_connected()
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        check_answer(address)  # Ray itself would try for minutes
        try:
            ray.init(address=address, logging_level="ERROR", log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError, TimeoutError, OSError) as error:
            if address == "auto":
                raise CrecheError(
                    "cluster: got 'auto', but no cluster of Ray is running here, and RAY_ADDRESS names none; start one "
                    "as Ray's manual says, or give its address"
                ) from None
            raise CrecheError(
                f"cluster: found none at {address}: {first_line(error)}. Check the address and the port, and that the "
                "head runs and lets this machine in"
            ) from None
        _connected = address, self._found

    def _check_connected(self) -> None:
        """Check that this process is connected to the cluster that is asked for.

        Raises
        ------
        CrecheError
            If it is another one, or that cannot be known: the port of Ray's client is not that of the cluster.

        """
        address, found = self._cluster.address, self._found
        if address == "auto" or (address, found) == _connected:
            return
        here = f"this process is connected to the cluster {found}"
        here_again = advise("cluster", "auto")
        advice = f"call ray.shutdown() first, or give {here_again} for the one that it is connected to"
        if address.startswith(THROUGH_CLIENT):
            if _connected is not None and _connected[1] == found and _connected[0].startswith(THROUGH_CLIENT):
                raise CrecheError(f"cluster: {here} through {_connected[0]}, not through {address}; {advice}")
            if not is_same_machine(host_of(address), host_of(found)):
                raise CrecheError(
                    f"cluster: {here}, and whether {address} leads to it cannot be known from here; {advice}"
                )
        elif port_of(address) != port_of(found) or not is_same_machine(host_of(address), host_of(found)):
            raise CrecheError(f"cluster: {here}, not to {address}; {advice}")

    def _check_builds(self) -> None:
        """Compare the build of a worker before it gets any work; each piece compares it again."""
        reference = self._task(check_build).remote(this_build())
        begin, is_told = time.monotonic(), False
        while not self._ray.wait([reference], timeout=SECONDS_BETWEEN_LOOKS)[0]:
            if not is_told and time.monotonic() - begin >= PATIENCE:
                self._report_no_room()
                is_told = True
        errors = self._ray.exceptions
        try:
            self._ray.get(reference)
        except errors.RayTaskError as error:
            raise cause_of(error) from None
        except errors.RayError as error:
            raise CrecheError(f"cluster: its machines cannot run anything: {first_line(error)}") from None

    def _report_no_room(self) -> None:
        """Say what the cluster has and what a piece wants.

        Raises
        ------
        CrecheError
            If no machine is large enough.

        """
        wanted, room = self._cluster.cpus_per_piece, Room.of(self._ray)
        if room.largest < wanted:
            raise CrecheError(f"cluster: a piece wants {wanted} processors, but {room}; lower cpus_per_piece")
        warnings.warn(
            f"cluster: {room}; a piece wants {wanted}, and waits until others are done (Ctrl-C ends the wait)",
            CrecheWarning,
            stacklevel=2,
        )

    def _resources(self) -> dict[str, float]:
        return self._ray.cluster_resources()  # type: ignore[no-any-return]


def check_answer(address: str) -> None:
    """Check that something answers at the address of a cluster.

    Parameters
    ----------
    address : str
        As of a `Cluster`.

    Raises
    ------
    CrecheError
        If nothing does.

    """
    named_by = None
    if address == "auto":
        named_by, address = _look_up_address()
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return  # Ray looks for one itself
    try:
        socket.create_connection((host, int(port)), timeout=SECONDS_FOR_ANSWER).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        if named_by is not None:
            raise CrecheError(
                f"cluster: got 'auto', and {named_by} names the cluster {address}, where none answers ({reason}): it "
                f"has ended, or its head cannot be reached; start one, or give its address"
            ) from None
        raise CrecheError(
            f"cluster: found none at {address}: {reason}. Check the address and the port, and that the head runs and "
            "lets this machine in"
        ) from None


def _look_up_address() -> tuple[str, str]:
    """Return what names the cluster that "auto" stands for, and its address; empty if there is none."""
    if named := os.environ.get("RAY_ADDRESS"):
        return "RAY_ADDRESS", named
    # Ray writes there which cluster was started last on this machine, and leaves it when that is killed.
    path = Path(os.environ.get("RAY_TMPDIR") or "/tmp", "ray", "ray_current_cluster")
    with suppress(OSError, UnicodeDecodeError):
        return str(path), path.read_text().strip()
    return str(path), ""


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise CrecheError("cluster: needs Ray; install it with: pip install 'creche[cluster]'") from error
    return ray

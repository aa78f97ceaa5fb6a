"""A colony whose members train on a device, with the methods of the engine's `Colony32`.

The state of the members stays on the device from one call of `run` to the next. A launch trains whole epochs, as many
as take at most `SECONDS_OF_LAUNCH`; between two launches their progress is read, and Ctrl-C is seen. A member whose
numbers are no longer finite is handed to the engine's own colony, with the state from the beginning of that epoch:
there it ends as it would have without a device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.engine.device_colony.device import Device, Kernel, LaunchSize, as_bytes
from creche.engine.native import format_gigabytes
from creche.errors import PlanError

__all__ = ["DeviceColony", "MemberSpec", "Table", "check_memory"]

SECONDS_OF_LAUNCH = 0.05
WARPS_PER_BLOCK = 4
MOST_EPOCHS = 64  # of a launch

# An order of rows longer than this is kept in the memory of the device: more networks then fit on each processor.
BYTES_OF_ORDER = 8192

RUNNING, DIVERGED = "running", "diverged"
NO_EPOCH = -1
ALL_EPOCHS = 2**62

MemberSpec = tuple[Any, int, int]  # the engine's plan, and the numbers of its tables; -1: no validation
Table = tuple[NDArray[Any], NDArray[np.int32] | None, NDArray[Any] | None, NDArray[Any] | None]


class DeviceColony:
    """Networks of one shape and one loss in training on a device; each gets the same bytes as alone.

    Parameters
    ----------
    engine : module
        The compiled engine.
    members : list of (plan, int, int)
        As of `Colony32`.
    tables : list of (x, classes, targets, weights)
        Likewise; float32.
    device : Device
    threads : int
        For members that come back from the device.

    Raises
    ------
    PlanError
        If the device has too little memory for them.
    ValueError
        If a kernel cannot train one of them, or if they differ in shape or loss.

    """

    def __init__(
        self,
        engine: ModuleType,
        members: Sequence[MemberSpec],
        tables: Sequence[Table],
        device: Device,
        threads: int = 1,
    ) -> None:
        self._engine, self._device, self._threads = engine, device, threads
        self._specs, self._tables = list(members), list(tables)
        self._host = engine.DeviceColony(self._specs, self._tables)
        self._arrays: dict[str, NDArray[np.uint8]] = self._host.arrays()
        self._size = self._launch_size()
        self._memory = _Memory(device)
        check_memory(device, [self])
        self._kernel: Kernel = device.kernel(self._host.widths, self._specs[0][0].loss.kind)
        self._epochs = 1  # of the next launch
        self._on_device = False  # whether the device has the state of the members
        self._changed: set[str] = set()  # arrays that are newer on the device than here
        self._returned: dict[int, Any] = {}  # the engine's colonies of members that came back
        self._unread: tuple[int, float] | None = None  # epochs and beginning of a launch whose records are not read yet

    def __len__(self) -> int:
        return len(self._specs)

    def _launch_size(self) -> LaunchSize:
        order = 2 * self._host.order_rows
        for keeps_order in (True, False):
            bytes_of_warp = self._host.bytes_of_warp(keeps_order)
            self._keeps_order = keeps_order
            if bytes_of_warp <= self._device.bytes_per_block and order <= BYTES_OF_ORDER:
                break
        warps = min(WARPS_PER_BLOCK, self._device.bytes_per_block // bytes_of_warp)
        if warps == 0:
            raise PlanError(
                f"device: a network of {self._host.widths} needs {bytes_of_warp:,} bytes of shared memory, more than "
                f"the {self._device.bytes_per_block:,} of a block on {self._device.name}; leave {advise('device')} out"
            )
        return LaunchSize(len(self._specs), warps, bytes_of_warp)

    def _used_tables(self) -> list[int]:
        return sorted({number for _, *numbers in self._specs for number in numbers if number >= 0})

    @property
    def bytes_needed(self) -> int:
        """The memory of the device that training takes, with a tenth for what the device's own software needs."""
        count = len(self._specs)
        needed = sum(array.nbytes for array in self._arrays.values())
        needed += count * int(self._host.bytes_of_record) * MOST_EPOCHS
        needed += len(self._host.plans([(0, 0, 0, 0)] * len(self._tables)))
        needed += 0 if self._keeps_order else 2 * count * int(self._host.order_rows)
        needed += sum(array.nbytes for n in self._used_tables() for array in self._tables[n] if array is not None)
        return needed + needed // 10

    def run(self, epoch: int = NO_EPOCH, seconds: float = -1.0, poll: Callable[[], bool] | None = None) -> str:
        """Train each member until it has completed `epoch` epochs (all, if negative).

        Parameters
        ----------
        epoch : int
        seconds : float
            Stop after this time; negative: no limit.
        poll : callable, optional
            Called between launches; True interrupts.

        Returns
        -------
        str
            ``running``, ``finished`` or ``interrupted``.

        """
        until = ALL_EPOCHS if epoch < 0 else epoch
        begin = perf_counter()
        while any(self._is_due(member, until) for member in range(len(self))):
            self._launch(until)
            if poll is not None and poll():
                return "interrupted"
            if 0 <= seconds <= perf_counter() - begin:
                return RUNNING
        self._take_back()
        for colony in self._returned.values():
            left = -1.0 if seconds < 0 else max(0.0, seconds - (perf_counter() - begin))
            if colony.run(epoch=epoch, seconds=left, poll=poll) == "interrupted":
                return "interrupted"
        return RUNNING if any(self.status(member) == RUNNING for member in range(len(self))) else "finished"

    def _is_due(self, member: int, until: int) -> bool:
        return str(self._host.status(member)) == RUNNING and self.position(member)[0] < until

    def _launch(self, until: int) -> None:
        self._read_launch()
        memory, epochs = self._memory, self._epochs
        if not self._on_device:
            self._upload()
        records = memory.address("records", len(self) * epochs * self._host.bytes_of_record)
        addresses = {name: memory.address(name) for name in ("plans", *self._arrays)} | {"records": records}
        if not self._keeps_order:
            addresses["orders"] = memory.address("orders", 2 * len(self) * self._host.order_rows)
        argument = self._host.argument(addresses, until, epochs)
        # Ctrl-C may come at any time from here on.
        self._changed.update(self._arrays)
        self._unread = epochs, perf_counter()
        self._kernel.launch(self._size, argument)
        self._read_launch()

    def _read_launch(self) -> None:
        """Read what a launch has recorded, if that was not done yet; doing it twice changes nothing."""
        if self._unread is None:
            return
        epochs, begin = self._unread
        recorded = np.empty(len(self) * epochs * self._host.bytes_of_record, np.uint8)
        self._device.download(self._memory.address("records"), recorded)  # waits for the launch
        took = perf_counter() - begin
        self._device.download(self._memory.address("progress"), self._arrays["progress"])
        self._device.download(self._memory.address("status"), self._arrays["status"])
        self._host.add_records(recorded, epochs, took / epochs)
        fitting = max(1, int(epochs * SECONDS_OF_LAUNCH / max(took, 1e-9)))
        self._epochs = min(fitting, 2 * epochs, MOST_EPOCHS)
        self._changed -= {"progress", "status"}
        self._unread = None

    def _upload(self) -> None:
        memory = self._memory
        addresses = [[0] * 4 for _ in self._tables]
        for number in self._used_tables():
            for part, array in enumerate(self._tables[number]):
                if array is not None:
                    addresses[number][part] = memory.hold(f"table {number}.{part}", as_bytes(array))
        memory.hold("plans", np.frombuffer(self._host.plans(list(map(tuple, addresses))), np.uint8))
        for name, array in self._arrays.items():
            memory.hold(name, array)
        self._on_device = True

    def _fetch_all(self) -> None:
        """Copy what is newer on the device."""
        self._read_launch()
        for name in sorted(self._changed):
            self._device.download(self._memory.address(name), self._arrays[name])
            self._changed.discard(name)

    def _take_back(self) -> None:
        """Hand members whose numbers are not finite to the engine, each to a colony of its own."""
        for member in range(len(self)):
            if self._host.status(member) == DIVERGED and member not in self._returned:
                self._fetch_all()
                colony = self._engine.Colony32([self._specs[member]], self._tables, self._threads)
                colony.set_state(0, self._host.state(member))
                self._returned[member] = colony

    def _holder(self, member: int) -> tuple[Any, int]:
        """Return the colony that has a member, and its number there."""
        self._read_launch()
        return (self._returned[member], 0) if member in self._returned else (self._host, member)

    def status(self, member: int) -> str:
        """Return the status of a member, as `Colony32` does."""
        holder, number = self._holder(member)
        status = str(holder.status(number))
        return RUNNING if holder is self._host and status == DIVERGED else status

    def position(self, member: int) -> tuple[int, int]:
        """Return completed epochs, and completed steps of the current one."""
        holder, number = self._holder(member)
        epoch, batch = holder.position(number)
        return int(epoch), int(batch)

    def parameters(self, member: int) -> dict[str, NDArray[Any]]:
        """Return the parameters of a member by their names."""
        self._fetch_all()
        holder, number = self._holder(member)
        return holder.parameters(number)  # type: ignore[no-any-return]

    def history(self, member: int) -> dict[str, NDArray[Any]]:
        """Return one number per completed epoch, by column."""
        holder, number = self._holder(member)
        return holder.history(number)  # type: ignore[no-any-return]

    def state(self, member: int) -> dict[str, NDArray[Any]]:
        """Return everything that training goes on from."""
        self._fetch_all()
        holder, number = self._holder(member)
        return holder.state(number)  # type: ignore[no-any-return]

    def set_state(self, member: int, state: dict[str, NDArray[Any]]) -> None:
        """Continue a member from a state."""
        self._fetch_all()
        holder, number = self._holder(member)
        holder.set_state(number, state)
        if holder is self._host:
            self._on_device = False

    def divergence(self, member: int) -> tuple[int, int, float] | None:
        """Return where the loss stopped being finite; None if it did not."""
        holder, number = self._holder(member)
        return None if holder is self._host else holder.divergence(number)


def check_memory(device: Device, colonies: Sequence[DeviceColony]) -> None:
    """Check that colonies which have allocated nothing yet fit into the memory of a device together.

    Raises
    ------
    PlanError
        If they do not.

    """
    needed = sum(colony.bytes_needed for colony in colonies)
    if needed > (free := device.free_memory()):
        count = sum(map(len, colonies))
        raise PlanError(
            f"device: {count:,} {'network needs' if count == 1 else 'networks need'} about {format_gigabytes(needed)}, "
            f"more than {format_gigabytes(free)} free on {device.name}; train fewer at once, or leave "
            f"{advise('device')} out"
        )


class _Memory:
    """Named pieces of a device's memory, which are given back with this object."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._pieces: dict[str, tuple[int, int]] = {}  # address and size

    def address(self, name: str, size: int | None = None) -> int:
        """Return the address of a piece; with a size, of one that has at least as much."""
        address, has = self._pieces.get(name, (0, 0))
        if size is not None and size > has:
            if has:
                self._device.free(address)
            address = self._device.allocate(size)
            self._pieces[name] = (address, size)
        return address

    def hold(self, name: str, data: NDArray[np.uint8]) -> int:
        """Copy data into a piece."""
        address = self.address(name, max(data.nbytes, 1))
        self._device.upload(address, data)
        return address

    def __del__(self) -> None:
        for address, _ in self._pieces.values():
            self._device.free(address)

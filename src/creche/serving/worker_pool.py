"""Several processes that serve the same models on one port: started, told what to do, and started again if they end.

Each has a socket of its own, among which the system divides the connections. This process keeps all of them open, so
that the connections of a worker that ended wait for the next one.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from creche._system.listening import is_on_loopback, list_own_hosts, listen_together
from creche.errors import PlanError, ProcessError
from creche.plan.words import DeviceName
from creche.serving.messages import Channel
from creche.serving.metrics import Metrics
from creche.serving.run import ServerOptions, check_access

__all__ = ["WorkerPool"]

COUNT_SECONDS = 2.0
"""How long workers have to tell what they have counted; what one told before counts if it is busy."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 30.0
"""Seconds before a worker that ended is started again; twice as long each time it ends before it is ready."""


@dataclass(slots=True, eq=False)
class _Worker:
    """A place among the workers, and the process that has it now."""

    number: int
    listener: socket.socket
    process: subprocess.Popen[bytes] | None = None
    channel: Channel | None = None
    is_ready: bool = False
    pause: float = FIRST_PAUSE
    counts: dict[str, Any] = field(default_factory=lambda: Metrics().to_dict())


class WorkerPool:
    """Workers that serve the same models; it has the face of a `Server`.

    Parameters
    ----------
    paths : sequence of Path
        The files of the models.
    options : ServerOptions
    workers : int
    threads : int, optional
    device : str, optional
        As `creche.load` takes them.
    log : callable
        Told what happens while it runs, in a sentence.

    Raises
    ------
    PlanError
        As `Server` raises.

    """

    def __init__(
        self,
        paths: Sequence[Path],
        options: ServerOptions,
        workers: int,
        *,
        threads: int | None = 1,
        device: DeviceName | None = None,
        log: Callable[[str], object] = print,
    ) -> None:
        self._options, self._log = options, log
        listeners = listen_together(options.host, options.port, workers)
        try:
            check_access(listeners[0], options)
        except PlanError:
            for listener in listeners:
                listener.close()
            raise
        self._workers = [_Worker(number, listener) for number, listener in enumerate(listeners)]
        port = listeners[0].getsockname()[1]
        self._job = {
            "paths": [str(path.absolute()) for path in paths], "threads": threads, "device": device,
            "options": asdict(options) | {"port": port},
        }  # fmt: skip
        self.link = f"http://{list_own_hosts(options.host, port)[0]}/"
        self._retired = Metrics()
        self._is_ending = False
        self._numbers = itertools.count()
        self._awaited: dict[int, tuple[set[int], asyncio.Event]] = {}
        self._told: dict[str, Counter[int]] = {}

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine reaches them."""
        return is_on_loopback(self._workers[0].listener)

    def run(self, started: Callable[[], object]) -> None:
        """Serve until SIGTERM or Ctrl-C. `started` is called once all workers answer.

        Raises
        ------
        ProcessError
            If a worker ends before it was ever ready.

        """
        try:
            asyncio.run(self._run(started))
        finally:
            self._stop_listening()

    async def _run(self, started: Callable[[], object]) -> None:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._end)
            loop.add_signal_handler(signal.SIGHUP, lambda: self._tell_all(order="reload"))
        self._ready, self._started = asyncio.Event(), started
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for worker in self._workers:
                    self._tasks.create_task(self._keep(worker))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        finally:
            for worker in self._workers:
                if worker.process is not None and worker.process.poll() is None:
                    worker.process.kill()

    async def _keep(self, worker: _Worker) -> None:
        """Start a worker, listen to it, and start it again when it ends, until all are to end."""
        while not self._is_ending:
            code = await self._serve(worker)
            self._retire(worker)
            if self._is_ending:
                return
            if not self._ready.is_set():
                raise ProcessError(f"serve: a worker ended before it was ready (exit status {code}); see its message")
            self._log(f"worker {worker.number + 1} has ended (exit status {code}), and is started again")
            await asyncio.sleep(worker.pause)
            worker.pause = min(2 * worker.pause, LONGEST_PAUSE)

    async def _serve(self, worker: _Worker) -> int:
        """Start the process of a worker, and do what it asks for until it ends; return its exit status."""
        own, other = socket.socketpair()
        with other:
            descriptors = (worker.listener.fileno(), other.fileno())
            command = [sys.executable, "-m", "creche.serving.worker", *map(str, descriptors)]
            # A session of its own: Ctrl-C is for this process, which tells the workers.
            process = subprocess.Popen(command, pass_fds=descriptors, start_new_session=True)
        worker.process, worker.channel = process, await Channel.open(own)
        worker.channel.send(**self._job)
        async for message in worker.channel.messages():
            self._answer(worker, message)
        worker.channel.close()
        return await asyncio.to_thread(process.wait)

    def _answer(self, worker: _Worker, message: dict[str, Any]) -> None:
        assert worker.channel is not None
        if "is_ready" in message:
            worker.is_ready, worker.pause = True, FIRST_PAUSE
            if self._is_ending:
                worker.channel.send(order="drain")
            elif not self._ready.is_set() and all(one.is_ready for one in self._workers):
                self._ready.set()
                self._started()
        elif "counted" in message:
            worker.counts = message["counted"]
            self._settle(message["number"], worker)
        elif "gather" in message:
            self._tasks.create_task(self._gather(worker.channel, message["gather"]))
        elif "log" in message:
            self._pass_on(worker, message["log"])

    def _pass_on(self, worker: _Worker, text: str) -> None:
        """Tell what a worker tells, once if all of them do."""
        told = self._told.setdefault(text, Counter())
        most = max(told.values(), default=0)
        told[worker.number] += 1
        if told[worker.number] > most:
            self._log(text)

    async def _gather(self, channel: Channel, number: int) -> None:
        """Send a worker what all have counted."""
        own, told = next(self._numbers), asyncio.Event()
        self._awaited[own] = ({worker.number for worker in self._workers if worker.is_ready}, told)
        self._tell_all(order="count", number=own)
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                await told.wait()
        except TimeoutError:
            pass
        del self._awaited[own]
        counts = [self._retired.to_dict(), *(worker.counts for worker in self._workers)]
        channel.send(order="gathered", number=number, counts=counts)

    def _settle(self, number: int, worker: _Worker) -> None:
        """Note that a worker has told what it has counted, or never will."""
        missing, told = self._awaited.get(number, (set(), None))
        missing.discard(worker.number)
        if told is not None and not missing:
            told.set()

    def _retire(self, worker: _Worker) -> None:
        """Keep what the process of a worker had counted, but not what it was doing."""
        self._retired.add(worker.counts | {"in_progress": 0})
        worker.counts, worker.channel, worker.is_ready = Metrics().to_dict(), None, False
        for number in list(self._awaited):
            self._settle(number, worker)

    def _end(self) -> None:
        """End all workers in order; the second time, at once."""
        if self._is_ending:
            self._tell_all(order="abort")
            for worker in self._workers:
                if worker.process is not None and not worker.is_ready:
                    worker.process.kill()
            return
        self._is_ending = True
        self._tell_all(order="drain")
        # Connections that no worker would answer any more are to be refused.
        asyncio.get_running_loop().call_later(self._options.drain_seconds, self._stop_listening)

    def _stop_listening(self) -> None:
        for worker in self._workers:
            worker.listener.close()

    def _tell_all(self, **message: Any) -> None:
        for worker in self._workers:
            if worker.channel is not None and worker.is_ready:
                worker.channel.send(**message)

"""One of several processes that serve the same models on one port.

It is started as ``python -m creche.serving.worker LISTENER CHANNEL``, with the descriptors of two sockets. What it
serves, and how, comes as the first message: everyone on the machine can read the arguments of a process, and a token
must not be among them.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from pathlib import Path
from typing import Any

import orjson

from creche.serving.bodies import Limits
from creche.serving.messages import Channel
from creche.serving.metrics import Metrics
from creche.serving.run import Server, ServerOptions
from creche.serving.served_model import Models

__all__ = ["main"]


class Worker:
    """Serves, and does what the process that started it tells.

    Parameters
    ----------
    listener : socket
    end : socket
        Its end of the channel.
    job : dict
        The first message.

    """

    def __init__(self, listener: socket.socket, end: socket.socket, job: dict[str, Any]) -> None:
        models = Models([Path(path) for path in job["paths"]], threads=job["threads"], device=job["device"])
        options = ServerOptions(**job["options"] | {"limits": Limits(**job["options"]["limits"])})
        self._server = Server(models, options, log=self._log, listener=listener)
        self._server.companions.append(self._attend)
        self._server.serving.gather_metrics = self._gather
        self._end = end
        self._is_alone = False
        self._numbers = itertools.count()
        self._gathered: dict[int, asyncio.Future[list[dict[str, Any]]]] = {}

    def run(self) -> None:
        """Serve until the other process says that it is enough, or has ended."""
        self._server.run(lambda: None)

    async def _attend(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = await Channel.open(self._end)
        self._channel.send(is_ready=True)
        try:
            await self._obey()
        finally:
            self._is_alone = True
            for answer in self._gathered.values():
                answer.set_result([self._server.serving.metrics.to_dict()])
        self._server.stop()

    async def _obey(self) -> None:
        """Do what the other process orders, until it ends."""
        reloads: set[asyncio.Task[None]] = set()
        async for message in self._channel.messages():
            match message["order"]:
                case "drain":
                    self._server.drain()
                case "abort":
                    self._server.abort()
                case "reload":
                    reloads.add(task := asyncio.create_task(asyncio.to_thread(self._server.reload)))
                    task.add_done_callback(reloads.discard)
                case "count":
                    self._channel.send(counted=self._server.serving.metrics.to_dict(), number=message["number"])
                case "gathered":
                    self._gathered.pop(message["number"]).set_result(message["counts"])

    async def _gather(self) -> Metrics:
        """Return the numbers of all workers; of this one, if the other process cannot be asked any more."""
        if self._is_alone:
            return self._server.serving.metrics
        number = next(self._numbers)
        answer = self._gathered[number] = asyncio.get_running_loop().create_future()
        self._channel.send(gather=number)
        metrics = Metrics()
        for counts in await answer:
            metrics.add(counts)
        return metrics

    def _log(self, text: str) -> None:
        self._loop.call_soon_threadsafe(lambda: self._channel.send(log=text))


def main(listener: int, channel: int) -> None:
    """Serve with the sockets of these descriptors."""
    end = socket.socket(fileno=channel)
    with end.makefile("rb", buffering=0) as file:
        job = orjson.loads(file.readline())
    Worker(socket.socket(fileno=listener), end, job).run()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

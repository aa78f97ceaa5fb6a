"""The WebSocket of a session: requests come in, views go out, as fast as the page takes them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from creche.studio.connection import Connection
from creche.studio.outbox import Outbox
from creche.studio.protocol.frames import PushedFrames, encode_view
from creche.studio.protocol.views import Closing, Failure
from creche.studio.server.sessions import Sessions, TooManySessionsError

__all__ = ["SUBPROTOCOL", "serve_socket"]

SUBPROTOCOL = "creche.1"
GOING_AWAY, TRY_LATER, WRONG_PROTOCOL = 1001, 1013, 1002
PAUSE = 0.5
"""Seconds for which a page is not read that sends too fast."""


async def serve_socket(socket: WebSocket, sessions: Sessions) -> None:
    """Connect a page with its session until either ends."""
    address = socket.path_params["address"]
    if SUBPROTOCOL not in socket.scope["subprotocols"] or not sessions.is_address(address):
        await socket.close(WRONG_PROTOCOL)
        return
    await socket.accept(SUBPROTOCOL)
    try:
        session = await sessions.open(address)
    except TooManySessionsError as error:
        with suppress(WebSocketDisconnect, RuntimeError):
            await socket.send_bytes(encode_view(Failure("busy", str(error))))
            await socket.close(TRY_LATER)
        return
    loop, wakened = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(wakened.set)

    connection = Connection(session, wake)
    frames = sessions.watch(address, connection.outbox)
    room = asyncio.Event()
    tasks = [
        asyncio.create_task(_receive(socket, connection, room)),
        asyncio.create_task(_send(socket, connection.outbox, frames, wakened, room)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except (WebSocketDisconnect, RuntimeError):
        pass  # the page has gone: Starlette says so in one way or the other
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connection.close()
        sessions.unwatch(address, connection.outbox)
        if socket.application_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect, RuntimeError):
                await socket.close(GOING_AWAY)


async def _receive(socket: WebSocket, connection: Connection, room: asyncio.Event) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        text = message.get("text")
        may_go_on = connection.receive(message.get("bytes") or b"" if text is None else text)
        if not may_go_on:
            await asyncio.sleep(PAUSE)
        while connection.outbox.is_full:  # what the page sends meanwhile stays in the buffers of the network
            room.clear()
            if connection.outbox.is_full:
                await room.wait()


async def _send(
    socket: WebSocket, outbox: Outbox, frames: PushedFrames, wakened: asyncio.Event, room: asyncio.Event
) -> None:
    while True:
        wakened.clear()
        while (outgoing := outbox.take()) is not None:
            await socket.send_bytes(
                frames.encode(outgoing.view) if outgoing.reply_to is None else encode_view(*outgoing)
            )
            room.set()
            if isinstance(outgoing.view, Closing):
                return
        with suppress(TimeoutError):
            await asyncio.wait_for(wakened.wait(), outbox.seconds_to_wait())

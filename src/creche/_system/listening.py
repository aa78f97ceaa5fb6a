"""Sockets that servers listen on: opened before anything else, with errors that name the address or port."""

from __future__ import annotations

import errno
import ipaddress
import socket
from contextlib import suppress

from creche.errors import PlanError

__all__ = ["LOOPBACK", "is_on_loopback", "is_taken", "list_own_hosts", "listen", "listen_together"]

LOOPBACK = "127.0.0.1"
LARGEST_PORT = 65_535


def listen(host: str, port: int, *, shares_port: bool = False) -> socket.socket:
    """Return a socket that is bound to an address.

    Parameters
    ----------
    host : str
        A name or address of this machine.
    port : int
        0 for a free one.
    shares_port : bool, default False
        Whether other sockets of this user that say so, too, may have the same port; the system then gives each of them
        a part of the connections.

    Raises
    ------
    PlanError
        If the port is taken or may not be used, or the address is none of this machine's.

    """
    if not 0 <= port <= LARGEST_PORT:
        raise PlanError(f"port: got {port}; needs a number from 0 to {LARGEST_PORT}", argument="port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, ValueError, TypeError) as error:  # not text, or text that cannot be a name
        raise PlanError(f"host: got {host!r}, which is not an address of this machine", argument="host") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shares_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = f"port: {port} is taken by another program; choose another, or 0 for a free one"
            raise PlanError(message, argument="port") from error
        if error.errno in (errno.EACCES, errno.EPERM):
            message = f"port: got {port}, which only the administrator may use; choose one from 1024 on"
            raise PlanError(message, argument="port") from error
        raise PlanError(f"host: got {host!r}, which is not an address of this machine", argument="host") from error
    return listener


def listen_together(host: str, port: int, count: int) -> list[socket.socket]:
    """Return sockets that are bound to the same address and share its connections.

    Raises
    ------
    PlanError
        As `listen` does, also if the port is taken by sockets that would share it.

    """
    with listen(host, port) as alone:
        free_port = alone.getsockname()[1]
    return [listen(host, free_port, shares_port=True) for _ in range(count)]


def is_taken(error: PlanError) -> bool:
    """Whether `listen` failed because another program has the port."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE


def is_on_loopback(listener: socket.socket) -> bool:
    """Whether only this machine reaches a socket."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def list_own_hosts(host: str, port: int) -> list[str]:
    """Return what the header Host of a request to a server may be; the first is that of a link to it.

    Examples
    --------
    >>> list_own_hosts("127.0.0.1", 8080)
    ['127.0.0.1:8080', 'localhost:8080']

    """
    names = [host, LOOPBACK, "localhost"]
    if host in ("localhost", LOOPBACK):
        names = [LOOPBACK, "localhost"]
    elif host in ("0.0.0.0", "::", ""):
        names = [socket.gethostname(), *_own_addresses(), LOOPBACK, "localhost"]
    brackets = [f"[{name}]" if ":" in name else name for name in names]
    return [f"{name}:{port}" for name in dict.fromkeys(brackets)]


def _own_addresses() -> list[str]:
    """Return the addresses under which other machines may reach this one."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.connect((elsewhere, 9))  # sends nothing, but chooses the address from which it would be sent
            found.append(str(probe.getsockname()[0]))
    return found

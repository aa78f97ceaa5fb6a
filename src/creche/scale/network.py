"""Where this machine is reached, and which machines addresses of a cluster name."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from creche.engine.processes.meeting import address_towards

__all__ = ["ADDRESS", "address_of_this_machine", "host_of", "is_same_machine", "port_of"]

# The address at which the processes of a cluster reach this machine, where it has several.
ADDRESS = "CRECHE_ADDRESS"


def host_of(address: str) -> str:
    """Return the host of an address of a cluster.

    Examples
    --------
    >>> host_of("tcp://10.0.0.5:8786"), host_of("10.0.0.5:6379"), host_of("[::1]:6379")
    ('10.0.0.5', '10.0.0.5', '::1')

    """
    return _parts(address)[0]


def port_of(address: str) -> str:
    """Return the port of an address of a cluster.

    Examples
    --------
    >>> port_of("ray://head:10001")
    '10001'

    """
    return _parts(address)[1]


def _parts(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition("://")[2].rpartition(":")
    return host.strip("[]"), port


def address_of_this_machine(towards: str = "") -> str:
    """Return the address at which other machines reach this one.

    Parameters
    ----------
    towards : str
        The host of one of them, if it is known.

    """
    if named := os.environ.get(ADDRESS):
        return named
    if towards:
        with suppress(OSError):
            return address_towards(towards)
    with suppress(OSError):
        return socket.gethostbyname(socket.gethostname())
    return "127.0.0.1"


def is_same_machine(one: str, other: str) -> bool:
    """Whether two hosts, by name or by number, are one machine.

    Examples
    --------
    >>> is_same_machine("localhost", "127.0.0.1"), is_same_machine("127.0.0.1", "127.0.0.2")
    (True, False)

    """
    return one == other or bool(_numbers(one) & _numbers(other))


def _numbers(host: str) -> set[str]:
    with suppress(OSError, UnicodeError):
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    return {host}

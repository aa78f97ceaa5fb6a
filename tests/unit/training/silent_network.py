"""A process of two that train together, whose connection falls silent after three epochs: not even an error comes.

It is run in a network namespace of its own, in which there is nothing but the loopback, and that is switched off.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys

import creche as cr
from creche.engine.processes import link
from tests.unit.training.test_processes import JOB, at_epoch

# Of <net/if.h> and <linux/sockios.h>
GET_FLAGS, SET_FLAGS, IS_UP = 0x8913, 0x8914, 1
REQUEST = struct.Struct("16sH22x")

PORT = "29500"  # there is no other program in this network


def switch(is_on: bool) -> None:
    """Switch the loopback on or off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as some:
        _, flags = REQUEST.unpack(fcntl.ioctl(some, GET_FLAGS, REQUEST.pack(b"lo", 0)))
        fcntl.ioctl(some, SET_FLAGS, REQUEST.pack(b"lo", flags | IS_UP if is_on else flags & ~IS_UP))


def main(rank: str, folder: str) -> None:
    """Train; print what has become of it, and of the process of rank 1, which that of rank 0 starts."""
    link.SECONDS_BEFORE_PROBE = link.SECONDS_BETWEEN_PROBES = link.PROBES = 1
    link.MILLISECONDS_UNANSWERED = 2_000
    os.environ.update(RANK=rank, WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=PORT)
    other = None
    if rank == "0":
        switch(True)
        other = subprocess.Popen([sys.executable, "-m", __spec__.name, "1", folder], stdout=subprocess.PIPE)
    try:
        cr.train(
            "penguins", **JOB, checkpoint=folder if rank == "0" else None, on_epoch=at_epoch(3, lambda: switch(False))
        )
    except cr.ProcessError as error:
        epochs = None if error.run is None else len(error.run.history)
        print(json.dumps({"message": str(error), "rank": error.rank, "epochs": epochs}), flush=True)
    if other is not None:
        sys.stdout.write(other.communicate()[0].decode())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Stands for a process that is forked elsewhere: `tests/preloaded.py` says why.

python -I -S tests/preloaded_client.py SOCKET [an argument of Python ...]
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import suppress

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)
SIZE_BYTES = 4


def main() -> None:
    address, *arguments = sys.argv[1:]
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    request = json.dumps([arguments, os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(connection, [len(request).to_bytes(SIZE_BYTES, "little")], [0, 1, 2])
    connection.sendall(request)
    process = int.from_bytes(connection.recv(SIZE_BYTES), "little")
    for number in PASSED_ON:
        signal.signal(number, lambda number, _: os.kill(process, number))
    code = int.from_bytes(connection.recv(SIZE_BYTES), "little", signed=True)
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler to take back
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()

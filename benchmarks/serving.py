"""Serving: the time of one request over loopback, requests and rows per second of one core, and memory after many.

A process of `creche serve` answers a client in this process, which speaks HTTP over plain sockets, so that it takes
little processor time of its own. The rows are those of the penguins, and the model has two hidden layers of 32 neurons.
Rates per core divide by the processor time that the server takes, so that they do not depend on how busy the machine
is; what the client takes is told as well. Memory is watched over many requests: a quarter hold a word that no other
has, and a tenth are refused. `--requests N` sets their number, and `--memory-only` leaves out the rest.
Several workers (`creche serve --workers`) share the cores with the client: their rate for each core tells more than the
rate itself where there are few cores.
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _compare import Spread
from _report import Options, Report, parse_options

import creche as cr

CONNECTIONS = 16
LATENCY_REQUESTS = 2_000
RATE_REQUESTS = 4_000
BATCH_ROWS, BATCH_REQUESTS = 1_000, 40
LEAK_REQUESTS = 20_000
MILLISECONDS_BELOW = 1.0
REQUESTS_AT_LEAST = 2_000.0
ROWS_AT_LEAST = 200_000.0
GROWTH_BELOW = 8.0  # MiB
LOOKS = 10  # at memory
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--requests", type=int, default=LEAK_REQUESTS)
    parser.add_argument("--memory-only", action="store_true")
    own, others = parser.parse_known_args()
    sys.argv[1:] = others
    options = parse_options(__doc__, rounds=3)
    report = Report("Serving: one model over loopback", options)
    rows = penguin_rows()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "penguins.creche"
        cr.train("penguins", label="species", epochs=30, threads=1).model.save(path)
        with serving(path) as server:
            if not own.memory_only:
                measure(server, rows, options, report)
            report_memory(server, rows[0], 500 if options.quick else own.requests, report)
        if not own.memory_only:
            measure_workers(path, rows[0], options, report)
    return report.finish()


def report_memory(server: "Server", row: dict[str, Any], requests: int, report: Report) -> None:
    """Print the memory of the server over many requests."""
    sizes = watch_memory(server, row, requests)
    report.section("Memory")
    steps = ", ".join(f"{size:.1f}" for size in sizes)
    report.say(f"The server has {steps} MiB, each after {requests // LOOKS:,} more requests of one row.")
    growth = Spread.of([sizes[-1] - sizes[0]])
    report.claim_below(f"growth over {requests:,} requests", growth, GROWTH_BELOW, " MiB")


def measure_workers(path: Path, row: dict[str, Any], options: Options, report: Report) -> None:
    """Print the rate at which one worker and several answer requests of one row, in turns."""
    counts = sorted({1, 2, os.cpu_count() or 1})
    found: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    for _ in range(options.rounds):
        for count in counts:
            with serving(path, "--workers", str(count)) as server:
                requests = RATE_REQUESTS // (20 if options.quick else 1)
                found[count].append(ask(server, request_of(row), CONNECTIONS, requests, 1))
    report.section(f"Workers: requests of one row, {CONNECTIONS} connections")
    columns = {"requests/s": "rate", "requests/s a core": "rate_a_core"}
    report.table(
        ["workers", *columns],
        [
            [str(count), *(Spread.of(turn[key] for turn in turns).show() for key in columns.values())]
            for count, turns in found.items()
        ],
    )


class Server:
    """A process of `creche serve`, and its workers."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.port = process, port

    def seconds(self) -> float:
        """Return the processor time that it has taken, with its workers."""
        pid = self.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ticks = 0
        for process in (pid, *workers):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS

    def memory(self) -> float:
        """Return its resident memory in MiB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def serving(path: Path, *more: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "creche", "serve", str(path), "--port", "0", *more]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
            assert found is not None
            server = Server(process, int(found[1]))
            print(f"ready after {time.perf_counter() - start:.2f} s, with {server.memory():.1f} MiB", file=sys.stderr)
            yield server
        finally:
            process.terminate()


def penguin_rows() -> list[dict[str, Any]]:
    penguins = cr.datasets.penguins()
    return penguins.drop("species", *(name for name in ("year",) if name in penguins.columns)).to_dicts()


def request_of(*rows: dict[str, Any]) -> bytes:
    body = json.dumps({"rows": rows}).encode()
    head = "POST /predict HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def measure(server: Server, rows: list[dict[str, Any]], options: Options, report: Report) -> None:
    """Print the time of a request, and rates, turn by turn."""
    one = request_of(rows[0])
    batch = request_of(*(rows[i] for i in np.random.default_rng(0).integers(0, len(rows), BATCH_ROWS)))
    few = 20 if options.quick else 1
    cases = {
        "one row, one connection": (one, 1, LATENCY_REQUESTS // few, 1),
        f"one row, {CONNECTIONS} connections": (one, CONNECTIONS, RATE_REQUESTS // few, 1),
        f"{BATCH_ROWS:,} rows, one connection": (batch, 1, max(BATCH_REQUESTS // few, 2), BATCH_ROWS),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
    for _ in range(options.rounds):
        for name, (request, connections, count, rows) in cases.items():
            found[name].append(ask(server, request, connections, count, rows))
    columns = {
        "median, ms": ("milliseconds", 1.0), "rows/s": ("rate", 1.0), "rows/s a core": ("rate_a_core", 1.0),
        "server, µs a request": ("server", 1e6), "client, µs a request": ("client", 1e6),
    }  # fmt: skip
    report.section("Requests")
    report.table(
        ["requests", *columns],
        [
            [name, *(Spread.of(turn[key] for turn in turns).show(scale) for key, scale in columns.values())]
            for name, turns in found.items()
        ],
    )
    first, several, large = found.values()
    report.section("Claims")
    report.claim_below("one row, median", Spread.of(t["milliseconds"] for t in first), MILLISECONDS_BELOW, " ms")
    rates = Spread.of(t["rate_a_core"] / REQUESTS_AT_LEAST for t in several)
    report.claim_ratio(f"requests of one row a second and core, compared with {REQUESTS_AT_LEAST:,.0f}", rates, 1.0)
    rates = Spread.of(t["rate_a_core"] / ROWS_AT_LEAST for t in large)
    report.claim_ratio(f"rows a second and core in batches, compared with {ROWS_AT_LEAST:,.0f}", rates, 1.0)


def ask(server: Server, request: bytes, connections: int, count: int, rows: int) -> dict[str, float]:
    """Send a request many times; return the median time of one, rates, and processor times per request."""
    asyncio.run(ask_all(server.port, repeat(request), connections, 10 * connections))
    cpu, own, start = server.seconds(), time.process_time(), time.perf_counter()
    times = asyncio.run(ask_all(server.port, repeat(request), connections, count))
    wall, own, cpu = time.perf_counter() - start, time.process_time() - own, server.seconds() - cpu
    done = len(times)
    return {
        "milliseconds": 1e3 * median(times), "rate": done * rows / wall, "rate_a_core": done * rows / max(cpu, 1e-9),
        "server": cpu / done, "client": own / done,
    }  # fmt: skip


async def ask_all(
    port: int, requests: Iterator[bytes], connections: int, count: int, statuses: tuple[bytes, ...] = (b"200",)
) -> list[float]:
    """Return the time of each request, in seconds."""
    times: list[float] = []

    async def ask_on() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count // connections):
            request = next(requests).replace(b"{port}", str(port).encode(), 1)
            start = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if head.split(b" ", 2)[1] not in statuses:
                raise RuntimeError(f"the server answered {head[:200]!r}")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            times.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(ask_on() for _ in range(connections)))
    return times


def watch_memory(server: Server, row: dict[str, Any], count: int) -> list[float]:
    """Return the memory of the server in MiB, before `count` requests and along the way.

    Those before the first look fill what the server remembers of words that it has not seen.
    """
    one, refused = request_of(row), request_of(row | {"bill_length_mm": "long"})

    def requests() -> Iterator[bytes]:
        for i in itertools.count():
            yield request_of(row | {"island": f"island {i}"}) if i % 4 == 1 else refused if i % 10 == 0 else one

    asked, sizes = requests(), []
    for step in range(LOOKS + 1):
        each = max(count // LOOKS, CONNECTIONS)
        asyncio.run(ask_all(server.port, asked, CONNECTIONS, each, statuses=(b"200", b"422")))
        sizes.append(server.memory())
        print(f"{step * each:,} requests: {sizes[-1]:.1f} MiB", file=sys.stderr)
    return sizes


if __name__ == "__main__":
    raise SystemExit(main())

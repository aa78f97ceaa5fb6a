"""A sweep and a network on 1 to 4 machines of a cluster of Ray, against what docs/costs.md says of machines.

The machines are processes of this computer on 127.0.0.3, .4, …, with one processor each. More of them than it has cores
share these, also with what Ray does on each machine; so the share of the engine is claimed for at most one machine a
core. The workers measure how much processor time they have, and how much of it they create and train
networks. The model of the page says that n machines take the processor time of one, divided by n. One network is
trained by 1, 2 and 4 processes, this one and others on the cluster: its bytes must be the same, and its figures show
what a step costs.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from _compare import Spread
from _report import Report, parse_options

import creche as cr
from creche._system.resources import usable_cores

sys.path.append(str(Path(__file__).parents[1]))
from tools.ray_nodes import own_folder, start_nodes

MACHINES, PROCESSES = (1, 2, 4), (1, 2, 4)
NETWORKS, EPOCHS = 120_000, 50
BEGIN = 8_000  # networks for each machine: long enough that none has done its piece before all have begun with theirs
LATE_BELOW, BUSY_AT_LEAST = 1.15, 95.0  # times as long as predicted; per cent
ROWS, INPUTS, WIDTH, BATCH = 8_192, 64, 512, 1_024


def measure_sweep(networks: int, epochs: int, begin: int) -> dict[str, float]:
    """Return the seconds of a sweep on the cluster, those of the engine, and its share of the workers' time.

    A sweep of `begin` networks comes first, in which the machines start their processes, and these import.
    """
    sweep: dict[str, Any] = {"label": "species", "hidden": [10, 10], "epochs": epochs, "on_progress": False}
    cr.sweep("penguins-four", **sweep, seeds=begin, cluster="auto")
    start = time.perf_counter()
    colony = cr.sweep("penguins-four", **sweep, seeds=networks, cluster="auto")
    spent: Any = colony.crew.processor_time  # type: ignore[attr-defined]
    return {"seconds": time.perf_counter() - start, "engine": spent.engine, "share": 100 * spent.share}


def train(processes: int, quick: bool) -> cr.Run:
    draw = np.random.default_rng(0)
    x = draw.standard_normal((ROWS // 8 if quick else ROWS, INPUTS), dtype=np.float32)
    elsewhere = {"processes": processes, "cluster": "auto"} if processes > 1 else {}
    return cr.train(
        x, x[:, 0] * x[:, 1], hidden=[WIDTH // 8 if quick else WIDTH] * 2, batch_size=BATCH, shards=4, threads=1,
        epochs=3, validation_fraction=0.0, keep="last", on_progress=False, **elsewhere,
    )  # fmt: skip


def weights(run: cr.Run) -> bytes:
    return b"".join(array.tobytes() for array in run.parameters.values())


def main() -> int:
    options = parse_options(__doc__, rounds=1)
    report = Report("Machines: a cluster of Ray on this computer", options)
    import ray

    networks, epochs, begin = (64, 2, 64) if options.quick else (NETWORKS, EPOCHS, BEGIN)
    with own_folder():
        nodes = start_nodes(1, attempts=3)
        try:
            ray.init(nodes.cluster.address, _node_ip_address="127.0.0.2", logging_level="ERROR", log_to_driver=False)
            report.section(f"A sweep of {networks:,} networks 4-10-10-3, {epochs} epochs")
            lines, work, late, busy = [], 0.0, Spread.of([0.0]), Spread.of([0.0])
            for count in MACHINES:
                while len(nodes.cluster.worker_nodes) < count:
                    nodes.add()
                measured = [measure_sweep(networks, epochs, count * begin) for _ in range(options.rounds)]
                each = {name: Spread.of([one[name] for one in measured]) for name in measured[0]}
                work = work or each["engine"].median  # that of one machine
                cores = min(count, usable_cores())
                predicted = work / cores
                late = Spread.of([one["seconds"] / predicted for one in measured])
                share = Spread.of([100 * one["engine"] / (cores * one["seconds"]) for one in measured])
                if count == cores:
                    busy = share
                lines.append(
                    [str(count), each["seconds"].show(), f"{predicted:.3g}", each["share"].show(), share.show()]
                )
            head = [
                "machines",
                "seconds",
                "predicted",
                "engine, % of workers' processor time",
                "engine, % of cores' time",
            ]
            report.table(head, lines)
            report.section("One network on several processes, one thread each, 4 shards")
            lines, alone = [], b""
            for processes in PROCESSES:
                run = train(processes, options.quick)
                alone = alone or weights(run)
                report.unmet += weights(run) != alone
                steps = run.step // run.epoch
                step = Spread.of([1e3 * seconds / steps for seconds in run.history.seconds[1:]])
                lines.append([str(processes), step.show(), "yes" if weights(run) == alone else "**no**"])
            report.table(["processes", "ms a step", "the bytes of one process"], lines)
            report.say("")
            report.claim_below(f"A sweep on {MACHINES[-1]} machines", late, LATE_BELOW, " times as long as predicted")
            report.claim_at_least(
                "Time of the cores in the engine, with one for each machine", busy, BUSY_AT_LEAST, " %"
            )
        finally:
            ray.shutdown()
            nodes.end()
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())

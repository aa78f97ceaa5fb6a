"""Many small networks on a GPU: the kernel of a colony, compared with the CPU's engine on two threads.

Networks of 4-10-10-3 neurons with Adam, on the rows of the penguin job, that differ in seed. The figure is the time of
all networks, divided by their steps. Members have the same bytes on both, so that only the time differs.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from _jobs import PENGUIN, Job, penguin_task, shorten_job
from _report import Options, Report, parse_options

from creche import _core
from creche.engine.device_colony.colony import DeviceColony
from creche.engine.device_colony.cuda import CudaDevice
from creche.engine.native import translate
from creche.errors import PlanError
from creche.plan import Network, Plan
from creche.plan.optimizers import Adam

NETWORKS = (1_024, 8_192, 65_536)
BATCH_SIZES = (20, 32)
ON_CPU, THREADS = 256, 2  # networks that the CPU trains
AT_MOST = 5.0  # nanoseconds of a step, with the most networks, on an H100


class Rate(NamedTuple):
    """The time of a step of one network, in nanoseconds."""

    where: str
    networks: int
    batch_size: int
    nanoseconds: float


def members_of(job: Job, networks: int) -> tuple[list[Any], list[Any]]:
    """Members that share one table, as the engine's colonies take them."""
    task = penguin_task(job)
    x, y = task.features, task.labels.astype(np.int32)
    engine = _core.load()
    sizes = job.sizes
    plan = Plan(
        Network.of(sizes[0], list(sizes[1:-1]), sizes[-1], activation="relu"),
        task="classification",
        optimizer=Adam(learning_rate=0.01),
        batch_size=job.batch_size,
        epochs=job.epochs,
        keep="last",
        early_stopping=None,
    ).resolved(len(x))
    translated = translate(engine, plan)
    return [(translated.with_seed(seed), 0, -1) for seed in range(networks)], [(x, y, None, None)]


def measure(colony: Any, job: Job, networks: int, where: str) -> Rate:
    """Train all epochs but the first, in which a GPU loads the kernel and learns how long an epoch takes."""
    colony.run(epoch=1)
    begin = time.perf_counter()
    colony.run()
    seconds = time.perf_counter() - begin
    steps = job.steps_per_epoch * (job.epochs - 1) * networks
    return Rate(where, networks, job.batch_size, seconds / steps * 1e9)


def rates(device: CudaDevice, jobs: list[Job], counts: tuple[int, ...]) -> Iterator[Rate]:
    """Yield the rate of the CPU, then those of the GPU, for each job."""
    engine = _core.load()
    for job in jobs:
        yield measure(engine.Colony32(*members_of(job, ON_CPU), THREADS), job, ON_CPU, f"CPU, {THREADS} threads")
        for networks in counts:
            yield measure(DeviceColony(engine, *members_of(job, networks), device), job, networks, device.name)


def jobs_of(quick: bool) -> list[Job]:
    """Return the penguin job at each batch size."""
    job = shorten_job(PENGUIN) if quick else PENGUIN
    return [replace(job, batch_size=batch_size) for batch_size in BATCH_SIZES]


def report_rates(report: Report, options: Options, device: CudaDevice) -> None:
    counts = NETWORKS[:1] if options.quick else NETWORKS
    measured = list(rates(device, jobs_of(options.quick), counts))
    rows = [[rate.where, f"{rate.networks:,}", str(rate.batch_size), f"{rate.nanoseconds:.2f}"] for rate in measured]
    report.table(["where", "networks", "batch size", "ns of a step"], rows)
    report.say("", f"Driver {device.driver_version}, NVRTC {device.compiler.version}, {device.architecture}.")


def main() -> int:
    options = parse_options(__doc__, rounds=1)
    try:
        device = CudaDevice()
    except PlanError as error:
        print(f"There is no GPU here, so that nothing was measured on one. {error}")
        return 0
    report = Report("Many small networks on a GPU", options)
    report.section("4-10-10-3 neurons, Adam")
    report_rates(report, options, device)
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())

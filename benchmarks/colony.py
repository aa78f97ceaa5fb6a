"""Many small networks at once: `creche.sweep`, compared with scikit-learn, PyTorch with stacked weights and JAX.

The penguin job (4-10-10-3 neurons, 2,400 steps) for 1,024 networks that differ in seed and learning rate. The figure
that counts is the time per network, for each library at the number of networks that suits it best. PyTorch and JAX may
give all networks the same learning rate and, in each epoch, the same order of rows; Creche gives each its own. Then a
sweep on the command line, the cost per network by size of the sweep, and the cost of 16 networks that predict together.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from _compare import HERE, Comparison, Contender, Spread, compare, significant, task_folder
from _jobs import PENGUIN, Task, penguin_task, read_task, shorten_job
from _networks import fastest, ratio, time_per_network
from _report import ONE_THREAD, Options, Report, parse_options
from start import creche_command, run_timed

from creche import _core

NETWORKS, QUICK_NETWORKS = 1_024, 32
ONE_BY_ONE = 16  # networks that are trained one after another
AT_LEAST = {"scikit-learn": 1_000, "JAX": 30, "PyTorch": 18}
SWEEP, ENGINE = "creche.sweep, 2 threads", "Creche, engine only, 2 threads"

# 2 architectures x 3 optimizers x 24 rates x 16 seeds.
COMMAND = (
    "sweep penguins --label species --hidden 5-5,10-10 --optimizer sgd,adam,adadelta --learning-rate 1e-4..1/24 "
    "--activation relu --seeds 16 --epochs 100"
)
COMMAND_BELOW = 3.0  # seconds
MEMBERS = (1, 16, 64, 1_024, 16_384)
ROWS = (1, 32, 1_000, 1_000_000)
TOGETHER = 16


def contenders(networks: int, quick: bool) -> list[Contender]:
    def many(name: str, family: str, trainer: str, threads: int, count: int) -> Contender:
        label = f"{name}, 2 threads" if threads == 2 else name
        return Contender(label, family, trainer, threads, {"networks": count})

    peers = (networks,) if quick else (64, 256, 1_024)
    return [
        many("creche.sweep", "Creche", "creche_sweep", 2, networks),
        many("creche.sweep", "Creche", "creche_sweep", 1, networks),
        many("Creche, engine only", "engine", "creche_colony", 2, networks),
        many("creche.train, one by one", "one by one", "creche_one_by_one", 1, ONE_BY_ONE),
        Contender("scikit-learn", "scikit-learn", "scikit_learn", 1),
        *(many(f"PyTorch, stacked weights of {n:,}", "PyTorch", "torch_stacked", 2, n) for n in peers),
        *(many(f"jax.vmap of {n:,}", "JAX", "jax_vmap", 2, n) for n in peers),
    ]


def main() -> int:
    options = parse_options(__doc__, rounds=3)
    report = Report("Colony: many small networks trained at once", options)
    job = shorten_job(PENGUIN) if options.quick else PENGUIN
    networks = QUICK_NETWORKS if options.quick else NETWORKS
    task = penguin_task(job)
    report.section(f"{networks:,} networks: {job}")
    report_times(report, compare(task, contenders(networks, options.quick), options.rounds), task)
    report_command(report, options)
    report_members(report, task, options)
    report_together(report, options)
    return report.finish()


def report_times(report: Report, comparison: Comparison, task: Task) -> None:
    peak = [_core.load().fma_peak(0.2, threads) * 1e9 for threads in (1, 2)]
    flops = task.job.flops_per_epoch * task.job.epochs

    def share(name: str) -> float:
        threads = comparison.results[name].contender.threads
        return flops / time_per_network(comparison, name).median / peak[threads - 1]

    rows = []
    for name, result in comparison.results.items():
        each, times = time_per_network(comparison, name), ratio(comparison, name, SWEEP)
        rows.append(
            [name, each.show(1e3), times.show(), f"{share(name):.1%}", f"{result.first_seconds:.2f}",
             f"{result.loss:.4f}"]
        )  # fmt: skip
    head = ["contender", "ms per network", "times creche.sweep", "of the peak", "first job, s", "loss after"]
    report.table(head, rows)
    report.say(
        "",
        f"The peak of multiply-adds here: {peak[0] / 1e9:.0f} GFLOP/s on one thread, {peak[1] / 1e9:.0f} on two.",
        "The first job includes compiling and is not among the timed ones.",
        ONE_THREAD,
        "The loss is that of the first network.",
    )  # fmt: skip
    for name, reason in comparison.absent.items():
        report.say(f"{name}: left out, {reason}.")
    report.say("")
    for family, at_least in AT_LEAST.items():
        name = fastest(comparison, family)
        if name is not None:
            times = ratio(comparison, name, SWEEP)
            report.claim_ratio(f"{name} takes longer per network by", times, at_least, times.median / share(SWEEP))
    report.say(f"- Aim: half of the multiply-add peak; `creche.sweep` {share(SWEEP):.1%}, engine {share(ENGINE):.1%}")


def report_command(report: Report, options: Options) -> None:
    """Time a sweep as a whole process."""
    report.section("2,304 networks from the command line")
    report.say(f"`creche {COMMAND}`", "")
    words = COMMAND.split()
    if options.quick:
        words[-1] = "2"
    command = [*creche_command(), *words, "--yes"]
    seconds = [run_timed(command, str(HERE)) for _ in range(options.rounds + 1)][1:]
    report.claim_below("The whole process", Spread.of(seconds), COMMAND_BELOW, " s")


def report_members(report: Report, task: Task, options: Options) -> None:
    """Measure seconds and memory of sweeps of different sizes, each in its own process."""
    report.section("Cost of one network by size of the sweep: `creche.sweep`, 2 threads")
    rows = []
    with task_folder(task) as folder:
        for members in MEMBERS[:3] if options.quick else MEMBERS:
            command = [sys.executable, __file__, "--members", str(members), str(folder)]
            answers = [json.loads(subprocess.check_output(command, cwd=HERE)) for _ in range(options.rounds)]
            seconds = Spread.of(s["seconds"] for s in answers)
            memory = Spread.of(s["megabytes"] / members for s in answers)
            rows.append([f"{members:,}", seconds.show(), seconds.show(1e3 / members), memory.show(1e3)])
    report.table(["networks", "seconds", "ms per network", "memory per network, kB"], rows)
    report.say("", "Memory: highest resident size during the sweep minus that before it; 1 kB is 1,000 bytes.")


def measure_members(members: int, folder: Path) -> None:
    """Measure one size of sweep, in the child process of `report_members`."""
    from memory import resident
    from trainers.creche_sweep import build

    task = read_task(folder)
    build(task, 2, 1).train()  # loads all modules
    trainer = build(task, 2, members)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest size so far
    begin = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "megabytes": max(resident("VmHWM") - before, 0)}))


def report_together(report: Report, options: Options) -> None:
    """Compare the predictions of one network with those of 16 networks together."""
    import creche as cr

    report.section(f"Predictions: {TOGETHER} networks together, compared with one, 4-10-10-3, 1 thread")
    random = np.random.default_rng(0)
    x = random.standard_normal((max(ROWS), 4), dtype=np.float32)
    colony = cr.sweep(
        x[:500],
        x[:500, :3].argmax(axis=1),
        hidden=[10, 10],
        activation="relu",
        epochs=2,
        seeds=TOGETHER,
        standardize=False,
        threads=1,
    )
    several = cr.Ensemble([member.model for member in colony], threads=1)
    one = several.models[0]
    rows = []
    for count in ROWS[:3] if options.quick else ROWS:
        calls = [partial(model.predict_proba, x[:count]) for model in (one, several)]
        pairs = [tuple(map(fastest_of, calls)) for _ in range(options.rounds)]
        times = Spread.of(b / a for a, b in pairs)
        rows.append([f"{count:,}", *(Spread.of(side).show(1e6) for side in zip(*pairs, strict=True)), times.show()])
    report.table(["rows", "one, µs", f"{TOGETHER} together, µs", "times"], rows)
    weights = 4 * 10 + 10 * 10 + 10 * 3
    panels = 4 + 10 + 10
    report.say(
        "",
        f"By multiply-adds, {TOGETHER} networks of {weights} weights cost {significant(weights / panels)} times "
        f"as much as one, whose {panels} panels of 16 columns are partly empty.",
    )  # fmt: skip


def fastest_of(call: Callable[[], object], seconds: float = 0.2) -> float:
    """Return the seconds of the fastest call among those that fit into the time."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
    return best


if __name__ == "__main__":
    if sys.argv[1:2] == ["--members"]:
        measure_members(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        raise SystemExit(main())

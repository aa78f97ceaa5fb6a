"""From which work per step a second thread pays off: the source of FLOPS_PER_THREAD in creche/engine/native.py."""

import time

import numpy as np
from _compare import Spread
from _report import Report, parse_options

from creche import _core
from creche.engine import native
from creche.plan import Network, Plan

WIDTHS = (8, 16, 32, 48, 64, 96, 128)
BATCH_SIZE = 128


def seconds_per_step(plan: Plan, x: np.ndarray, classes: np.ndarray, threads: int, steps: int) -> float:
    engine = _core.load()
    solo = engine.Solo32(native.translate(engine, plan), x, classes, None, None, None, threads)
    solo.run(steps=steps // 4)
    begin = time.perf_counter()
    solo.run(steps=steps)
    return (time.perf_counter() - begin) / steps


def main() -> int:
    options = parse_options(__doc__, rounds=7)
    report = Report("Threads: when a second one pays off off", options)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH_SIZE * 50, 16)).astype(np.float32)
    classes = (x[:, 0] > 0).astype(np.int32)
    rows = []
    for width in WIDTHS:
        plan = Plan(Network.of(16, [width, width], 2, "relu"), batch_size=BATCH_SIZE, epochs=10**6, keep="last")
        flops = 6 * plan.network.parameters * BATCH_SIZE
        steps = max(20, int(2e7 / flops) if options.quick else int(1e9 / flops))
        single, gains = [], []
        for _ in range(options.rounds):
            one, two = (seconds_per_step(plan, x, classes, threads, steps) for threads in (1, 2))
            single.append(one * 1e6)
            gains.append(one / two)
        used = native.limit_threads(plan, len(x), 2)
        rows.append(
            [str(plan.network), f"{flops / 1e6:.2f}", Spread.of(single).show(), Spread.of(gains).show(), str(used)]
        )
    report.say("")
    report.table(
        ["network", "MFLOP per step", "one thread, µs per step", "speed-up by a second", "threads Creche uses of two"],
        rows,
    )
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())

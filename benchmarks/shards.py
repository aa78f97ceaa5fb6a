"""One network on several processes of this machine: the same bytes, the time of a step, and what is sent.

Threads do the same on one machine without sending anything; they are the baseline.
"""

import numpy as np
from _compare import Spread
from _report import Report, parse_options

import creche as cr
from creche.engine.processes.chain import Chain

ROWS, INPUTS, SHARDS = 8192, 64, 4


def weights(run: cr.Run) -> bytes:
    return b"".join(array.tobytes() for array in run.parameters.values())


def main() -> int:
    options = parse_options(__doc__, rounds=3)
    report = Report("Shards: one network on threads and on processes", options)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, INPUTS)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    width, batch_size, epochs = (256, 1024, 2) if options.quick else (1024, 2048, 4)
    steps = ROWS // batch_size
    plan = {
        "hidden": [width, width], "batch_size": batch_size, "validation_fraction": 0.0, "epochs": epochs,
        "keep": "last", "on_progress": False, "standardize": False,
    }  # fmt: skip
    sent: list[int] = []
    end = Chain.end

    def end_and_count(chain: Chain) -> None:
        sent.append(chain.sent)
        end(chain)

    Chain.end = end_and_count  # type: ignore[method-assign]
    known: dict[int, bytes] = {}
    rows = []
    for shards, threads, processes in ((1, 1, 1), (1, 2, 1), (SHARDS, 1, 1), (SHARDS, 2, 1), (SHARDS, 2, 2)):
        milliseconds = []
        for _ in range(options.rounds):
            run = cr.train(x, y, **plan, shards=shards, threads=threads, processes=processes)
            milliseconds += [seconds / steps * 1e3 for seconds in run.history.seconds[1:]]
        is_same = known.setdefault(shards, weights(run)) == weights(run)
        report.unmet += not is_same
        traffic = f"{sent[-1] / steps / epochs / 1e6:.1f} MB" if processes > 1 else ""
        rows.append([str(shards), str(processes), str(threads), Spread.of(milliseconds).show(), traffic, str(is_same)])
    report.say("", f"{run.plan.network}, batches of {batch_size} rows", "")
    report.table(
        ["shards", "processes", "threads in all", "ms per step", "sent by the first per step", "bytes of one thread"],
        rows,
    )
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())

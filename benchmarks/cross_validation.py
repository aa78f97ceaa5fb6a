"""Cross-validation: the time per network of `creche.cross_validate` and of scikit-learn's `cross_validate`.

Creche trains 5 folds × 20 seeds of a network with two hidden layers of 16 on 5,000 rows at once; scikit-learn trains 5
folds × 2 repeats of an MLPClassifier on as many processes as Creche has threads. One table has 5 columns, the other 20.
Early stopping is off; batches and epochs are the same. The time includes everything from the arrays to the metrics on
the held-out folds: accuracy for scikit-learn; seven metrics, their means and intervals for Creche.
"""

from typing import Any

from _compare import Comparison, Contender, compare
from _jobs import Job, shorten_job, synthetic_task
from _networks import ratio, time_per_network
from _report import ONE_THREAD, Report, parse_options

TABLES = (
    Job("5 columns", 5_000, 5, (16, 16), 3, batch_size=32, epochs=20),
    Job("20 columns", 5_000, 20, (16, 16), 3, batch_size=32, epochs=20),
)
FOLDS, SEEDS, QUICK_SEEDS, REPEATS = 5, 20, 2, 2
AT_LEAST = 100
CRECHE, PEER = "creche.cross_validate, 2 threads", "scikit-learn, 2 processes"


def contenders(seeds: int) -> tuple[Contender, ...]:
    def spread(repeats: int, seeds: int) -> dict[str, Any]:
        return {"networks": FOLDS * repeats * seeds, "folds": FOLDS, "repeats": repeats, "seeds": seeds}

    ours, theirs = "creche_cross_validation", "scikit_learn_cross_validation"
    return (
        Contender(CRECHE, "Creche", ours, 2, spread(1, seeds)),
        Contender("creche.cross_validate", "Creche", ours, 1, spread(1, seeds)),
        Contender("creche.cross_validate, 1 seed, 2 threads", "one seed", ours, 2, spread(1, 1)),
        Contender(PEER, "scikit-learn", theirs, 2, spread(REPEATS, 1)),
        Contender("scikit-learn, 1 process", "scikit-learn", theirs, 1, spread(REPEATS, 1)),
    )


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    report = Report("Cross-validation: folds and seeds at once", options)
    seeds = QUICK_SEEDS if options.quick else SEEDS
    report.say("", f"Each network is trained on {FOLDS - 1} of {FOLDS} folds and evaluated on the other.")
    for table in TABLES:
        job = shorten_job(table) if options.quick else table
        report.section(f"{FOLDS} folds × {seeds} seeds: {job}")
        report_times(report, compare(synthetic_task(job), contenders(seeds), options.rounds))
    return report.finish()


def report_times(report: Report, comparison: Comparison) -> None:
    rows = []
    for name, result in comparison.results.items():
        times = ratio(comparison, name, CRECHE).show()
        count = f"{result.contender.options['networks']:,}"
        rows.append([name, count, time_per_network(comparison, name).show(1e3), times, f"{result.loss:.4f}"])
    report.table(["contender", "networks", "ms per network", "times Creche on 2 threads", "loss after"], rows)
    report.say("", "The loss is that of the first network on all rows.", ONE_THREAD, "")
    for name, reason in comparison.absent.items():
        report.say(f"{name}: left out, {reason}.")
    if PEER in comparison.results:
        times = ratio(comparison, PEER, CRECHE)
        report.claim_ratio("Time of a network in scikit-learn, relative to Creche", times, AT_LEAST)


if __name__ == "__main__":
    raise SystemExit(main())

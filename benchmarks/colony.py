"""Many small networks at once: `rookery.sweep` against training them one by one, PyTorch with stacked weights and JAX.

The penguin job (4-10-10-3 neurons, 2,400 steps) for 256 and for 2,048 seeds. What counts is the time of a network.
"""

from _compare import Comparison, Contender, Spread, compare
from _jobs import PENGUIN, penguin_task, shortened
from _report import Report, parse_options

NETWORKS = (256, 2_048)
QUICK_NETWORKS = (24,)
ONE_BY_ONE = 16  # trained for the figure of those that are trained one after another


def contenders(networks: int) -> tuple[Contender, ...]:
    many = {"networks": networks}
    return (
        Contender("rookery.sweep", "Rookery", "rookery_sweep", 1, many),
        Contender("rookery.sweep, 2 threads", "Rookery", "rookery_sweep", 2, many),
        Contender("rookery.train, one by one", "one by one", "rookery_one_by_one", 1, {"networks": ONE_BY_ONE}),
        Contender("PyTorch eager, stacked weights", "PyTorch", "torch_stacked", 1, many),
        Contender("PyTorch eager, stacked weights, 2 threads", "PyTorch", "torch_stacked", 2, many),
        Contender("jax.vmap", "JAX", "jax_vmap", 1, many),
        Contender("jax.vmap, 2 threads", "JAX", "jax_vmap", 2, many),
    )


def main() -> int:
    options = parse_options(__doc__, rounds=5)
    report = Report("Colony: many small networks trained at once", options)
    job = shortened(PENGUIN) if options.quick else PENGUIN
    report.say("", str(job))
    for networks in QUICK_NETWORKS if options.quick else NETWORKS:
        report.section(f"{networks:,} networks")
        report_times(report, compare(penguin_task(job), contenders(networks), options.rounds))
    return report.finish()


def report_times(report: Report, comparison: Comparison) -> None:
    rows = []
    for name, result in comparison.results.items():
        each = of_a_network(comparison, name)
        one, two = (ratio(comparison, name, sweep) for sweep in ("rookery.sweep", "rookery.sweep, 2 threads"))
        rows.append([name, each.show(1e3), one.show(), two.show(), f"{result.first_seconds:.2f}", f"{result.loss:.4f}"])
    head = ["contender", "a network, ms", "times rookery.sweep", "times it on 2 threads", "first job, s", "loss after"]
    report.table(head, rows)
    report.say("", "The first job includes compiling and is not among the others. Threads: 1 where not said.")
    report.say("The loss is that of the first network.")
    for name, reason in comparison.absent.items():
        report.say(f"{name}: left out, {reason}.")


def seconds_each(comparison: Comparison, name: str) -> list[float]:
    result = comparison.results[name]
    return [seconds / result.contender.options["networks"] for seconds in result.seconds]


def of_a_network(comparison: Comparison, name: str) -> Spread:
    return Spread.of(seconds_each(comparison, name))


def ratio(comparison: Comparison, slow: str, fast: str) -> Spread:
    """How many times longer a network took, turn by turn."""
    return Spread.of(a / b for a, b in zip(seconds_each(comparison, slow), seconds_each(comparison, fast), strict=True))


if __name__ == "__main__":
    raise SystemExit(main())

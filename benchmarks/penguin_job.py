"""A very small network, trained to the end: Creche compared with PyTorch, scikit-learn and JAX.

The four measurements of the penguins, 4-10-10-3 neurons, batches of 20: the arithmetic of a step takes less than a
microsecond, so that this measures the overhead of each library per step.
"""

from _compare import Comparison, Contender, compare
from _jobs import PENGUIN, penguin_task, shorten_job
from _report import ONE_THREAD, Report, parse_options

CONTENDERS = (
    Contender("Creche, creche.train", "Creche", "creche_call"),
    Contender("Creche, engine only", "engine", "creche_engine"),
    Contender("PyTorch eager, default Adam", "PyTorch eager", "torch_eager", options={"adam": {}}),
    Contender("PyTorch eager, fused Adam", "PyTorch eager", "torch_eager", options={"adam": {"fused": True}}),
    Contender("PyTorch eager, fused Adam, 2 threads", "PyTorch eager", "torch_eager", 2, {"adam": {"fused": True}}),
    Contender("torch.compile, whole step", "torch.compile", "torch_compiled", options={"options": {}}),
    Contender(
        "torch.compile, whole step, C++ wrapper",
        "torch.compile",
        "torch_compiled",
        options={"options": {"cpp_wrapper": True}},
    ),
    Contender("scikit-learn", "scikit-learn", "scikit_learn"),
    Contender("scikit-learn, 2 threads", "scikit-learn", "scikit_learn", 2),
    Contender("JAX, orders by NumPy", "JAX", "jax_scan", options={"row_orders": "numpy"}),
    Contender("JAX, orders by JAX", "JAX", "jax_scan", options={"row_orders": "jax"}),
    Contender("JAX, orders by NumPy, 2 threads", "JAX", "jax_scan", 2, {"row_orders": "numpy"}),
)

# How many times as long the fastest variant of each library takes, as claimed.
CLAIMS = {"PyTorch eager": 100.0, "scikit-learn": 75.0, "JAX": 5.0}


def main() -> int:
    options = parse_options(__doc__, rounds=11)
    report = Report("Penguin job: a small network trained to the end", options)
    job = shorten_job(PENGUIN) if options.quick else PENGUIN
    report.section(str(job))
    comparison = compare(penguin_task(job), CONTENDERS, options.rounds)
    report_times(report, comparison, job.epochs * job.steps_per_epoch)
    report_claims(report, comparison)
    return report.finish()


def report_claims(report: Report, comparison: Comparison) -> None:
    report.section("Claims (for the whole call of creche.train, not the engine only)")
    for family, at_least in CLAIMS.items():
        slow = comparison.fastest(family)
        if slow is None:
            report.say(f"- {family}: not measured")
            continue
        ratio = comparison.ratio(slow.contender.name, CONTENDERS[0].name)
        report.claim_ratio(f"{slow.contender.name} takes longer than creche.train by", ratio, at_least)


def report_times(report: Report, comparison: Comparison, n_steps: int) -> None:
    rows = []
    for name, result in comparison.results.items():
        rows.append(
            [
                name,
                result.spread().show(1e3),
                result.spread().show(1e6 / n_steps),
                comparison.ratio(name, CONTENDERS[0].name).show(),
                f"{result.first_seconds:.2f}",
                f"{result.loss:.4f}",
            ]
        )
    report.table(["contender", "job, ms", "µs per step", "times creche.train", "first job, s", "loss after"], rows)
    report.say("", "The first job includes compiling and is not among the timed ones.", ONE_THREAD)
    for name, reason in comparison.absent.items():
        report.say(f"{name}: left out, {reason}.")


if __name__ == "__main__":
    raise SystemExit(main())

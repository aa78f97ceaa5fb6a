"""Networks whose matrix products take most of the time: Creche compared with PyTorch and JAX, on one thread and two.

The share of the machine's measured multiply-add peak that each reaches while training is printed, too. Nothing that
does the same multiply-adds in float32 can be more than 1 / 0.40 = 2.5 times as fast on that machine as a library at 40
% of the peak; each claim is printed with this bound.
"""

from dataclasses import dataclass

from _compare import Comparison, Contender, Result, Spread, compare
from _jobs import WIDE, Job, shorten_job, synthetic_task
from _report import Report, parse_options

from creche import _core

# By job and threads: how many times as long the fastest variant of each library takes, as claimed.
CLAIMS = {
    ("64-256-256-10", 1): {"PyTorch eager": 2.5, "torch.compile": 2.5},
    ("64-256-256-10", 2): {"PyTorch eager": 2.5, "torch.compile": 2.5, "JAX": 1.6},
    ("64-64-64-10", 1): {"PyTorch eager": 4.0, "torch.compile": 4.0},
    ("64-64-64-10", 2): {"PyTorch eager": 4.0, "torch.compile": 4.0, "JAX": 2.0},
    ("64-1024-1024-1024-10", 1): {"PyTorch eager": 2.0, "torch.compile": 2.0},
    ("64-1024-1024-1024-10", 2): {"PyTorch eager": 2.0, "torch.compile": 2.0, "JAX": 1.15},
}

CALL = "Creche, creche.train"


@dataclass(frozen=True)
class Claim:
    """A measured ratio, the claim about it, and the largest ratio that the multiply-add peak allows."""

    text: str
    ratio: Spread
    at_least: float
    possible: float


def contenders(threads: int) -> list[Contender]:
    forms = {
        CALL: ("Creche", "creche_call", {}),
        "Creche, engine only": ("engine", "creche_engine", {}),
        "PyTorch eager, default Adam": ("PyTorch eager", "torch_eager", {"adam": {}}),
        "PyTorch eager, fused Adam": ("PyTorch eager", "torch_eager", {"adam": {"fused": True}}),
        "torch.compile, whole step": ("torch.compile", "torch_compiled", {"options": {"cpp_wrapper": True}}),
        "JAX, orders by NumPy": ("JAX", "jax_scan", {"row_orders": "numpy"}),
        "JAX, orders by JAX": ("JAX", "jax_scan", {"row_orders": "jax"}),
    }
    return [Contender(name, family, trainer, threads, options) for name, (family, trainer, options) in forms.items()]


def main() -> int:
    options = parse_options(__doc__, rounds=7)
    report = Report("Wide jobs: networks whose matrix products take most of the time", options)
    claims: list[Claim] = []
    for full_job in WIDE:
        job = shorten_job(full_job) if options.quick else full_job
        task = synthetic_task(job)
        for threads in (1, 2):
            report.section(f"{job}; threads: {threads}")
            peak = Spread.of(_core.load().fma_peak(0.2, threads) for _ in range(3 if options.quick else 9))
            report.say(f"Measured multiply-add peak: {peak.show()} GFLOP/s; shares are of the maximum", "")
            comparison = compare(task, contenders(threads), options.rounds)
            report_epochs(report, comparison, job, peak)
            claims += create_claims(comparison, job, full_job.name, threads, peak)
    report.section("Claims (for the whole call of creche.train, not the engine only)")
    for claim in claims:
        report.claim_ratio(claim.text, claim.ratio, claim.at_least, claim.possible)
    return report.finish()


def share_of_peak(result: Result, job: Job, peak: Spread) -> float:
    return job.flops_per_epoch * job.epochs / result.spread().median / 1e9 / peak.high


def report_epochs(report: Report, comparison: Comparison, job: Job, peak: Spread) -> None:
    rows = []
    for name, result in comparison.results.items():
        seconds = result.spread()
        share = share_of_peak(result, job, peak)
        rows.append(
            [
                name,
                seconds.show(1e3 / job.epochs),
                comparison.ratio(name, CALL).show(),
                f"{share * peak.high:.0f}",
                f"{share:.0%}",
                f"{result.first_seconds:.2f}",
                f"{result.loss:.4f}",
            ]
        )
    head = ["contender", "ms per epoch", "times creche.train", "GFLOP/s", "of the peak", "first job, s", "loss after"]
    report.table(head, rows)
    for name, reason in comparison.absent.items():
        report.say(f"{name}: left out, {reason}.")


def create_claims(comparison: Comparison, job: Job, job_name: str, threads: int, peak: Spread) -> list[Claim]:
    found = []
    for family, at_least in CLAIMS[job_name, threads].items():
        slow = comparison.fastest(family)
        if slow is not None:
            text = f"{job_name}, threads {threads}: {slow.contender.name} takes longer than creche.train by"
            ratio = comparison.ratio(slow.contender.name, CALL)
            found.append(Claim(text, ratio, at_least, 1 / share_of_peak(slow, job, peak)))
    return found


if __name__ == "__main__":
    raise SystemExit(main())

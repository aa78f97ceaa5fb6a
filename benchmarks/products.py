"""The matrix products: the share of the machine's multiply-add peak that they reach, and that of PyTorch's.

The peak is measured in the same run, by multiply-adds in registers only; the products also read and write memory.
PyTorch's products are those of the vendor's library that it bundles. The last column has the products of operands
rounded to bfloat16 (``precision="bfloat16"``) relative to those of float32. One thread.
"""

import time
from importlib.util import find_spec

from _compare import Spread
from _report import Report, parse_options

from creche import _core

SHAPES = ((256, 64, 256), (256, 256, 256), (256, 64, 64), (1024, 1024, 1024))
AIM = 0.85
ROUNDED_AIM = 1.6  # of float32's rate, where the processor has the instruction


def torch_rate(batch_size: int, inputs: int, outputs: int, seconds: float) -> float:
    import torch

    torch.set_num_threads(1)
    x, w, out = torch.rand(batch_size, inputs), torch.rand(inputs, outputs), torch.empty(batch_size, outputs)
    begin, best = time.perf_counter(), 0.0
    while time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        torch.mm(x, w, out=out)
        best = max(best, 2e-9 * batch_size * inputs * outputs / (time.perf_counter() - start))
    return best


def main() -> int:
    options = parse_options(__doc__, rounds=7)
    report = Report("Products: share of the multiply-add peak", options)
    engine = _core.load()
    seconds = 0.02 if options.quick else 0.3
    with_torch = find_spec("torch") is not None
    rows = []
    best_share = 0.0
    for batch_size, inputs, outputs in SHAPES:
        peaks, rates, torches, gains = [], [], [], []
        for _ in range(options.rounds):
            peaks.append(engine.fma_peak(seconds, 1))
            rates.append(engine.product_rates(batch_size, inputs, outputs, seconds))
            rounded = engine.product_rates(batch_size, inputs, outputs, seconds, rounds_products=True)
            gains.append([r / exact for r, exact in zip(rounded, rates[-1], strict=True)])
            if with_torch:
                torches.append(torch_rate(batch_size, inputs, outputs, seconds))
        shares = [Spread.of(rate[i] / peak for rate, peak in zip(rates, peaks, strict=True)) for i in range(3)]
        best_share = max(best_share, *(share.median for share in shares))
        torch_share = Spread.of(r / p for r, p in zip(torches, peaks, strict=True)) if torches else None
        rows.append(
            [
                f"{batch_size} x {inputs} x {outputs}",
                f"{Spread.of(peaks).median:.0f}",
                *(f"{share.median:.0%}" for share in shares),
                f"{torch_share.median:.0%}" if torch_share else "not installed",
                " ".join(f"{Spread.of(gain[i] for gain in gains).median:.2f}" for i in range(3)),
            ]
        )
    head = [
        "rows x inputs x outputs",
        "peak, GFLOP/s",
        "forward",
        "dL/dinputs",
        "dL/dweights",
        "torch.mm",
        "bfloat16 / float32",
    ]
    report.say("")
    report.table(head, rows)
    report.say("", f"Aim: {AIM:.0%} of the peak. Best: {best_share:.0%}.")
    if engine.has_bfloat16_instruction():
        report.say(f"This processor multiplies bfloat16; aim: {ROUNDED_AIM} times float32.")
    else:
        report.say("No instruction for bfloat16 is faster here, so that rounded products can only be as fast.")
    return report.finish()


if __name__ == "__main__":
    raise SystemExit(main())

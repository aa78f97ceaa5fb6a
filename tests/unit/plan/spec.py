"""What the plan's parts take, written down a second time, from the papers and the documentation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from creche.plan import activations as a
from creche.plan import initializers as i
from creche.plan import losses as lo
from creche.plan import optimizers as o
from creche.plan import schedules as s


@dataclass(frozen=True)
class Interval:
    """Numbers from low to high; a bound in `open` is not itself allowed."""

    low: float
    high: float = math.inf
    open: str = ""

    def inside(self) -> st.SearchStrategy[float]:
        return st.floats(
            self.low if math.isfinite(self.low) else None,
            None if math.isinf(self.high) else self.high,
            exclude_min="(" in self.open,
            exclude_max=")" in self.open,
            allow_nan=False,
            allow_infinity=False,
        )

    def outside(self) -> list[float]:
        wrong = [math.nan, math.inf, -math.inf]
        if math.isfinite(self.low):
            wrong.append(math.nextafter(self.low, -math.inf))
        if "(" in self.open:
            wrong.append(self.low)
        if math.isfinite(self.high):
            wrong.append(self.high if ")" in self.open else math.nextafter(self.high, math.inf))
        return wrong


AT_LEAST_0 = Interval(0)
ABOVE_0 = Interval(0, open="(")
SHARE = Interval(0, 1)
SHARE_BELOW_1 = Interval(0, 1, open=")")
SHARE_ABOVE_0 = Interval(0, 1, open="(")
INSIDE = Interval(0, 1, open="()")

ALL_OPTIMIZERS = dict.fromkeys(("learning_rate", "weight_decay", "l1", "clip_norm", "clip_value"), AT_LEAST_0)
MOMENTS = {**ALL_OPTIMIZERS, "beta1": SHARE_BELOW_1, "beta2": SHARE_BELOW_1, "epsilon": ABOVE_0}

NUMBERS: dict[type, dict[str, Interval]] = {
    a.Identity: {},
    a.Relu: {},
    a.LeakyRelu: {"slope": AT_LEAST_0},
    a.Elu: {"alpha": ABOVE_0},
    a.Selu: {},
    a.Gelu: {},
    a.GeluTanh: {},
    a.Silu: {},
    a.Mish: {},
    a.Tanh: {},
    a.Sigmoid: {},
    a.Softplus: {"beta": ABOVE_0},
    i.GlorotUniform: {"gain": ABOVE_0},
    i.GlorotNormal: {"gain": ABOVE_0},
    i.HeUniform: {"gain": ABOVE_0},
    i.HeNormal: {"gain": ABOVE_0},
    i.LecunUniform: {"gain": ABOVE_0},
    i.LecunNormal: {"gain": ABOVE_0},
    i.Orthogonal: {"gain": ABOVE_0},
    i.Zeros: {},
    i.UnitVariance: {},
    i.Constant: {"value": Interval(-math.inf)},
    lo.CrossEntropy: {"label_smoothing": SHARE_BELOW_1},
    lo.BinaryCrossEntropy: {},
    lo.SquaredError: {},
    lo.AbsoluteError: {},
    lo.Huber: {"delta": ABOVE_0},
    lo.Poisson: {},
    lo.Quantile: {"quantile": INSIDE},
    o.SGD: {**ALL_OPTIMIZERS, "momentum": SHARE_BELOW_1, "dampening": SHARE},
    o.Adagrad: {
        **ALL_OPTIMIZERS,
        "learning_rate_decay": AT_LEAST_0,
        "initial_accumulator": AT_LEAST_0,
        "epsilon": ABOVE_0,
    },
    o.Adadelta: {**ALL_OPTIMIZERS, "rho": SHARE_BELOW_1, "epsilon": ABOVE_0},
    o.RMSprop: {**ALL_OPTIMIZERS, "rho": SHARE_BELOW_1, "momentum": SHARE_BELOW_1, "epsilon": ABOVE_0},
    o.Adam: MOMENTS,
    o.AdamW: MOMENTS,
    o.NAdam: {**MOMENTS, "momentum_decay": AT_LEAST_0},
    o.RAdam: MOMENTS,
    o.LBFGS: {"learning_rate": AT_LEAST_0, "weight_decay": AT_LEAST_0},
    o.Lion: {**ALL_OPTIMIZERS, "beta1": SHARE_BELOW_1, "beta2": SHARE_BELOW_1},
    s.Constant: {},
    s.Step: {"length": ABOVE_0, "factor": SHARE_ABOVE_0},
    s.Exponential: {"factor": SHARE_ABOVE_0},
    s.Cosine: {"length": ABOVE_0, "minimum": SHARE},
    s.CosineLog: {"length": ABOVE_0},
    s.FlatCosine: {"length": ABOVE_0},
    s.OneCycle: {"length": ABOVE_0, "peak_at": INSIDE, "start": SHARE_ABOVE_0, "finish": SHARE},
    s.ReduceOnPlateau: {"factor": INSIDE, "patience": AT_LEAST_0, "threshold": AT_LEAST_0, "minimum": SHARE},
    s.Warmup: {"length": ABOVE_0, "start": SHARE},
}

FLAGS: dict[type, tuple[str, ...]] = {
    lo.BinaryCrossEntropy: ("ordered",),
    o.SGD: ("regularize_bias", "decoupled"),
    o.Adagrad: ("regularize_bias", "decoupled"),
    o.Adadelta: ("regularize_bias", "decoupled"),
    o.RMSprop: ("regularize_bias", "decoupled", "centered"),
    o.Adam: ("regularize_bias", "decoupled", "amsgrad"),
    o.AdamW: ("regularize_bias", "amsgrad"),
    o.NAdam: ("regularize_bias", "decoupled"),
    o.RAdam: ("regularize_bias", "decoupled"),
    o.LBFGS: ("regularize_bias",),
    o.Lion: ("regularize_bias", "decoupled"),
}

PER = {s.Constant, s.Step, s.Exponential, s.Cosine, s.CosineLog, s.FlatCosine, s.OneCycle}


def parts(kind: type) -> st.SearchStrategy[Any]:
    """Every part of this kind, over all its ranges; what has a default may keep it."""
    optional: dict[str, st.SearchStrategy[Any]] = {name: interval.inside() for name, interval in NUMBERS[kind].items()}
    optional |= {name: st.booleans() for name in FLAGS.get(kind, ())}
    if kind in PER:
        optional["per"] = st.sampled_from(["epoch", "step"])
    if kind is s.Warmup:
        optional["then"] = st.one_of(parts(s.Step), parts(s.Cosine), parts(s.ReduceOnPlateau)).filter(
            lambda then: then.per == "epoch"
        )
    return st.fixed_dictionaries({}, optional=optional).map(lambda arguments: kind(**arguments))

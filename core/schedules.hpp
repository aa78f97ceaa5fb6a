// The factor of the learning rate, or of another number, over the course of training. u: completed units (epochs or
// steps); all in double.
//
//   constant           1
//   step               factor^floor(u / length)                                   PyTorch's StepLR
//   exponential        factor^u                                                   ExponentialLR
//   cosine             minimum + (1 - minimum) (1 + cos(pi u / length)) / 2       CosineAnnealingLR
//   cosine_log         (1 - cos(2 pi log2(1 + (2^cycles - 1) t))) / 2, t = u / length
//   flat_cosine        1 while t <= 1/2, then (1 + cos(pi (2 t - 1))) / 2
//   one_cycle          from `start` up to 1 at u = peak_at length - 1, then down to `finish` at u = length - 1,
//                      each along half a cosine                                   OneCycleLR, two phases
//   reduce_on_plateau  times `factor`, not below `minimum`, whenever the loss has not improved for more than `patience`
//                      epochs                                                     ReduceLROnPlateau, mode "min", "rel"
//   warm-up            warmup_start + (1 - warmup_start) u / warmup while u < warmup, then any of the above with
//                      u - warmup                                                 LinearLR, then SequentialLR
//
// Cosine: Loshchilov & Hutter 2017, "SGDR", eq. 5 without restarts. Cosine_log with 4 cycles and flat_cosine:
// Holzmüller, Grinsztajn & Steinwart 2024, "Better by Default", coslog4 and flat_cos. One cycle: Smith & Topin 2018,
// "Super-Convergence".
// Differences from PyTorch: a schedule with an end keeps its last value when u passes the end; the threshold of a
// plateau is relative to |best|, so that it also makes sense for losses below 0; small reductions are not skipped.
//
// Tests: tests/native/test_schedules.py
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "plan_parts.hpp"
#include "simd/math.hpp"

namespace creche::CRECHE_LEVEL {

// The state of reduce_on_plateau, which is part of a run's state.
struct PlateauState {
  double factor = 1;
  double best = std::numeric_limits<double>::infinity();
  double bad_epochs = 0;
};

namespace detail {

// base^exponent by squaring: the same bits on every machine, which the library's pow does not promise.
inline double integer_power(double base, std::int64_t exponent) {
  double power = 1;
  for (; exponent > 0; exponent /= 2, base *= base)
    if (exponent % 2 == 1) power *= base;
  return power;
}

// From `from` to `to` along half a cosine, t from 0 to 1.
inline double half_cosine(double from, double to, double t) {
  return to + (from - to) * (1 + cos2pi(Vec<double, 1>(t / 2)).raw) / 2;
}

// Whole turns do not change the cosine: the mantissa of the logarithm's argument is enough.
inline double cosine_log(double cycles, double t) {
  int exponent;
  const double mantissa = std::frexp(1 + (std::ldexp(1.0, static_cast<int>(cycles)) - 1) * t, &exponent);
  constexpr double kPerNatural = 1.4426950408889634;  // 1 / ln 2
  const double turns = log(Vec<double, 1>(2 * mantissa)).raw * kPerNatural;
  return (1 - cos2pi(Vec<double, 1>(turns)).raw) / 2;
}

inline double one_cycle(const SchedulePlan& plan, double u) {
  const double peak = plan.peak_at * plan.length - 1;
  const double end = plan.length - 1;
  if (u <= peak) return peak > 0 ? half_cosine(plan.start, 1, u / peak) : 1;
  return u < end ? half_cosine(1, plan.finish, (u - peak) / (end - peak)) : plan.finish;
}

}  // namespace detail

inline double schedule_factor(const SchedulePlan& plan, double units_done, const PlateauState& plateau) {
  if (units_done < plan.warmup) return plan.warmup_start + (1 - plan.warmup_start) * units_done / plan.warmup;
  const double u = units_done - plan.warmup;
  switch (plan.kind) {
    case ScheduleKind::constant:
      return 1;
    case ScheduleKind::step:
      return detail::integer_power(plan.factor, static_cast<std::int64_t>(u / plan.length));
    case ScheduleKind::exponential:
      return detail::integer_power(plan.factor, static_cast<std::int64_t>(u));
    case ScheduleKind::cosine:
      return detail::half_cosine(1, plan.minimum, std::min(u / plan.length, 1.0));
    case ScheduleKind::cosine_log:
      return detail::cosine_log(plan.cycles, std::min(u / plan.length, 1.0));
    case ScheduleKind::flat_cosine:
      return detail::half_cosine(1, 0, std::clamp(2 * u / plan.length - 1, 0.0, 1.0));
    case ScheduleKind::one_cycle:
      return detail::one_cycle(plan, u);
    case ScheduleKind::reduce_on_plateau:
      return plateau.factor;
  }
  return 1;
}

// Call after each epoch with the monitored loss (the validation loss if there is one).
inline void update_plateau(const SchedulePlan& plan, double loss, PlateauState& state) {
  if (plan.kind != ScheduleKind::reduce_on_plateau) return;
  const bool first = std::isinf(state.best);
  if (first ? loss < state.best : loss < state.best - plan.threshold * std::abs(state.best)) {
    state.best = loss;
    state.bad_epochs = 0;
  } else {
    ++state.bad_epochs;
  }
  if (state.bad_epochs > plan.patience) {
    state.factor = std::max(state.factor * plan.factor, plan.minimum);
    state.bad_epochs = 0;
  }
}

}  // namespace creche::CRECHE_LEVEL

// Running averages of gradients and of their squares, which most rules use.
#pragma once

#include <algorithm>

#include "coefficients.hpp"

namespace creche::CRECHE_LEVEL {

// 2^-100. Without a gradient, a plane shrinks by a factor each step and would become subnormal, which is a hundred
// times slower on x86 processors; smaller numbers become 0 instead. NaN stays NaN.
inline constexpr double kFlushed = 0x1p-100;

template <class V>
CRECHE_INLINE V flush(V x) {
  return select(abs(x) < V(kFlushed), V(0), x);
}
// The same for x >= 0.
template <class V>
CRECHE_INLINE V flush_square(V x) {
  return select(x < V(kFlushed), V(0), x);
}

// The epsilon that is added to the root of a second moment: at least the root of the smallest number that is not
// flushed, so that a flushed moment cannot cause a huge step or 0 / 0.
inline double root_epsilon(const OptimizerPlan& plan) { return std::max(plan.epsilon, 0x1p-50); }

// m + (1 - beta) (x - m), which equals beta m + (1 - beta) x and leaves a constant x exactly unchanged.
template <class V>
CRECHE_INLINE V average(V m, V x, V rest) {
  return flush(fma(rest, x - m, m));
}

// beta v + (1 - beta) x^2: without a difference, so that it cannot become negative. An x whose square would be flushed
// becomes 0 before squaring, since the square would be subnormal.
template <class V>
CRECHE_INLINE V average_of_squares(V v, V x, V beta, V rest) {
  constexpr double kRootOfFlushed = 0x1p-50;
  x = select(abs(x) < V(kRootOfFlushed), V(0), x);
  return flush_square(fma(beta, v, rest * x * x));
}

// 1 - beta1^t and 1 - beta2^t: the total weight in an average that started at 0, after t steps (Kingma & Ba 2015,
// section 3). value[0] and value[1] hold the powers.
struct BiasCorrection {
  double first;
  double second;

  static BiasCorrection advance(const OptimizerPlan& plan, Scalars& s) {
    s.value[0] *= plan.beta1;
    s.value[1] *= plan.beta2;
    return {1 - s.value[0], 1 - s.value[1]};
  }
};

// The part of the coefficients that is the same for the whole Adam family.
inline Coefficients<double> moment_coefficients(const OptimizerPlan& plan) {
  Coefficients<double> c;
  c.beta1 = plan.beta1;
  c.rest1 = 1 - plan.beta1;
  c.beta2 = plan.beta2;
  c.rest2 = 1 - plan.beta2;
  c.epsilon = root_epsilon(plan);
  return c;
}

}  // namespace creche::CRECHE_LEVEL

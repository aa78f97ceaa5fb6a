// Running averages of gradients and of their squares, as most rules keep them.
#pragma once

#include <algorithm>

#include "coefficients.hpp"

namespace creche::CRECHE_LEVEL {

// 2^-100. A plane that shrinks by a factor each step would sink into the subnormal numbers where a weight is idle, and
// x86 processors work on those a hundred times slower: what is smaller becomes 0. NaN stays NaN.
inline constexpr double kFlushed = 0x1p-100;

template <class V>
CRECHE_INLINE V flush(V x) {
  return select(abs(x) < V(kFlushed), V(0), x);
}
// The same for x that is never negative.
template <class V>
CRECHE_INLINE V flush_square(V x) {
  return select(x < V(kFlushed), V(0), x);
}

// The epsilon that is added to a root of a second moment: never below the root of what is flushed, so that a flushed
// moment cannot blow up a step and 0 / 0 cannot happen.
inline double root_epsilon(const OptimizerPlan& plan) { return std::max(plan.epsilon, 0x1p-50); }

// m + (1 - beta) (x - m), which is beta m + (1 - beta) x and leaves a constant x exactly as it is.
template <class V>
CRECHE_INLINE V average(V m, V x, V rest) {
  return flush(fma(rest, x - m, m));
}

// beta v + (1 - beta) x^2: no difference is taken, so that it cannot fall below 0. What would be flushed as a square is
// left out before squaring, which would itself pass through the subnormal numbers.
template <class V>
CRECHE_INLINE V average_of_squares(V v, V x, V beta, V rest) {
  constexpr double kRootOfFlushed = 0x1p-50;
  x = select(abs(x) < V(kRootOfFlushed), V(0), x);
  return flush_square(fma(beta, v, rest * x * x));
}

// 1 - beta1^t and 1 - beta2^t: what an average that began at 0 has gathered of its weights after t steps (Kingma & Ba
// 2015, section 3). value[0] and value[1] carry the powers.
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

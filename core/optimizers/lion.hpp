// Lion: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", Algorithm 2.
//
//   c = beta1 m + (1 - beta1) g
//   w <- w - eta (sign(c) + lambda w)              the part with lambda in regularize.hpp, where decay is decoupled
//   m <- beta2 m + (1 - beta2) g
//
//   eta  learning_rate     1 - beta1  rest1     1 - beta2  rest2     m  plane 0
//
// Difference from the paper: a c that is NaN makes the weight NaN, so that divergence is detected.
#pragma once

#include "moments.hpp"

namespace creche::CRECHE_LEVEL {

struct Lion : Rule<OptimizerKind::lion, 1> {
  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan& plan, double learning_rate, std::int64_t, Scalars&) {
    Coefficients<double> c = moment_coefficients(plan);
    c.learning_rate = learning_rate;
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V g, V* planes, const Coefficients<V>& c) {
    V& m = planes[0];
    const V direction = fma(c.rest1, g - m, m);
    m = average(m, g, c.rest2);
    const V step = select(direction > V(0), V(1), select(direction < V(0), V(-1), direction));
    w = fma(-c.learning_rate, step, w);
  }
};

}  // namespace creche::CRECHE_LEVEL

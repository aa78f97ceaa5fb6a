// Adadelta: Zeiler 2012, "ADADELTA: An Adaptive Learning Rate Method", Algorithm 1.
//
//   v <- rho v + (1 - rho) g^2
//   delta = g sqrt(u + epsilon) / sqrt(v + epsilon)
//   u <- rho u + (1 - rho) delta^2
//   w <- w - eta delta
//
//   rho  beta2, 1 - rho  rest2     v  plane 0     u  plane 1     eta  learning_rate
//
// Differences from the paper: a learning rate, as in PyTorch (1 gives the paper's rule); one root, of the quotient.
#pragma once

#include <algorithm>

#include "moments.hpp"

namespace creche::CRECHE_LEVEL {

struct Adadelta : Rule<OptimizerKind::adadelta, 2> {
  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan& plan, double learning_rate, std::int64_t, Scalars&) {
    Coefficients<double> c;
    c.learning_rate = learning_rate;
    c.beta2 = plan.rho;
    c.rest2 = 1 - plan.rho;
    c.epsilon = std::max(plan.epsilon, kFlushed);
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V g, V* planes, const Coefficients<V>& c) {
    V& v = planes[0];
    V& u = planes[1];
    v = average_of_squares(v, g, c.beta2, c.rest2);
    const V delta = g * sqrt((u + c.epsilon) / (v + c.epsilon));
    u = average_of_squares(u, delta, c.beta2, c.rest2);
    w = fma(-c.learning_rate, delta, w);
  }
};

}  // namespace creche::CRECHE_LEVEL

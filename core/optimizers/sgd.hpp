// Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's form of it (Sutskever et al. 2013).
//
//   w <- w - eta g                                 without momentum
//   u <- mu u + (1 - tau) g                        with it (u <- g at the first step)
//   w <- w - eta u                                 Polyak
//   w <- w - eta (g + mu u)                        Nesterov
//
//   eta  learning_rate     mu  momentum -> beta1     1 - tau  1 - dampening -> rest1     u  plane 0
//
// Difference from Sutskever et al.: eta is outside u, as in PyTorch, so that a schedule scales the whole step at once.
#pragma once

#include "moments.hpp"

namespace creche::CRECHE_LEVEL {

template <bool kMomentum, bool kNesterov>
struct Sgd : Rule<OptimizerKind::sgd, kMomentum ? 1 : 0> {
  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan& plan, double learning_rate, std::int64_t step, Scalars&) {
    Coefficients<double> c;
    c.learning_rate = learning_rate;
    c.beta1 = plan.momentum;
    c.rest1 = step == 1 ? 1 : 1 - plan.dampening;
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V g, V* planes, const Coefficients<V>& c) {
    if constexpr (kMomentum) {
      V& u = planes[0];
      u = flush(fma(c.beta1, u, c.rest1 * g));
      g = kNesterov ? fma(c.beta1, u, g) : u;
    }
    w = fma(-c.learning_rate, g, w);
  }
};

}  // namespace creche::CRECHE_LEVEL

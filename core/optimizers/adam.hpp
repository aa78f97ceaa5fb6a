// Adam: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", Algorithm 1; AMSGrad: Reddi, Kale & Kumar 2018,
// "On the Convergence of Adam and Beyond", Algorithm 2.
//
//   m <- beta1 m + (1 - beta1) g
//   v <- beta2 v + (1 - beta2) g^2
//   vmax <- max(vmax, v)                           AMSGrad, which then takes vmax for v below
//   w <- w - eta m^ / (sqrt(v^) + epsilon)         m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t)
//
//   beta1, beta2, 1 - beta1  rest1, 1 - beta2  rest2     m  plane 0     v  plane 1     vmax  plane 2
//   eta / (1 - beta1^t)  learning_rate     1 / sqrt(1 - beta2^t)  scale
//
// Difference from Reddi et al.: the bias is corrected, as in PyTorch.
#pragma once

#include <cmath>

#include "moments.hpp"

namespace creche::CRECHE_LEVEL {

template <bool kAmsgrad>
struct Adam : Rule<OptimizerKind::adam, kAmsgrad ? 3 : 2> {
  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan& plan, double learning_rate, std::int64_t, Scalars& s) {
    const BiasCorrection correction = BiasCorrection::advance(plan, s);
    Coefficients<double> c = moment_coefficients(plan);
    c.learning_rate = learning_rate / correction.first;
    c.scale = 1 / std::sqrt(correction.second);
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V g, V* planes, const Coefficients<V>& c) {
    V& m = planes[0];
    V& v = planes[1];
    m = average(m, g, c.rest1);
    v = average_of_squares(v, g, c.beta2, c.rest2);
    V moment = v;
    if constexpr (kAmsgrad) moment = planes[2] = max(planes[2], v);
    w = fma(-c.learning_rate, m / fma(c.scale, sqrt(moment), c.epsilon), w);
  }
};

}  // namespace creche::CRECHE_LEVEL

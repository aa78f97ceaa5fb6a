// RAdam: Liu et al. 2020, "On the Variance of the Adaptive Learning Rate and Beyond", Algorithm 2.
//
//   m, v as in Adam
//   rho_inf = 2 / (1 - beta2) - 1,  rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t)
//   rho_t > 5:  r = sqrt((rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t))
//               w <- w - eta r m^ sqrt(1 - beta2^t) / (sqrt(v) + epsilon)
//   else        w <- w - eta m^
//
//   m^ = m / (1 - beta1^t)     m  plane 0     v  plane 1
//   all factors of m  learning_rate     scale 1 and epsilon; or, without r, 0 and 1, which divides by 1
//
// Differences from the paper, both as in PyTorch: the threshold is 5 instead of 4, and epsilon, which the paper does
// not have, is added to the root before the bias is corrected.
#pragma once

#include <cmath>

#include "adam.hpp"

namespace creche::CRECHE_LEVEL {

struct Radam : Rule<OptimizerKind::radam, 2> {
  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan& plan, double learning_rate, std::int64_t step, Scalars& s) {
    const BiasCorrection correction = BiasCorrection::advance(plan, s);
    Coefficients<double> c = moment_coefficients(plan);
    c.learning_rate = learning_rate / correction.first;
    const double rho_inf = 2 / (1 - plan.beta2) - 1;
    const double rho = rho_inf - 2 * static_cast<double>(step) * s.value[1] / correction.second;
    if (rho > 5) {
      const double r = std::sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho));
      c.learning_rate *= r * std::sqrt(correction.second);
      c.scale = 1;
    } else {
      c.scale = 0;
      c.epsilon = 1;
    }
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V g, V* planes, const Coefficients<V>& c) {
    Adam<false>::update(w, g, planes, c);
  }
};

}  // namespace creche::CRECHE_LEVEL

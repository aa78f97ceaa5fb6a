// NAdam: Dozat 2016, "Incorporating Nesterov Momentum into Adam", with its schedule of momentum.
//
//   mu_t = beta1 (1 - 0.5 * 0.96^(t psi))
//   m <- beta1 m + (1 - beta1) g
//   v <- beta2 v + (1 - beta2) g^2
//   w <- w - eta (mu_(t+1) / (1 - mu_1 ... mu_(t+1)) m + (1 - mu_t) / (1 - mu_1 ... mu_t) g) / (sqrt(v^) + epsilon)
//
//   v^ = v / (1 - beta2^t)     psi  momentum     m  plane 0     v  plane 1
//   eta times the factor of m  learning_rate     eta times the factor of g  gradient_rate
//   1 / sqrt(1 - beta2^t)  scale
//
// Difference from the paper: m decays by beta1, not by mu_t, as in PyTorch.
#pragma once

#include <cmath>

#include "../simd/math.hpp"
#include "moments.hpp"

namespace creche::CRECHE_LEVEL {

struct Nadam : Rule<OptimizerKind::nadam, 2> {
  // value[0] holds mu_1 ... mu_t, value[1] beta2^t.
  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan& plan, double learning_rate, std::int64_t step, Scalars& s) {
    const double mu = momentum(plan, static_cast<double>(step));
    const double mu_next = momentum(plan, static_cast<double>(step + 1));
    s.value[0] *= mu;
    s.value[1] *= plan.beta2;
    Coefficients<double> c = moment_coefficients(plan);
    c.learning_rate = learning_rate * mu_next / (1 - s.value[0] * mu_next);
    c.gradient_rate = learning_rate * (1 - mu) / (1 - s.value[0]);
    c.scale = 1 / std::sqrt(1 - s.value[1]);
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V g, V* planes, const Coefficients<V>& c) {
    V& m = planes[0];
    V& v = planes[1];
    m = average(m, g, c.rest1);
    v = average_of_squares(v, g, c.beta2, c.rest2);
    const V step = fma(c.learning_rate, m, c.gradient_rate * g);
    w = w - step / fma(c.scale, sqrt(v), c.epsilon);
  }

 private:
  static double momentum(const OptimizerPlan& plan, double t) {
    constexpr double kLog = -0.040821994520255166;  // ln 0.96
    return plan.beta1 * (1 - 0.5 * exp(Vec<double, 1>(t * plan.momentum * kLog)).raw);
  }
};

}  // namespace creche::CRECHE_LEVEL

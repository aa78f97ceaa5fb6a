// Adagrad: Duchi, Hazan & Singer 2011, "Adaptive Subgradient Methods", Figure 1 with diagonal matrices.
//
//   s <- s + g^2
//   w <- w - eta_t g / (sqrt(s) + epsilon)         eta_t = eta / (1 + (t - 1) decay)
//
//   eta_t  learning_rate     s  plane 0, initial_accumulator at first     decay  learning_rate_decay
//
// Differences from the paper: epsilon is outside the root and the rate may decay, both as in PyTorch.
#pragma once

#include "moments.hpp"

namespace creche::CRECHE_LEVEL {

struct Adagrad : Rule<OptimizerKind::adagrad, 1> {
  static double initial_plane(const OptimizerPlan& plan, int /*plane*/) { return plan.initial_accumulator; }

  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan& plan, double learning_rate, std::int64_t step, Scalars&) {
    Coefficients<double> c;
    c.learning_rate = learning_rate / (1 + static_cast<double>(step - 1) * plan.learning_rate_decay);
    c.epsilon = root_epsilon(plan);
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V g, V* planes, const Coefficients<V>& c) {
    V& s = planes[0];
    s = fma(g, g, s);
    w = fma(-c.learning_rate, g / (sqrt(s) + c.epsilon), w);
  }
};

}  // namespace creche::CRECHE_LEVEL

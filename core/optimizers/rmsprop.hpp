// RMSprop: Tieleman & Hinton 2012, Coursera lecture 6e; centered as in Graves 2013, "Generating Sequences With
// Recurrent Neural Networks", eq. 38-45.
//
//   v <- alpha v + (1 - alpha) g^2
//   a <- alpha a + (1 - alpha) g                   centered
//   r = sqrt(v) + epsilon                          or sqrt(v - a^2) + epsilon, centered
//   w <- w - eta g / r                             without momentum
//   u <- mu u + g / r,   w <- w - eta u            with it
//
//   eta  learning_rate     alpha  rho -> beta2, 1 - alpha  rest2     mu  momentum -> beta1
//   v  plane 0     a  plane 1, if centered     u  the last plane, with momentum
//
// Differences from Graves: epsilon is outside the root and eta outside u, both as in PyTorch. Difference from PyTorch:
// where rounding takes v - a^2 below 0, its root is 0 and not NaN.
#pragma once

#include "moments.hpp"

namespace creche::CRECHE_LEVEL {

template <bool kCentered, bool kMomentum>
struct Rmsprop : Rule<OptimizerKind::rmsprop, 1 + kCentered + kMomentum> {
  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan& plan, double learning_rate, std::int64_t, Scalars&) {
    Coefficients<double> c;
    c.learning_rate = learning_rate;
    c.beta1 = plan.momentum;
    c.beta2 = plan.rho;
    c.rest2 = 1 - plan.rho;
    c.epsilon = root_epsilon(plan);
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V g, V* planes, const Coefficients<V>& c) {
    V& v = planes[0];
    v = average_of_squares(v, g, c.beta2, c.rest2);
    V variance = v;
    if constexpr (kCentered) {
      V& a = planes[1];
      a = average(a, g, c.rest2);
      variance = max(V(0), fma(-a, a, v));
    }
    V step = g / (sqrt(variance) + c.epsilon);
    if constexpr (kMomentum) {
      V& u = planes[1 + kCentered];
      u = flush(fma(c.beta1, u, step));
      step = u;
    }
    w = fma(-c.learning_rate, step, w);
  }
};

}  // namespace creche::CRECHE_LEVEL

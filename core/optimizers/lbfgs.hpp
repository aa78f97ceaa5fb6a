// L-BFGS: Liu & Nocedal 1989, "On the limited memory BFGS method for large scale optimization"; the direction by the
// two loops of Nocedal & Wright 2006, "Numerical Optimization", Algorithm 7.4.
//
//   w <- x + t d                                   the next point to try
//
//   x  plane 0, the last accepted point     d  plane 1     t  learning_rate
//   plane 2 holds the gradient at x, the others the pairs s = x' - x and y = g' - g of the last accepted steps
//
// This is how a point is tried. engines/line_search.hpp says which t and d, by the loss and the gradient of the full
// batch at w: they depend on all weights together.
#pragma once

#include <limits>

#include "moments.hpp"

namespace creche::CRECHE_LEVEL {

struct Lbfgs : Rule<OptimizerKind::lbfgs, 3> {
  static constexpr int kPoint = 0, kDirection = 1, kGradient = 2, kPairs = 3;

  static int planes(const OptimizerPlan& plan) { return kPairs + 2 * static_cast<int>(plan.history); }

  // What the scalars hold between two steps. Without an accepted point, the loss is infinite.
  struct Search {
    double loss;     // of the accepted point, with the penalty of weight decay
    double length;   // t; 0: w is the accepted point
    double pairs;    // kept since the history was last forgotten; the newest ones are in the planes
    double retries;  // shorter steps in this direction

    explicit Search(const Scalars& s) : loss(s.value[0]), length(s.value[1]), pairs(s.value[2]), retries(s.value[3]) {}
    Scalars scalars() const { return {{loss, length, pairs, retries}}; }
  };
  static Scalars initial_scalars() { return {{std::numeric_limits<double>::infinity(), 0, 0, 0}}; }

  template <class T>
  static Coefficients<T> prepare(const OptimizerPlan&, double learning_rate, std::int64_t, Scalars&) {
    Coefficients<double> c;
    c.learning_rate = learning_rate;
    return Coefficients<T>(c);
  }

  template <class V>
  static CRECHE_INLINE void update(V& w, V /*g*/, V* planes, const Coefficients<V>& c) {
    w = fma(c.learning_rate, planes[kDirection], planes[kPoint]);
  }
};

}  // namespace creche::CRECHE_LEVEL

// Regularization of weights and gradients, before the rule of any optimizer: clipping by value, weight decay, L1.
//
//   g <- min(max(g, -limit), limit)                clipping by value
//   g <- g + lambda w + lambda_1 sign(w)           weight decay (coupled) and L1 enter the gradient
//   w <- (1 - eta lambda) w                        decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 2)
//
//   limit clip_value, lambda weight_decay (in one of the two places) times its schedule's factor, lambda_1 l1, eta
//   learning rate of the step
#pragma once

#include <limits>

#include "../plan_parts.hpp"
#include "../simd/gather.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

// What a plan says of it for one group of parameters.
struct RegularizationPlan {
  double clip_value;  // 0: none
  double weight_decay;
  double l1;
  bool decoupled;

  RegularizationPlan(const OptimizerPlan& plan, const GroupPlan& factors, bool is_bias)
      : clip_value(plan.clip_value * factors.clip_value),
        weight_decay(plan.weight_decay * factors.weight_decay),
        l1(plan.l1 * factors.l1),
        decoupled(plan.decoupled || plan.kind == OptimizerKind::adamw) {
    if (is_bias && !plan.regularize_bias) weight_decay = l1 = 0;
  }

  bool operator==(const RegularizationPlan&) const = default;
};

template <class X>
struct Regularization {
  X clip_value{};
  X weight_decay{};  // coupled
  X l1{};
  X shrink{};  // decoupled: 1 - eta lambda

  Regularization() = default;

  template <class Y>
  explicit Regularization(const Regularization<Y>& from)
      : clip_value(from.clip_value), weight_decay(from.weight_decay), l1(from.l1), shrink(from.shrink) {}

  // One network per lane.
  template <class T>
  static Regularization from_lanes(const Regularization<T>* networks) {
    Regularization all;
    all.clip_value = make_lanes<X>([&](int i) { return networks[i].clip_value; });
    all.weight_decay = make_lanes<X>([&](int i) { return networks[i].weight_decay; });
    all.l1 = make_lanes<X>([&](int i) { return networks[i].l1; });
    all.shrink = make_lanes<X>([&](int i) { return networks[i].shrink; });
    return all;
  }

  // The numbers of one step.
  static Regularization prepare(const RegularizationPlan& plan, double learning_rate, double decay_factor) {
    const double decay = plan.weight_decay * decay_factor;
    Regularization r;
    r.clip_value = static_cast<X>(plan.clip_value > 0 ? plan.clip_value : std::numeric_limits<double>::infinity());
    r.weight_decay = static_cast<X>(plan.decoupled ? 0 : decay);
    r.l1 = static_cast<X>(plan.l1);
    r.shrink = static_cast<X>(plan.decoupled ? 1 - learning_rate * decay : 1);
    return r;
  }
};

// Whether regularize() has any effect.
inline bool is_regularized(const OptimizerPlan& plan) {
  return plan.clip_value > 0 || plan.weight_decay != 0 || plan.l1 != 0;
}

// A lane without regularization keeps every bit of w and g, including the sign of zero: the other networks of its pack
// do not change a network. NaN stays NaN.
template <class V>
CRECHE_INLINE void regularize(V& w, V& g, const Regularization<V>& r) {
  g = min(r.clip_value, max(-r.clip_value, g));
  const V penalty = fma(r.weight_decay, w, r.l1 * sign(w));
  g = select(penalty == V(0), g, g + penalty);
  w *= r.shrink;
}

}  // namespace creche::CRECHE_LEVEL

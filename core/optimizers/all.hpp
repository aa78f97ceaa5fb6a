// Every optimizer by its kind, and functions that do not depend on which one it is.
#pragma once

#include <utility>

#include "../unknown_kind.hpp"
#include "adadelta.hpp"
#include "adagrad.hpp"
#include "adam.hpp"
#include "adamw.hpp"
#include "lbfgs.hpp"
#include "lion.hpp"
#include "nadam.hpp"
#include "radam.hpp"
#include "regularize.hpp"
#include "rmsprop.hpp"
#include "sgd.hpp"

namespace creche::CRECHE_LEVEL {

// Calls f(Rule{}) with the rule, and its variant, of the plan. Choices that change the planes or the terms of a rule
// are types, so that they cost nothing per element.
template <class F>
decltype(auto) with_optimizer(const OptimizerPlan& plan, F&& f) {
  const bool momentum = plan.momentum != 0;
  switch (plan.kind) {
    case OptimizerKind::sgd:
      if (!momentum) return f(Sgd<false, false>{});
      return plan.nesterov ? f(Sgd<true, true>{}) : f(Sgd<true, false>{});
    case OptimizerKind::adagrad:
      return f(Adagrad{});
    case OptimizerKind::adadelta:
      return f(Adadelta{});
    case OptimizerKind::rmsprop:
      if (plan.centered) return momentum ? f(Rmsprop<true, true>{}) : f(Rmsprop<true, false>{});
      return momentum ? f(Rmsprop<false, true>{}) : f(Rmsprop<false, false>{});
    case OptimizerKind::adam:
      return plan.amsgrad ? f(Adam<true>{}) : f(Adam<false>{});
    case OptimizerKind::adamw:
      return plan.amsgrad ? f(Adamw<true>{}) : f(Adamw<false>{});
    case OptimizerKind::nadam:
      return f(Nadam{});
    case OptimizerKind::radam:
      return f(Radam{});
    case OptimizerKind::lion:
      return f(Lion{});
    case OptimizerKind::lbfgs:
      return f(Lbfgs{});
  }
  throw_unknown_kind("with_optimizer: no such OptimizerKind");
}

inline int optimizer_planes(const OptimizerPlan& plan) {
  return with_optimizer(plan, [&](auto rule) { return decltype(rule)::planes(plan); });
}

inline double optimizer_initial_plane(const OptimizerPlan& plan, int plane) {
  return with_optimizer(plan, [&](auto rule) { return decltype(rule)::initial_plane(plan, plane); });
}

inline Scalars initial_scalars(const OptimizerPlan& plan) {
  return plan.kind == OptimizerKind::lbfgs ? Lbfgs::initial_scalars() : Scalars{};
}

// Whether a step takes decisions by the loss and the gradients of all weights together.
inline bool searches_line(const OptimizerPlan& plan) { return plan.kind == OptimizerKind::lbfgs; }

// Call once for each step, which counts from 1: it advances the scalars.
template <class T>
Coefficients<T> prepare_coefficients(const OptimizerPlan& plan, double learning_rate, std::int64_t step, Scalars& s) {
  return with_optimizer(plan,
                        [&](auto rule) { return decltype(rule)::template prepare<T>(plan, learning_rate, step, s); });
}

}  // namespace creche::CRECHE_LEVEL

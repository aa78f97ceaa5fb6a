// Plans from the keyword arguments of a test: {"kind": "adam", "beta1": 0.9}. An unknown name is an error.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

template <class Kind, std::size_t n>
Kind kind_by_name(const std::pair<const char*, Kind> (&names)[n], const std::string& name) {
  for (const auto& [known, kind] : names)
    if (name == known) return kind;
  throw std::invalid_argument("no such kind: " + name);
}

// Sets the field of that name; returns false if there is none.
template <class Plan, std::size_t n>
bool set_number(const std::pair<const char*, double Plan::*> (&fields)[n], Plan& plan, const std::string& name,
                nanobind::handle value) {
  for (const auto& [known, field] : fields) {
    if (name != known) continue;
    plan.*field = nanobind::cast<double>(value);
    return true;
  }
  return false;
}

inline OptimizerPlan optimizer_plan(const nanobind::dict& from) {
  using P = OptimizerPlan;
  using K = OptimizerKind;
  static constexpr std::pair<const char*, K> kKinds[] = {
      {"sgd", K::sgd},   {"adagrad", K::adagrad}, {"adadelta", K::adadelta}, {"rmsprop", K::rmsprop},
      {"adam", K::adam}, {"adamw", K::adamw},     {"nadam", K::nadam},       {"radam", K::radam},
      {"lion", K::lion}, {"lbfgs", K::lbfgs}};
  static constexpr std::pair<const char*, double P::*> kNumbers[] = {{"learning_rate", &P::learning_rate},
                                                                     {"momentum", &P::momentum},
                                                                     {"dampening", &P::dampening},
                                                                     {"beta1", &P::beta1},
                                                                     {"beta2", &P::beta2},
                                                                     {"rho", &P::rho},
                                                                     {"epsilon", &P::epsilon},
                                                                     {"learning_rate_decay", &P::learning_rate_decay},
                                                                     {"initial_accumulator", &P::initial_accumulator},
                                                                     {"weight_decay", &P::weight_decay},
                                                                     {"l1", &P::l1},
                                                                     {"clip_value", &P::clip_value}};
  static constexpr std::pair<const char*, bool P::*> kFlags[] = {{"nesterov", &P::nesterov},
                                                                 {"centered", &P::centered},
                                                                 {"amsgrad", &P::amsgrad},
                                                                 {"decoupled", &P::decoupled},
                                                                 {"regularize_bias", &P::regularize_bias}};
  P plan;
  for (const auto& [key, value] : from) {
    const std::string name = nanobind::cast<std::string>(key);
    if (name == "kind") {
      plan.kind = kind_by_name(kKinds, nanobind::cast<std::string>(value));
      continue;
    }
    bool found = set_number(kNumbers, plan, name, value);
    for (const auto& [known, field] : kFlags) {
      if (name != known) continue;
      plan.*field = nanobind::cast<bool>(value);
      found = true;
    }
    if (!found) throw std::invalid_argument("no such field of an OptimizerPlan: " + name);
  }
  return plan;
}

inline SchedulePlan schedule_plan(const nanobind::dict& from) {
  using P = SchedulePlan;
  using K = ScheduleKind;
  static constexpr std::pair<const char*, K> kKinds[] = {
      {"constant", K::constant},       {"step", K::step},
      {"exponential", K::exponential}, {"cosine", K::cosine},
      {"cosine_log", K::cosine_log},   {"flat_cosine", K::flat_cosine},
      {"one_cycle", K::one_cycle},     {"reduce_on_plateau", K::reduce_on_plateau}};
  static constexpr std::pair<const char*, double P::*> kNumbers[] = {{"length", &P::length},
                                                                     {"factor", &P::factor},
                                                                     {"minimum", &P::minimum},
                                                                     {"cycles", &P::cycles},
                                                                     {"peak_at", &P::peak_at},
                                                                     {"start", &P::start},
                                                                     {"finish", &P::finish},
                                                                     {"patience", &P::patience},
                                                                     {"threshold", &P::threshold},
                                                                     {"warmup", &P::warmup},
                                                                     {"warmup_start", &P::warmup_start}};
  P plan;
  for (const auto& [key, value] : from) {
    const std::string name = nanobind::cast<std::string>(key);
    if (name == "kind") {
      plan.kind = kind_by_name(kKinds, nanobind::cast<std::string>(value));
    } else if (!set_number(kNumbers, plan, name, value)) {
      throw std::invalid_argument("no such field of a SchedulePlan: " + name);
    }
  }
  return plan;
}

inline InitializerKind initializer_kind(const std::string& name) {
  using K = InitializerKind;
  static constexpr std::pair<const char*, K> kKinds[] = {{"glorot_uniform", K::glorot_uniform},
                                                         {"glorot_normal", K::glorot_normal},
                                                         {"he_uniform", K::he_uniform},
                                                         {"he_normal", K::he_normal},
                                                         {"lecun_uniform", K::lecun_uniform},
                                                         {"lecun_normal", K::lecun_normal},
                                                         {"orthogonal", K::orthogonal},
                                                         {"zeros", K::zeros},
                                                         {"constant", K::constant}};
  return kind_by_name(kKinds, name);
}

}  // namespace creche::CRECHE_LEVEL

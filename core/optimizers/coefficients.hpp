// The numbers an optimizer's rule reads: the same for all weights of a step, worked out once per step in double.
//
// Coefficients<T> holds them for one network. Coefficients<Vec<T, N>> holds them for the lanes of a vector: broadcast
// where the lanes are weights of one network, set lane by lane where each lane is a network of its own.
#pragma once

#include <cstdint>

#include "../plan.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

// The most state planes (arrays as large as the weights) that a rule keeps.
inline constexpr int kMaxPlanes = 4;

// Each rule's head comment says which of these it uses, and for which symbol of its paper.
template <class X>
struct Coefficients {
  X learning_rate{};  // eta, with whatever factors a rule folds into it
  X gradient_rate{};  // the same for a term that takes the gradient itself
  X beta1{};          // how much of the first running average is kept ...
  X rest1{};          // ... and how much of the new value comes in
  X beta2{};          // likewise for the second running average
  X rest2{};
  X scale{};    // factor of the root of the second moment
  X epsilon{};  // added to that root

  Coefficients() = default;

  template <class Y>
  explicit Coefficients(const Coefficients<Y>& from) {
    each_number([&](auto number) { number(*this) = X(number(from)); });
  }

  // f(number), where number(c) is one of the coefficients of c, for each of them.
  template <class F>
  static CRECHE_INLINE void each_number(F&& f) {
    f([](auto& c) -> auto& { return c.learning_rate; });
    f([](auto& c) -> auto& { return c.gradient_rate; });
    f([](auto& c) -> auto& { return c.beta1; });
    f([](auto& c) -> auto& { return c.rest1; });
    f([](auto& c) -> auto& { return c.beta2; });
    f([](auto& c) -> auto& { return c.rest2; });
    f([](auto& c) -> auto& { return c.scale; });
    f([](auto& c) -> auto& { return c.epsilon; });
  }
};

// The coefficients of the networks of a pack, gathered in memory number by number: lane by lane into a register, or
// network by network through memory, takes many times as long.
template <class V>
class CoefficientLanes {
 public:
  using T = typename V::Scalar;

  void set(int lane, const Coefficients<T>& from) {
    Coefficients<T>::each_number([&, k = 0](auto number) mutable { lanes_[k++][lane] = number(from); });
  }
  void copy(int lane, int from) {
    for (auto& number : lanes_) number[lane] = number[from];
  }
  Coefficients<V> vectors() const {
    Coefficients<V> out;
    Coefficients<V>::each_number([&, k = 0](auto number) mutable { number(out) = V::load(lanes_[k++]); });
    return out;
  }

 private:
  alignas(V) T lanes_[sizeof(Coefficients<T>) / sizeof(T)][V::kLanes];
};

// What a rule carries from step to step besides its planes: products of one factor per step, all 1 before the first.
// Part of a run's state.
struct Scalars {
  double value[4] = {1, 1, 1, 1};
};

// What all rules have in common. A rule `Name` derives from it and adds
//   template <class T> static Coefficients<T> prepare(const OptimizerPlan&, double learning_rate, std::int64_t step,
//                                                     Scalars&);     step counts from 1; called once for each step
//   template <class V> static void update(V& w, V g, V* planes, const Coefficients<V>&);
// update is the whole rule for the lanes of V: weights w, gradient g (regularize.hpp has been at both), the planes
// loaded and stored by the caller. Where w, g and the planes are 0 (the padding of an arena), they stay 0.
template <OptimizerKind kind, int plane_count>
struct Rule {
  static constexpr OptimizerKind kKind = kind;
  static constexpr int kPlanes = plane_count;
  static_assert(kPlanes <= kMaxPlanes);

  static constexpr int planes(const OptimizerPlan&) { return kPlanes; }
  static double initial_plane(const OptimizerPlan&, int /*plane*/) { return 0; }
};

}  // namespace creche::CRECHE_LEVEL

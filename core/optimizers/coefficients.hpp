// The numbers that an optimizer's rule reads: the same for all weights of a step, computed once per step in double.
//
// Coefficients<T> holds them for one network. Coefficients<Vec<T, N>> holds them for the lanes of a vector: broadcast
// if the lanes are weights of one network, set lane by lane if each lane is its own network.
#pragma once

#include <cstdint>

#include "../plan_parts.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

// The largest number of state planes (arrays as large as the weights) of a rule.
inline constexpr int kMaxPlanes = 4;

// The comment at the top of each rule lists those that it uses, with the symbols of its paper.
template <class X>
struct Coefficients {
  X learning_rate{};  // eta, including further factors of a rule
  X gradient_rate{};  // the same for a term with the gradient itself
  X beta1{};          // weight of the old value in the first running average ...
  X rest1{};          // ... and of the new value
  X beta2{};          // likewise for the second running average
  X rest2{};
  X scale{};    // factor of the root of the second moment
  X epsilon{};  // added to that root

  Coefficients() = default;

  template <class Y>
  explicit Coefficients(const Coefficients<Y>& from) {
    each_number([&](auto number) { number(*this) = X(number(from)); });
  }

  // Calls f(number) for each coefficient, where number(c) is that coefficient of c.
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

// The coefficients of the networks of a pack, collected in memory number by number: setting the lanes of registers one
// by one takes many times as long.
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

// The scalar state of a rule: products of one factor per step, all 1 before the first. Part of a run's state.
struct Scalars {
  double value[4] = {1, 1, 1, 1};
};

// The common part of all rules. A rule `Name` derives from it and adds
//   template <class T> static Coefficients<T> prepare(const OptimizerPlan&, double learning_rate, std::int64_t step,
//                                                     Scalars&);     step counts from 1; called once for each step
//   template <class V> static void update(V& w, V g, V* planes, const Coefficients<V>&);
// update is the whole rule for the lanes of V: weights w and gradient g, both after regularize(), and the planes, which
// the caller loads and stores. Where w, g and the planes are 0 (the padding of an arena), they stay 0.
template <OptimizerKind kind, int plane_count>
struct Rule {
  static constexpr OptimizerKind kKind = kind;
  static constexpr int kPlanes = plane_count;
  static_assert(kPlanes <= kMaxPlanes);

  static constexpr int planes(const OptimizerPlan&) { return kPlanes; }
  static double initial_plane(const OptimizerPlan&, int /*plane*/) { return 0; }
};

}  // namespace creche::CRECHE_LEVEL

// The numbers an optimizer's rule reads: the same for all weights of a step, worked out once per step in double.
//
// Coefficients<T> holds them for one network. Coefficients<Vec<T, N>> holds them for the lanes of a vector: broadcast
// where the lanes are weights of one network, set lane by lane where each lane is a network of its own.
#pragma once

#include <cstdint>

#include "../plan.hpp"
#include "../simd/lanes.hpp"

namespace rookery::ROOKERY_LEVEL {

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
    pairwise(*this, from, [](X& to, const Y& number) { to = X(number); });
  }

  template <class T>
  void set_lane(int lane, const Coefficients<T>& from) {
    pairwise(*this, from, [lane](X& to, const T& number) { to.set_lane(lane, number); });
  }

 private:
  template <class Y, class F>
  static ROOKERY_INLINE void pairwise(Coefficients& to, const Coefficients<Y>& from, F&& f) {
    f(to.learning_rate, from.learning_rate);
    f(to.gradient_rate, from.gradient_rate);
    f(to.beta1, from.beta1);
    f(to.rest1, from.rest1);
    f(to.beta2, from.beta2);
    f(to.rest2, from.rest2);
    f(to.scale, from.scale);
    f(to.epsilon, from.epsilon);
  }
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

}  // namespace rookery::ROOKERY_LEVEL

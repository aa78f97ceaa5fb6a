// The optimizer on a contiguous range of weights: one fused pass over weights, gradients and state.
#pragma once

#include <cstdint>

#include "../simd/lanes.hpp"
#include "all.hpp"

namespace creche::CRECHE_LEVEL {

// count is a multiple of 16; planes[0 ... kMaxPlanes - 1] point to the range's part of each plane in use.
// gradients are read, and not changed.
template <class T>
using Update = void (*)(T* weights, const T* gradients, T* const* planes, std::int64_t count,
                        const Coefficients<T>& coefficients, const Regularization<T>& regularization);

namespace detail {

template <class T, class Optimizer, bool kRegularized, class V>
CRECHE_INLINE void update_vectors(T* weights, const T* gradients, T* const* planes, std::int64_t count,
                                  const Coefficients<V>& c, const Regularization<V>& r) {
  constexpr int kPlanes = Optimizer::kPlanes;
  T* plane_at[kMaxPlanes];
  for (int p = 0; p < kPlanes; ++p) plane_at[p] = planes[p];
  for (std::int64_t i = 0; i < count; i += V::kLanes) {
    V w = V::load(weights + i);
    V g = V::load(gradients + i);
    V state[kMaxPlanes];
    for (int p = 0; p < kPlanes; ++p) state[p] = V::load(plane_at[p] + i);
    if constexpr (kRegularized) regularize(w, g, r);
    Optimizer::update(w, g, state, c);
    w.store(weights + i);
    for (int p = 0; p < kPlanes; ++p) state[p].store(plane_at[p] + i);
  }
}

// One network: every lane a weight of it.
template <class T, class Optimizer, bool kRegularized>
void update(T* weights, const T* gradients, T* const* planes, std::int64_t count, const Coefficients<T>& coefficients,
            const Regularization<T>& regularization) {
  using V = Vec<T, kNativeLanes<T>>;
  update_vectors<T, Optimizer, kRegularized>(weights, gradients, planes, count, Coefficients<V>(coefficients),
                                             Regularization<V>(regularization));
}

// A pack: every lane a network of its own, with coefficients of its own.
template <class T, class Optimizer, bool kRegularized>
void update_lanes(T* weights, const T* gradients, T* const* planes, std::int64_t count,
                  const Coefficients<Vec<T, kNativeLanes<T>>>& coefficients,
                  const Regularization<Vec<T, kNativeLanes<T>>>& regularization) {
  update_vectors<T, Optimizer, kRegularized>(weights, gradients, planes, count, coefficients, regularization);
}

}  // namespace detail

template <class T>
Update<T> update_function(const OptimizerPlan& plan, bool regularized) {
  return with_optimizer(plan, [&](auto optimizer) -> Update<T> {
    using Optimizer = decltype(optimizer);
    return regularized ? detail::update<T, Optimizer, true> : detail::update<T, Optimizer, false>;
  });
}

// The same for a pack; count is that of numbers, all lanes together.
template <class T>
using LaneUpdate = void (*)(T* weights, const T* gradients, T* const* planes, std::int64_t count,
                            const Coefficients<Vec<T, kNativeLanes<T>>>& coefficients,
                            const Regularization<Vec<T, kNativeLanes<T>>>& regularization);

template <class T>
LaneUpdate<T> lane_update_function(const OptimizerPlan& plan, bool regularized) {
  return with_optimizer(plan, [&](auto optimizer) -> LaneUpdate<T> {
    using Optimizer = decltype(optimizer);
    return regularized ? detail::update_lanes<T, Optimizer, true> : detail::update_lanes<T, Optimizer, false>;
  });
}

}  // namespace creche::CRECHE_LEVEL

#include "optimizers/update.hpp"

#include "optimizers/all.hpp"
#include "precisions.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

template <class T, class Optimizer, bool kRegularized, class V>
CRECHE_INLINE void update_vectors(T* weights, const T* gradients, T* const* planes, std::int64_t count,
                                  const Coefficients<V>& c, const Regularization<V>& r) {
  constexpr int kPlanes = Optimizer::kPlanes;
  T* plane_begin[kMaxPlanes];
  for (int p = 0; p < kPlanes; ++p) plane_begin[p] = planes[p];
  for (std::int64_t i = 0; i < count; i += V::kLanes) {
    V w = V::load(weights + i);
    V g = V::load(gradients + i);
    V state[kMaxPlanes];
    for (int p = 0; p < kPlanes; ++p) state[p] = V::load(plane_begin[p] + i);
    if constexpr (kRegularized) regularize(w, g, r);
    Optimizer::update(w, g, state, c);
    w.store(weights + i);
    for (int p = 0; p < kPlanes; ++p) state[p].store(plane_begin[p] + i);
  }
}

// One network: every lane is one of its weights.
template <class T, class Optimizer, bool kRegularized>
void update(T* weights, const T* gradients, T* const* planes, std::int64_t count, const Coefficients<T>& coefficients,
            const Regularization<T>& regularization) {
  using V = Vec<T, kNativeLanes<T>>;
  update_vectors<T, Optimizer, kRegularized>(weights, gradients, planes, count, Coefficients<V>(coefficients),
                                             Regularization<V>(regularization));
}

// A pack: every lane is a network with its own coefficients.
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

template <class T>
LaneUpdate<T> lane_update_function(const OptimizerPlan& plan, bool regularized) {
  return with_optimizer(plan, [&](auto optimizer) -> LaneUpdate<T> {
    using Optimizer = decltype(optimizer);
    return regularized ? detail::update_lanes<T, Optimizer, true> : detail::update_lanes<T, Optimizer, false>;
  });
}

#define INSTANTIATE(T)                                                           \
  template Update<T> update_function<T>(const OptimizerPlan&, bool regularized); \
  template LaneUpdate<T> lane_update_function<T>(const OptimizerPlan&, bool regularized);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL

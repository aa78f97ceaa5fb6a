// The optimizer on a contiguous range of weights: one fused pass over weights, gradients and state.
#pragma once

#include <cstdint>

#include "../simd/lanes.hpp"
#include "coefficients.hpp"
#include "regularize.hpp"

namespace creche::CRECHE_LEVEL {

// count is a multiple of 16; planes[0 ... kMaxPlanes - 1] point to the range's part of each plane in use. gradients are
// only read.
template <class T>
using Update = void (*)(T* weights, const T* gradients, T* const* planes, std::int64_t count,
                        const Coefficients<T>& coefficients, const Regularization<T>& regularization);

template <class T>
Update<T> update_function(const OptimizerPlan& plan, bool regularized);

// The same for a pack; count includes all lanes.
template <class T>
using LaneUpdate = void (*)(T* weights, const T* gradients, T* const* planes, std::int64_t count,
                            const Coefficients<Vec<T, kNativeLanes<T>>>& coefficients,
                            const Regularization<Vec<T, kNativeLanes<T>>>& regularization);

template <class T>
LaneUpdate<T> lane_update_function(const OptimizerPlan& plan, bool regularized);

}  // namespace creche::CRECHE_LEVEL

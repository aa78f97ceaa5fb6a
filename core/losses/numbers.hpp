// The numbers that a loss may need, one per lane.
#pragma once

#include "../plan.hpp"
#include "../simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

template <class V>
struct LossNumbers {
  V label_smoothing;  // cross_entropy
  V delta;            // huber
  V quantile;         // quantile
};

}  // namespace creche::CRECHE_LEVEL

// Sums of the rows' values under several weightings at once, apart for groups of rows.
//
// They add up from the first row to the last, so that their bits do not depend on the machine.
//
// Tests: tests/unit/engine/test_resampling.py
#pragma once

#include <cstdint>
#include <span>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

// sums[groups[row] * lanes + lane] += values[row] * weights[row * lanes + lane], with sums at 0 before.
inline void weighted_sums(std::span<const double> weights, std::span<const std::int32_t> groups,
                          std::span<const double> values, std::size_t lanes, std::span<double> sums) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double* const row = weights.data() + i * lanes;
    double* const to = sums.data() + static_cast<std::size_t>(groups[i]) * lanes;
    const double value = values[i];
    for (std::size_t lane = 0; lane < lanes; ++lane) to[lane] += value * row[lane];
  }
}

}  // namespace creche::CRECHE_LEVEL

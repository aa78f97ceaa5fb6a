// Sums of the rows' values under several weightings at once, apart for groups of rows.
//
// They add up from the first row to the last, so that their bits do not depend on the machine.
//
// Tests: tests/unit/engine/test_resampling.py
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

// sums[groups[row] * lanes + lane] += values[row] * weights[row * lanes + lane], with sums at 0 before. Without values,
// they are 1.
template <class Weight>
void weighted_sums(std::span<const Weight> weights, std::span<const std::int32_t> groups,
                   std::span<const double> values, std::size_t lanes, std::span<double> sums);

}  // namespace creche::CRECHE_LEVEL

// The area under the ROC curve under several weightings of the same rows at once.
//
// It is the share of the pairs of a positive and a negative row that the scores put in order, ties half (Mann & Whitney
// 1947). The rows are given in ascending order of their scores, so that one pass over them serves all weightings.
//
// Tests: tests/unit/engine/test_resampling.py
#pragma once

#include <cstdint>
#include <span>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

// weights[row * lanes + lane]; order holds the rows by their scores; positive[i] and ends_tie[i] are about row
// order[i]: whether it is positive, and whether the next one has another score. areas[lane] is NaN where a side is
// empty.
template <class Weight>
void ranked_pairs(std::span<const Weight> weights, std::span<const std::int32_t> order,
                  std::span<const std::uint8_t> positive, std::span<const std::uint8_t> ends_tie,
                  std::span<double> areas);

}  // namespace creche::CRECHE_LEVEL

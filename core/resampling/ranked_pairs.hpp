// The area under the ROC curve under several weightings of the same rows at once.
//
// It is the share of the pairs of a positive and a negative row that the scores put in order, ties half (Mann & Whitney
// 1947). The rows are given in ascending order of their scores, so that one pass over them serves all weightings.
//
// Tests: tests/unit/engine/test_resampling.py
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

// weights[row * lanes + lane]; order holds the rows by their scores; positive[i] and ends_tie[i] are about row
// order[i]: whether it is positive, and whether the next one has another score. areas[lane] is NaN where a side is
// empty.
inline void ranked_pairs(std::span<const double> weights, std::span<const std::int32_t> order,
                         std::span<const std::uint8_t> positive, std::span<const std::uint8_t> ends_tie,
                         std::span<double> areas) {
  const std::size_t lanes = areas.size();
  // Of the rows so far: negatives below this tie, the same and those of this tie, positives, and pairs in order.
  std::vector<double> sums(5 * lanes, 0.0);
  double* const below = sums.data();
  double* const tied_negatives = below + lanes;
  double* const tied_positives = tied_negatives + lanes;
  double* const positives = tied_positives + lanes;
  double* const pairs = positives + lanes;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double* const row = weights.data() + static_cast<std::size_t>(order[i]) * lanes;
    double* const tied = positive[i] ? tied_positives : tied_negatives;
    for (std::size_t lane = 0; lane < lanes; ++lane) tied[lane] += row[lane];
    if (!ends_tie[i]) continue;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      pairs[lane] += tied_positives[lane] * (below[lane] + tied_negatives[lane] / 2);
      below[lane] += tied_negatives[lane];
      positives[lane] += tied_positives[lane];
      tied_negatives[lane] = tied_positives[lane] = 0.0;
    }
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) areas[lane] = pairs[lane] / (positives[lane] * below[lane]);
}

}  // namespace creche::CRECHE_LEVEL

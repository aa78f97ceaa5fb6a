// What L-BFGS decides about a point that was tried, by numbers alone: the same for a network and for a lane of a pack.
//
// line_search.hpp has the rules.
#pragma once

#include <algorithm>
#include <cmath>

#include "optimizers/lbfgs.hpp"

namespace creche::CRECHE_LEVEL {

// Whether the point at x + t d is accepted.
inline bool descends_enough(const Lbfgs::Search& search, double slope, double loss) {
  constexpr double kSufficientDecrease = 1e-4;
  return loss <= search.loss + kSufficientDecrease * search.length * slope;
}

// The factor of a step to a point that is not finite: the limit of that of the parabola, as f grows. Such steps are not
// counted: some t leads to numbers that are finite, as those of the accepted point are.
inline constexpr double kLeastFactor = 0.1;

// The minimum of the parabola, within its limits.
inline double shorter_length(const Lbfgs::Search& search, double slope, double loss) {
  const double t = search.length;
  const double lowest = -slope * t * t / (2 * (loss - search.loss - slope * t));
  return std::max(kLeastFactor * t, std::min(0.5 * t, lowest));
}

// Tries this length instead; after too many of them, the history is forgotten.
inline void shorten(Lbfgs::Search& search, double length) {
  constexpr double kMostRetries = 20;
  if (++search.retries <= kMostRetries) {
    search.length = length;
  } else {
    search = Lbfgs::Search(Lbfgs::initial_scalars());
  }
}

// Whether a pair joins the history, by s.s, s.y and y.y.
inline bool has_curvature(double ss, double sy, double yy) {
  constexpr double kLeastCurvature = 1e-9;
  return sy > kLeastCurvature * std::sqrt(ss) * std::sqrt(yy);
}

// Whether a direction leads down, by g.d: not if it has numbers that are not finite.
inline bool leads_down(double slope) { return std::isfinite(slope) && slope < 0; }

// The first length in a direction without history.
inline double first_length(double learning_rate, double sum_of_gradients) {
  return learning_rate * std::min(1.0, 1 / sum_of_gradients);
}

}  // namespace creche::CRECHE_LEVEL

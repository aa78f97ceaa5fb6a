#include "resampling/ranked_pairs.hpp"

#include "resampling/weightings.hpp"

namespace creche::CRECHE_LEVEL {

template <class Weight>
void ranked_pairs(std::span<const Weight> weights, std::span<const std::int32_t> order,
                  std::span<const std::uint8_t> positive, std::span<const std::uint8_t> ends_tie,
                  std::span<double> areas) {
  const std::size_t lanes = areas.size();
  for_weightings(lanes, [&]<int kLanes>(std::integral_constant<int, kLanes>, std::size_t first) {
    using Lanes = WeightingLanes<kLanes>;
    // Of the rows so far: pairs in order, positives, and negatives below this tie.
    Lanes pairs = Lanes::zero(), positives = Lanes::zero(), below = Lanes::zero();
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto weight = [&](std::size_t of) {
        return Lanes::load(weights.data() + static_cast<std::size_t>(order[of]) * lanes + first);
      };
      if (ends_tie[i]) {  // a tie of one row, as most are
        if (positive[i]) {
          const Lanes row = weight(i);
          pairs += row * below;
          positives += row;
        } else {
          below += weight(i);
        }
        continue;
      }
      Lanes tied_positives = Lanes::zero(), tied_negatives = Lanes::zero();
      for (;; ++i) {
        (positive[i] ? tied_positives : tied_negatives) += weight(i);
        if (ends_tie[i]) break;
      }
      pairs += tied_positives * (below + tied_negatives * 0.5);
      below += tied_negatives;
      positives += tied_positives;
    }
    (pairs / (positives * below)).store(areas.data() + first);
  });
}

template void ranked_pairs(std::span<const double>, std::span<const std::int32_t>, std::span<const std::uint8_t>,
                           std::span<const std::uint8_t>, std::span<double>);
template void ranked_pairs(std::span<const Count>, std::span<const std::int32_t>, std::span<const std::uint8_t>,
                           std::span<const std::uint8_t>, std::span<double>);

}  // namespace creche::CRECHE_LEVEL

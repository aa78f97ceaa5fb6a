#include "resampling/weighted_sums.hpp"

#include "resampling/weightings.hpp"

namespace creche::CRECHE_LEVEL {

template <class Weight>
void weighted_sums(std::span<const Weight> weights, std::span<const std::int32_t> groups,
                   std::span<const double> values, std::size_t lanes, std::span<double> sums) {
  for_weightings(lanes, [&]<int kLanes>(std::integral_constant<int, kLanes>, std::size_t first) {
    using Lanes = WeightingLanes<kLanes>;
    const auto weighted = [&](std::size_t i) {
      const Lanes row = Lanes::load(weights.data() + i * lanes + first);
      return values.empty() ? row : row * values[i];
    };
    if (sums.size() == lanes) {  // one group, whose sums stay in registers
      Lanes all = Lanes::zero();
      for (std::size_t i = 0; i < groups.size(); ++i) all += weighted(i);
      all.store(sums.data() + first);
    } else {
      for (std::size_t i = 0; i < groups.size(); ++i) {
        double* const to = sums.data() + static_cast<std::size_t>(groups[i]) * lanes + first;
        (Lanes::load(to) + weighted(i)).store(to);
      }
    }
  });
}

template void weighted_sums(std::span<const double>, std::span<const std::int32_t>, std::span<const double>,
                            std::size_t, std::span<double>);
template void weighted_sums(std::span<const Count>, std::span<const std::int32_t>, std::span<const double>, std::size_t,
                            std::span<double>);

}  // namespace creche::CRECHE_LEVEL

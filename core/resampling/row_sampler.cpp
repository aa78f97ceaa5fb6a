#include "resampling/row_sampler.hpp"

#include <algorithm>
#include <vector>

namespace creche::CRECHE_LEVEL {

namespace {

// Lanes that are drawn one after the other, and then interleaved: a cache line of each row.
constexpr std::size_t kTogether = 64;

// Returns how many of the halves were refused, and adds a row for each of the others.
std::size_t add_draws(std::span<const std::uint32_t> halves, std::uint32_t refused_below, std::span<Count> counts) {
  std::size_t refused = 0;
  for (const std::uint32_t half : halves) {
    const std::uint64_t product = std::uint64_t{half} * counts.size();
    if (static_cast<std::uint32_t>(product) < refused_below)
      ++refused;
    else
      ++counts[product >> 32];
  }
  return refused;
}

}  // namespace

RowSampler::RowSampler(std::uint64_t state_high, std::uint64_t state_low, std::uint64_t increment_high,
                       std::uint64_t increment_low) {
  constexpr Word kMultiplier = (Word{2549297995355413924u} << 64) | 4865540595714422341u;
  const Word increment = (Word{increment_high} << 64) | increment_low;
  Word state = (Word{state_high} << 64) | state_low;
  for (Word& of_stream : states_) {
    of_stream = state = state * kMultiplier + increment;
    leap_multiplier_ *= kMultiplier;
    leap_increment_ = leap_increment_ * kMultiplier + increment;
  }
}

void RowSampler::draw(std::size_t lanes, std::span<Count> counts) {
  const std::size_t rows = counts.size() / lanes;
  std::vector<Count> of_lanes(std::min(lanes, kTogether) * rows);
  for (std::size_t first = 0; first < lanes; first += kTogether) {
    const std::size_t together = std::min(lanes - first, kTogether);
    std::fill(of_lanes.begin(), of_lanes.end(), Count{0});
    for (std::size_t lane = 0; lane < together; ++lane) draw_lane(std::span(of_lanes).subspan(lane * rows, rows));
    for (std::size_t row = 0; row < rows; ++row)
      for (std::size_t lane = 0; lane < together; ++lane)
        counts[row * lanes + first + lane] = of_lanes[lane * rows + row];
  }
}

// Draws as many rows as there are counts, which are those of one lane and so small enough for the nearest cache.
void RowSampler::draw_lane(std::span<Count> counts) {
  const auto rows = static_cast<std::uint32_t>(counts.size());
  const std::uint32_t refused_below = (0u - rows) % rows;
  for (std::size_t left = rows; left > 0;) {
    if (used_ == kHalves) refill();
    const std::size_t from = used_;
    used_ = std::min(from + left, kHalves);
    const std::span<const std::uint32_t> halves = std::span<const std::uint32_t>(halves_).subspan(from, used_ - from);
    left -= halves.size() - add_draws(halves, refused_below, counts);
  }
}

void RowSampler::refill() {
  std::array<Word, kStreams> states = states_;
  for (std::size_t i = 0; i < kHalves; i += 2 * kStreams)
    for (std::size_t stream = 0; stream < kStreams; ++stream) {
      const Word state = states[stream];
      const auto folded = static_cast<std::uint64_t>(state >> 64) ^ static_cast<std::uint64_t>(state);
      const auto turn = static_cast<unsigned>(state >> 122);
      const std::uint64_t word = (folded >> turn) | (folded << ((64 - turn) & 63));
      halves_[i + 2 * stream] = static_cast<std::uint32_t>(word);
      halves_[i + 2 * stream + 1] = static_cast<std::uint32_t>(word >> 32);
      states[stream] = state * leap_multiplier_ + leap_increment_;
    }
  states_ = states;
  used_ = 0;
}

}  // namespace creche::CRECHE_LEVEL

// Rows drawn with replacement, as the bootstrap needs them (Efron 1979).
//
// The rows are those that numpy.random.Generator(PCG64(...)).integers(rows) draws: O'Neill's PCG XSL-RR 128/64 (2014),
// whose halves, the lower one first, are brought into the range by a product (Lemire 2019). So the same confidence
// intervals can be had from NumPy alone.
//
// Tests: tests/unit/engine/test_resampling.py
#pragma once

#include <cstdint>
#include <span>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

class RowSampler {
 public:
  // State and increment, the upper 64 bits of each first.
  RowSampler(std::uint64_t state_high, std::uint64_t state_low, std::uint64_t increment_high,
             std::uint64_t increment_low)
      : state_((Word{state_high} << 64) | state_low), increment_((Word{increment_high} << 64) | increment_low) {}

  // Draws counts.size() / lanes rows for each of the lanes and adds 1 for each draw: counts[row * lanes + lane].
  void draw(std::int64_t lanes, std::span<double> counts) {
    const auto rows = static_cast<std::uint32_t>(counts.size() / static_cast<std::size_t>(lanes));
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      for (std::uint32_t n = 0; n < rows; ++n) counts[next_below(rows) * static_cast<std::size_t>(lanes) + lane] += 1.0;
  }

 private:
  __extension__ using Word = unsigned __int128;

  std::uint32_t next_below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next_half()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t threshold = (0u - bound) % bound;
      while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next_half()} * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  std::uint32_t next_half() {
    if (has_half_) {
      has_half_ = false;
      return half_;
    }
    const std::uint64_t word = next_word();
    has_half_ = true;
    half_ = static_cast<std::uint32_t>(word >> 32);
    return static_cast<std::uint32_t>(word);
  }

  std::uint64_t next_word() {
    constexpr Word kMultiplier = (Word{2549297995355413924u} << 64) | 4865540595714422341u;
    state_ = state_ * kMultiplier + increment_;
    const auto folded = static_cast<std::uint64_t>(state_ >> 64) ^ static_cast<std::uint64_t>(state_);
    const auto turn = static_cast<unsigned>(state_ >> 122);
    return (folded >> turn) | (folded << ((64 - turn) & 63));
  }

  Word state_;
  Word increment_;
  std::uint32_t half_ = 0;
  bool has_half_ = false;
};

}  // namespace creche::CRECHE_LEVEL

// Rows drawn with replacement, as the bootstrap needs them (Efron 1979).
//
// The rows are those that numpy.random.Generator(PCG64(...)).integers(rows) draws: O'Neill's PCG XSL-RR 128/64 (2014),
// whose halves, the lower one first, are brought into the range by a product (Lemire 2019). So the same confidence
// intervals can be had from NumPy alone.
//
// Tests: tests/unit/engine/test_resampling.py
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "level.hpp"
#include "resampling/weightings.hpp"

namespace creche::CRECHE_LEVEL {

class RowSampler {
 public:
  // State and increment, the upper 64 bits of each first.
  RowSampler(std::uint64_t state_high, std::uint64_t state_low, std::uint64_t increment_high,
             std::uint64_t increment_low);

  // Draws counts.size() / lanes rows for each of the lanes: counts[row * lanes + lane] says how often each came up.
  void draw(std::size_t lanes, std::span<Count> counts);

 private:
  __extension__ using Word = unsigned __int128;
  // Streams of every kStreams-th state: a state waits for its predecessor, but not for those of other streams.
  static constexpr std::size_t kStreams = 4;
  static constexpr std::size_t kHalves = 512;

  void draw_lane(std::span<Count> counts);
  void refill();

  std::array<Word, kStreams> states_;
  Word leap_multiplier_ = 1;
  Word leap_increment_ = 0;
  std::array<std::uint32_t, kHalves> halves_;
  std::size_t used_ = kHalves;
};

}  // namespace creche::CRECHE_LEVEL

// All random numbers of a run, each a pure function of the seed and of its purpose (streams.hpp).
//
// Tests: tests/native/test_random.py
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>

#include "random/philox_lanes.hpp"
#include "random/streams.hpp"
#include "simd/lanes.hpp"
#include "simd/math.hpp"

namespace creche::CRECHE_LEVEL {

// The order in which epoch `epoch` visits its rows: 0 ... out.size() - 1 shuffled (Fisher & Yates; Durstenfeld 1964).
inline void permutation(std::uint64_t seed, std::uint32_t epoch, std::span<std::int32_t> out) {
  std::iota(out.begin(), out.end(), 0);
  constexpr std::size_t kWords = 512;
  std::uint32_t words[kWords];
  PhiloxWords counter{0, 0, epoch, kStreamShuffle};
  std::size_t last = out.size();
  while (last > 1) {
    const std::size_t count = std::min(last - 1, kWords);
    philox_words(seed, counter, std::span(words, (count + 3) / 4 * 4));
    counter[0] += kWords / 4;
    for (std::size_t k = 0; k < count; ++k, --last) {
      std::swap(out[last - 1], out[shuffled_position(words[k], last)]);
    }
  }
}

// The words that decide which of neurons 16 * panel ... 16 * panel + 15 of a layer are dropped for the row at
// `position` of the epoch, and then those of the next row: out[2][16]. Neuron n has word n % 4 of counter n / 4.
inline void dropout_words_of_two(std::uint64_t seed, std::uint32_t epoch, std::uint32_t position, std::uint32_t layer,
                                 std::uint32_t panel, std::uint32_t out[2 * 16]) {
  philox_words_of_two(seed, {4 * panel, position, epoch, kStreamDropout + layer}, out);
}

// The same words for 16 networks, one per lane: out[i][lane] is for neuron 4 * quad + i of the network with
// seeds[lane].
inline void dropout_words_of_lanes(const std::uint64_t seeds[16], std::uint32_t epoch, std::uint32_t position,
                                   std::uint32_t layer, std::uint32_t quad, std::uint32_t out[4 * 16]) {
  philox_words_of_keys(seeds, {quad, position, epoch, kStreamDropout + layer}, out);
}

// In [0, 1), a multiple of 2^-24 or 2^-53: every value that the type can distinguish at that spacing, equally likely.
inline float uniform24(std::uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }
inline double uniform53(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

// Two independent standard normal numbers from two uniform ones in [0, 1): Box & Muller 1958.
template <class V>
void box_muller(V u1, V u2, V& z1, V& z2) {
  const V radius = sqrt(V(-2) * log(V(1) - u1));
  z1 = radius * cos2pi(u2);
  z2 = radius * sin2pi(u2);
}

// Initial numbers of a layer from draw `first` (a multiple of 16) on: uniform in [0, 1), two to a counter.
inline void initial_uniforms(std::uint64_t seed, std::uint32_t layer, std::uint64_t first, std::span<double, 16> out,
                             std::uint32_t submodel = 0) {
  const std::uint64_t index = first / 2;
  std::uint32_t words[32];
  philox_words<8>(seed,
                  {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), submodel,
                   kStreamInitialization + layer},
                  words);
  for (std::size_t i = 0; i < 16; ++i) out[i] = uniform53(words[2 * i], words[2 * i + 1]);
}

// The same, standard normal: a counter's two uniform numbers make two normal ones.
inline void initial_normals(std::uint64_t seed, std::uint32_t layer, std::uint64_t first, std::span<double, 16> out,
                            std::uint32_t submodel = 0) {
  using V = Vec<double, kNativeLanes<double>>;
  double uniform[16];
  initial_uniforms(seed, layer, first, uniform, submodel);
  for (int i = 0; i < 8; i += V::kLanes) {
    V u1, u2, z1, z2;
    for (int k = 0; k < V::kLanes; ++k) {
      u1.set_lane(k, uniform[2 * (i + k)]);
      u2.set_lane(k, uniform[2 * (i + k) + 1]);
    }
    box_muller(u1, u2, z1, z2);
    for (int k = 0; k < V::kLanes; ++k) {
      out[2 * (i + k)] = z1.lane(k);
      out[2 * (i + k) + 1] = z2.lane(k);
    }
  }
}

}  // namespace creche::CRECHE_LEVEL

// Philox 4x32-10, a counter-based generator: Salmon, Moraes, Dror & Shaw 2011, "Parallel Random Numbers: As Easy as
// 1, 2, 3", section 3.3.
//
//   (key, counter) -> 4 words of 32 bits, by 10 rounds of
//   c0' = hi(M1 c2) ^ c1 ^ k0     c1' = lo(M1 c2)     c2' = hi(M0 c0) ^ c3 ^ k1     c3' = lo(M0 c0)
//   k0' = k0 + W0                 k1' = k1 + W1
//
// There is no state: a word depends only on its key and counter, so that it makes no difference in which order words
// are requested, or whether they are computed one or sixteen at a time.
//
// A word is in the low half of a 64-bit lane, where the multiplier reads it and leaves the product. The high half is
// never read.
//
// Tests: tests/native/test_random.py (with the known answers of the authors' Random123 library).
#pragma once

#include <array>
#include <cstdint>

#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

using PhiloxWords = std::array<std::uint32_t, 4>;

namespace detail {

// The counters of kCount registers, word by word. multiply(a, b): the full product of the low half of a and b.
template <class W, int kCount, class Multiply>
CRECHE_INLINE void philox_rounds(W (&c)[4][kCount], W k0, W k1, const Multiply& multiply) {
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 4
    for (int k = 0; k < kCount; ++k) {
      const W p0 = multiply(c[0][k], 0xD2511F53u);
      const W p1 = multiply(c[2][k], 0xCD9E8D57u);
      c[0][k] = (p1 >> 32) ^ c[1][k] ^ k0;
      c[2][k] = (p0 >> 32) ^ c[3][k] ^ k1;
      c[1][k] = p1;
      c[3][k] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

}  // namespace detail

// The four words of one counter.
inline PhiloxWords philox(std::uint64_t key, PhiloxWords counter) {
  std::uint64_t c[4][1] = {{counter[0]}, {counter[1]}, {counter[2]}, {counter[3]}};
  const auto multiply = [](std::uint64_t a, std::uint32_t b) { return (a & 0xffffffffu) * b; };
  detail::philox_rounds<std::uint64_t, 1>(c, static_cast<std::uint32_t>(key), key >> 32, multiply);
  return {static_cast<std::uint32_t>(c[0][0]), static_cast<std::uint32_t>(c[1][0]), static_cast<std::uint32_t>(c[2][0]),
          static_cast<std::uint32_t>(c[3][0])};
}

}  // namespace creche::CRECHE_LEVEL

// Several weightings of the same rows, which are measured together: weights[row * lanes + lane].
//
// A weight is a number, or the count of how often the row was drawn. Adjacent weightings share registers; each keeps
// its own sums, so that its bits do not depend on how many there are.
//
// Tests: tests/unit/engine/test_resampling.py
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simd/lanes.hpp"
#include "simd/unroll.hpp"

namespace creche::CRECHE_LEVEL {

// How often a row was drawn. Among n draws of n rows, one comes up 256 times with a probability below 1 / 256!.
using Count = std::uint8_t;

// A double for each of kLanes adjacent weightings.
template <int kLanes>
class WeightingLanes {
 public:
  static CRECHE_INLINE WeightingLanes zero() {
    WeightingLanes all;
    unroll<kParts>([&](auto p) { all.parts_[p] = Part(0.0); });
    return all;
  }
  static CRECHE_INLINE WeightingLanes load(const double* from) {
    WeightingLanes all;
    unroll<kParts>([&](auto p) { all.parts_[p] = Part::load_unaligned(from + p * kWidth); });
    return all;
  }
  static CRECHE_INLINE WeightingLanes load(const Count* from) {
    WeightingLanes all;
    unroll<kParts>([&](auto p) { all.parts_[p] = numbers(from + p * kWidth); });
    return all;
  }
  CRECHE_INLINE void store(double* to) const {
    unroll<kParts>([&](auto p) { parts_[p].store_unaligned(to + p * kWidth); });
  }

  friend CRECHE_INLINE WeightingLanes operator+(WeightingLanes a, WeightingLanes b) {
    return combine([&](auto p) { return a.parts_[p] + b.parts_[p]; });
  }
  friend CRECHE_INLINE WeightingLanes operator*(WeightingLanes a, WeightingLanes b) {
    return combine([&](auto p) { return a.parts_[p] * b.parts_[p]; });
  }
  friend CRECHE_INLINE WeightingLanes operator*(WeightingLanes a, double b) {
    return combine([&](auto p) { return a.parts_[p] * Part(b); });
  }
  friend CRECHE_INLINE WeightingLanes operator/(WeightingLanes a, WeightingLanes b) {
    return combine([&](auto p) { return a.parts_[p] / b.parts_[p]; });
  }
  CRECHE_INLINE WeightingLanes& operator+=(WeightingLanes other) { return *this = *this + other; }

 private:
  static constexpr int kWidth = std::min(kLanes, kNativeLanes<double>);
  static constexpr int kParts = kLanes / kWidth;
  using Part = Vec<double, kWidth>;

  static CRECHE_INLINE Part numbers(const Count* from) {
    Part part;
#if defined(__AVX512F__)
    if constexpr (kWidth == 8)
      // Masked with every lane set, as in simd/lanes.hpp.
      return Part::make(typename Part::Raw(_mm512_maskz_cvtepi32_pd(
          0xff, _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))))));
#endif
#if defined(__AVX2__)
    if constexpr (kWidth == 4) {
      std::int32_t four;
      std::memcpy(&four, from, sizeof four);
      return Part::make(typename Part::Raw(_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)))));
    }
#endif
    for (int i = 0; i < kWidth; ++i) part.set_lane(i, static_cast<double>(from[i]));
    return part;
  }

  template <class F>
  static CRECHE_INLINE WeightingLanes combine(F f) {
    WeightingLanes all;
    unroll<kParts>([&](auto p) { all.parts_[p] = f(p); });
    return all;
  }

  Part parts_[kParts];
};

// Calls f(width, first) for all weightings, `width` of them from `first` on at a time; the width is a constant.
template <class F>
void for_weightings(std::size_t lanes, F f) {
  std::size_t first = 0;
  for (; first + 16 <= lanes; first += 16) f(std::integral_constant<int, 16>{}, first);
  for (; first + 4 <= lanes; first += 4) f(std::integral_constant<int, 4>{}, first);
  for (; first < lanes; ++first) f(std::integral_constant<int, 1>{}, first);
}

}  // namespace creche::CRECHE_LEVEL

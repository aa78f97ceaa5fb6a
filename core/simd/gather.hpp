// Vectors whose lanes come from different addresses.
#pragma once

#include <cstdint>

#include "lanes.hpp"

namespace creche::CRECHE_LEVEL {

// number(i) in lane i. Goes through memory: setting the lanes of a register one by one takes many times as long.
template <class V, class F>
CRECHE_INLINE V make_lanes(F&& number) {
  alignas(V) typename V::Scalar lanes[V::kLanes];
  for (int i = 0; i < V::kLanes; ++i) lanes[i] = number(i);
  return V::load(lanes);
}

// base[at[i]] in lane i.
template <class V>
CRECHE_INLINE V gather(const typename V::Scalar* base, const std::int32_t* at) {
#if defined(__AVX512F__)
  if constexpr (V::kLanes == 16)
    return V::make(
        (typename V::Raw)_mm512_mask_i32gather_ps(_mm512_setzero_ps(), 0xffff, _mm512_loadu_si512(at), base, 4));
#elif defined(__AVX2__)
  if constexpr (V::kLanes == 8)
    return V::make((typename V::Raw)_mm256_i32gather_ps(base, _mm256_loadu_si256((const __m256i*)at), 4));
#endif
  return make_lanes<V>([&](int i) { return base[at[i]]; });
}

// The same for integers.
template <class V>
CRECHE_INLINE V gather_integers(const std::int32_t* base, const std::int32_t* at) {
#if defined(__AVX512F__)
  if constexpr (V::kLanes == 16) {
    using Integers = typename RawVector<std::int32_t, 16>::type;
    return V::make(__builtin_convertvector(
        (Integers)_mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff, _mm512_loadu_si512(at), base, 4),
        typename V::Raw));
  }
#endif
  return make_lanes<V>([&](int i) { return static_cast<typename V::Scalar>(base[at[i]]); });
}

}  // namespace creche::CRECHE_LEVEL

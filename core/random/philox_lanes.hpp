// Philox words of many counters or keys, a register of them at a time: the words of philox.hpp.
//
// Tests: tests/native/test_random.py
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "random/philox.hpp"
#include "simd/lanes.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

inline constexpr int kWordLanes = kRegisterBytes / 8;
typedef std::uint64_t WordLanes __attribute__((vector_size(kRegisterBytes)));

// The full products of the low halves.
CRECHE_INLINE WordLanes multiply_words(WordLanes a, std::uint32_t b) {
#if defined(__AVX512F__)
  // The masked form: g++ 12 warns that its own header's plain form uses an uninitialized value.
  return (WordLanes)_mm512_maskz_mul_epu32(0xff, (__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
  return (WordLanes)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#else
  return (WordLanes)vmull_u32(vmovn_u64((uint64x2_t)a), vdup_n_u32(b));
#endif
}

// even[0] odd[0] even[1] odd[1] ...
CRECHE_INLINE void store_interleaved(WordLanes even, WordLanes odd, std::uint32_t* out) {
  WordLanes first, second;
#if defined(__AVX512F__)
  first = __builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
  second = __builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__AVX2__)
  first = __builtin_shufflevector(even, odd, 0, 4, 1, 5);
  second = __builtin_shufflevector(even, odd, 2, 6, 3, 7);
#else
  first = __builtin_shufflevector(even, odd, 0, 2);
  second = __builtin_shufflevector(even, odd, 1, 3);
#endif
  std::memcpy(out, &first, sizeof first);
  std::memcpy(out + sizeof first / sizeof *out, &second, sizeof second);
}

// The words of the counters in register k, counter by counter.
template <int kRegisters>
CRECHE_INLINE void store_words(const WordLanes (&c)[4][kRegisters], int k, std::uint32_t* out) {
  store_interleaved((c[0][k] & 0xffffffffu) | (c[1][k] << 32), (c[2][k] & 0xffffffffu) | (c[3][k] << 32), out);
}

// The words of a register of consecutive counters that begins with `counter`.
CRECHE_INLINE void philox_register(std::uint64_t key, PhiloxWords counter, std::uint32_t* out) {
  WordLanes c[4][1];
  for (int w = 0; w < 4; ++w) c[w][0] = WordLanes{} + counter[static_cast<std::size_t>(w)];
  for (int i = 0; i < kWordLanes; ++i) c[0][0][i] += static_cast<std::uint32_t>(i);
  philox_rounds<WordLanes, 1>(c, WordLanes{} + static_cast<std::uint32_t>(key), WordLanes{} + (key >> 32),
                              multiply_words);
  store_words(c, 0, out);
}

}  // namespace detail

// The words of N consecutive counters; counter[0] is incremented (modulo 2^32). out[4 * N], four words of each counter.
template <int N>
CRECHE_INLINE void philox_words(std::uint64_t key, PhiloxWords counter, std::uint32_t* out) {
  constexpr int kInRegisters = N / detail::kWordLanes * detail::kWordLanes;
  for (int i = 0; i < kInRegisters; i += detail::kWordLanes) {
    detail::philox_register(key, counter, out + 4 * i);
    counter[0] += detail::kWordLanes;
  }
  if constexpr (constexpr int kLeft = N - kInRegisters; kLeft > 0) {
    std::uint32_t words[4 * detail::kWordLanes];
    detail::philox_register(key, counter, words);
    std::memcpy(out + 4 * kInRegisters, words, 4 * kLeft * sizeof *words);
  }
}

// The same for as many words as fit into out, which may end within the words of the last counter.
inline void philox_words(std::uint64_t key, PhiloxWords counter, std::span<std::uint32_t> out) {
  constexpr int kCounters = 16;
  while (!out.empty()) {
    std::uint32_t words[4 * kCounters];
    philox_words<kCounters>(key, counter, words);
    const std::size_t count = out.size() < std::size(words) ? out.size() : std::size(words);
    std::memcpy(out.data(), words, count * sizeof *words);
    out = out.subspan(count);
    counter[0] += kCounters;
  }
}

// The words of four consecutive counters, and of those whose second word is one more: out[2][16]. They fill a register
// of AVX-512, or two of AVX2: one is multiplied while the other waits for its products.
inline void philox_words_of_two(std::uint64_t key, PhiloxWords counter, std::uint32_t* out) {
  using detail::WordLanes;
  constexpr int kRegisters = 8 / detail::kWordLanes;
  WordLanes c[4][kRegisters];
  for (int k = 0; k < kRegisters; ++k) {
    WordLanes place{};
    for (int i = 0; i < detail::kWordLanes; ++i) place[i] = static_cast<std::uint64_t>(k * detail::kWordLanes + i);
    c[0][k] = counter[0] + (place & 3);
    c[1][k] = counter[1] + (place >> 2);
    c[2][k] = WordLanes{} + counter[2];
    c[3][k] = WordLanes{} + counter[3];
  }
  detail::philox_rounds<WordLanes, kRegisters>(c, WordLanes{} + static_cast<std::uint32_t>(key),
                                               WordLanes{} + (key >> 32), detail::multiply_words);
  for (int k = 0; k < kRegisters; ++k) detail::store_words(c, k, out + 4 * detail::kWordLanes * k);
}

// One counter under 16 keys, one network's seed each: out[4][16], word by word.
inline void philox_words_of_keys(const std::uint64_t keys[16], PhiloxWords counter, std::uint32_t* out) {
  using detail::WordLanes;
  for (int first = 0; first < 16; first += detail::kWordLanes) {
    WordLanes key;
    std::memcpy(&key, keys + first, sizeof key);
    WordLanes c[4][1];
    for (int w = 0; w < 4; ++w) c[w][0] = WordLanes{} + counter[static_cast<std::size_t>(w)];
    detail::philox_rounds<WordLanes, 1>(c, key, key >> 32, detail::multiply_words);
    for (int w = 0; w < 4; ++w)
      for (int i = 0; i < detail::kWordLanes; ++i) out[16 * w + first + i] = static_cast<std::uint32_t>(c[w][0][i]);
  }
}

}  // namespace creche::CRECHE_LEVEL

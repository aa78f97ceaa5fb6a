// Products of float32 matrices whose operands are rounded to bfloat16 first, with float32 sums.
//
// A number is rounded to the nearest, ties to even; a subnormal one becomes a zero of its sign. The terms of a sum are
// added in pairs, as the instruction vdpbf16ps adds them:
//
//   sum = fl(left(i, 2p + 1) right(2p + 1, n) + sum), then
//   sum = fl(left(i, 2p) right(2p, n) + sum)                      p = 0, 1, 2, ...
//
// where each sum that is smaller than 2^-126, before or after it is rounded, counts as a zero of its sign. A pair that
// lacks its second term has 0 * 0 there. A product of two numbers of bfloat16 is exact in float32, so that a fused
// multiply-add of rounded numbers is this sum to the bit, but for the subnormal ones. Processors without the
// instruction add like that; of those that have it, only one that is faster by it, with the same bits, uses it.
//
// Tests: tests/native/test_bfloat16.py.   Benchmark: benchmarks/products.py
#pragma once

#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "processor.hpp"
#include "product.hpp"

namespace creche::CRECHE_LEVEL {

// The bits of float32 numbers.
typedef std::uint32_t FloatBits __attribute__((vector_size(kRegisterBytes)));

// Numbers of bfloat16 in the upper halves of their words, which are float32 numbers: one, or those of a register.
template <class Bits>
CRECHE_INLINE Bits round_to_bfloat16(Bits bits) {
  const Bits magnitude = bits & 0x7fffffffu;
  const Bits rounded = bits + 0x7fffu + ((bits >> 16) & 1u), quiet_nan = bits | 0x400000u, zero = bits & 0x80000000u;
  const Bits nearest = magnitude > 0x7f800000u ? quiet_nan : rounded;
  return (magnitude < 0x00800000u ? zero : nearest) & 0xffff0000u;
}

inline float round_to_bfloat16(float x) {
  return std::bit_cast<float>(round_to_bfloat16(std::bit_cast<std::uint32_t>(x)));
}

// Terms in a block of a long sum, at most.
inline constexpr std::int64_t kMostTerms = kTermsPerBlock * 3 / 2;

// fl(a b + sum) of rounded a and b, as above.
inline float add_rounded_product(float a, float b, float sum) {
  constexpr float kSmallest = 0x1p-126f, kScale = 0x1p64f;
  if (std::abs(sum) < kSmallest) sum = std::copysign(0.0f, sum);
  const float added = __builtin_fmaf(a, b, sum);
  if (!(std::abs(added) <= kSmallest) || added == 0.0f) return added;
  // A sum this small is one of small numbers, which can be scaled. Rounded like that, it is what it would be if
  // exponents went on below.
  const float small = std::abs(a) < std::abs(b) ? a : b, large = std::abs(a) < std::abs(b) ? b : a;
  const float scaled = __builtin_fmaf(small * kScale, large, sum * kScale);
  return std::abs(scaled) < kSmallest * kScale ? std::copysign(0.0f, added) : added;
}

namespace detail {

// How one of two ways of adding packs the operands of a block of terms, in words of its own, and adds a tile of sums. A
// missing second term of the last pair is packed as zeros.
//
//   pack_rows      rows of a left matrix: `rows` of them, 16 terms in each panel
//   pack_terms     terms of a right matrix, or of a left one by columns: 16 numbers of each
//   add            the terms to the sums in out, which are in panels, for kRows rows and kPanels panels; left begins at
//                  the first row of the tile, and `right` has kMostTerms terms in a panel

#if defined(__x86_64__)
// While it exists, this thread's instructions take subnormal numbers as zeros, and give zeros in their place.
class SubnormalsAreZeros {
 public:
  SubnormalsAreZeros() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~SubnormalsAreZeros() { _mm_setcsr(before_); }
  SubnormalsAreZeros(const SubnormalsAreZeros&) = delete;
  SubnormalsAreZeros& operator=(const SubnormalsAreZeros&) = delete;

 private:
  unsigned before_;
};
#endif

CRECHE_INLINE FloatBits load_bits(const void* from) {
  FloatBits bits;
  std::memcpy(&bits, from, sizeof bits);
  return bits;
}
CRECHE_INLINE void store_bits(FloatBits bits, void* to) { std::memcpy(to, &bits, sizeof bits); }

inline constexpr int kBitsLanes = kRegisterBytes / 4;

// Calls f(row, words) with the 16 words of each row in a panel of a left matrix, and zeros beyond its last term.
template <class F>
CRECHE_INLINE void each_row(const float* panel, std::int64_t rows, std::int64_t terms, const F& f) {
  for (std::int64_t r = 0; r < rows; ++r) {
    std::uint32_t words[kPanel] = {};
    std::memcpy(words, panel + r * kPanel,
                sizeof(float) * static_cast<std::size_t>(std::min<std::int64_t>(terms, kPanel)));
    f(r, words);
  }
}

// Rounded numbers are float32 again, the second of a pair before the first: products like any others.
struct ByMultiplyAdd {
  using Word = float;
  static constexpr std::int64_t kPanelStride = kMostTerms * kPanel;  // of packed terms

  static constexpr std::int64_t padded(std::int64_t terms) { return terms + terms % 2; }

  static void pack_rows(const float* row, std::int64_t panel_stride, std::int64_t rows, std::int64_t terms, float* to) {
    typedef std::uint64_t Pairs __attribute__((vector_size(kRegisterBytes)));
    const auto swap_pairs = [](FloatBits bits) __attribute__((always_inline)) {
      const Pairs pairs = (Pairs)bits;
      return (FloatBits)((pairs << 32) | (pairs >> 32));
    };
    for (; terms > 0; terms -= kPanel, row += panel_stride, to += rows * kPanel) {
      if (terms >= kPanel) {
        for (std::int64_t i = 0; i < rows * kPanel; i += kBitsLanes)
          store_bits(swap_pairs(round_to_bfloat16(load_bits(row + i))), to + i);
      } else {
        each_row(row, rows, terms, [&](std::int64_t r, const std::uint32_t* words) {
          for (int i = 0; i < kPanel; i += kBitsLanes)
            store_bits(swap_pairs(round_to_bfloat16(load_bits(words + i))), to + r * kPanel + i);
        });
      }
    }
  }

  static void pack_terms(const float* from, std::int64_t terms, float* to) {
    for (std::int64_t k = 0; k < terms; ++k)
      for (int i = 0; i < kPanel; i += kBitsLanes)
        store_bits(round_to_bfloat16(load_bits(from + k * kPanel + i)), to + (k ^ 1) * kPanel + i);
    if (terms % 2 == 1) std::memset(to + (terms - 1) * kPanel, 0, kPanel * sizeof(float));
  }

  // Not inlined, so that no addition leaves the scope of SubnormalsAreZeros.
  template <Left kLeft, int kRows, int kPanels>
  __attribute__((noinline)) static void add(const float* left, std::int64_t left_panel_stride, const float* right,
                                            std::int64_t terms, float* out, std::int64_t out_stride) {
    Tile<float, kRows, kPanels> tile;
    tile.load(out, out_stride);
    add_terms<kLeft>(tile, left, left_panel_stride, right, padded(terms));
    tile.store(out, out_stride);
  }

 private:
#if defined(__x86_64__)
  template <Left kLeft, int kRows, int kPanels>
  static CRECHE_INLINE void add_terms(Tile<float, kRows, kPanels>& tile, const float* left,
                                      std::int64_t left_panel_stride, const float* right, std::int64_t terms) {
    tile.template accumulate<kLeft>(left, left_panel_stride, right, kPanelStride, terms);
  }
#else
  template <Left kLeft, int kRows, int kPanels>
  static void add_terms(Tile<float, kRows, kPanels>& tile, const float* left, std::int64_t left_panel_stride,
                        const float* right, std::int64_t terms) {
    using V = NativeVec<float>;
    for (std::int64_t k = 0; k < terms; ++k) {
      for (int i = 0; i < kRows; ++i) {
        const float a = kLeft == Left::by_columns ? left[k * kPanel + i]
                                                  : left[(k / kPanel) * left_panel_stride + i * kPanel + k % kPanel];
        for (int column = 0; column < kPanels * kPanel; ++column) {
          V& sums = tile.sums[i][column / V::kLanes];
          const float b = right[(column / kPanel) * kPanelStride + k * kPanel + column % kPanel];
          sums.set_lane(column % V::kLanes, add_rounded_product(a, b, sums.lane(column % V::kLanes)));
        }
      }
    }
  }
#endif
};

#if defined(__AVX512F__)
#define CRECHE_HAS_BFLOAT16_INSTRUCTION 1
#define CRECHE_BFLOAT16_FUNCTION __attribute__((noinline, target("avx512bf16")))
// Pairs are words of 32 bits, whose lower half is the first term.
struct ByInstruction {
  using Word = std::uint32_t;
  static constexpr std::int64_t kPanelStride = kMostTerms / 2 * kPanel;

  CRECHE_BFLOAT16_FUNCTION static void pack_rows(const float* row, std::int64_t panel_stride, std::int64_t rows,
                                                 std::int64_t terms, std::uint32_t* to) {
    for (; terms > 0; terms -= kPanel, row += panel_stride, to += rows * kPanel / 2) {
      const auto present = static_cast<__mmask16>(terms < kPanel ? (1u << terms) - 1 : 0xffffu);
      for (std::int64_t r = 0; r < rows; ++r) {
        const __m512 numbers = _mm512_maskz_loadu_ps(present, row + r * kPanel);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + r * kPanel / 2), (__m256i)_mm512_cvtneps_pbh(numbers));
      }
    }
  }

  CRECHE_BFLOAT16_FUNCTION static void pack_terms(const float* from, std::int64_t terms, std::uint32_t* to) {
    alignas(64) std::uint16_t places[2 * kPanel];  // of the halves: each first term before the second of its pair
    for (std::uint16_t i = 0; i < 2 * kPanel; ++i) places[i] = static_cast<std::uint16_t>(i / 2 + i % 2 * kPanel);
    const __m512i interleaved = _mm512_load_si512(places);
    for (std::int64_t k = 0; k < terms; k += 2, from += 2 * kPanel, to += kPanel) {
      const __m512 first = _mm512_loadu_ps(from), second = k + 1 < terms ? _mm512_loadu_ps(from + kPanel) : __m512{};
      const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(second, first);
      _mm512_storeu_si512(to, _mm512_maskz_permutexvar_epi16(0xffffffffu, interleaved, halves));
    }
  }

  template <Left kLeft, int kRows, int kPanels>
  CRECHE_BFLOAT16_FUNCTION static void add(const std::uint32_t* left, std::int64_t left_panel_stride,
                                           const std::uint32_t* right, std::int64_t terms, float* out,
                                           std::int64_t out_stride) {
    constexpr int kPairs = kPanel / 2;  // of a row in one panel
    __m512 sums[kRows][kPanels];
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 3
      for (int j = 0; j < kPanels; ++j) sums[i][j] = _mm512_load_ps(out + j * out_stride + i * kPanel);
    }
    for (std::int64_t p = 0; p < (terms + 1) / 2; ++p) {
      const std::uint32_t* const pairs =
          kLeft == Left::by_columns ? left + p * kPanel : left + (p / kPairs) * left_panel_stride + p % kPairs;
      __m512i b[kPanels];
#pragma GCC unroll 3
      for (int j = 0; j < kPanels; ++j) b[j] = _mm512_load_si512(right + j * kPanelStride + p * kPanel);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const __m512i a = _mm512_set1_epi32(static_cast<int>(pairs[kLeft == Left::by_columns ? i : i * kPairs]));
#pragma GCC unroll 3
        for (int j = 0; j < kPanels; ++j) sums[i][j] = _mm512_dpbf16_ps(sums[i][j], (__m512bh)a, (__m512bh)b[j]);
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 3
      for (int j = 0; j < kPanels; ++j) _mm512_store_ps(out + j * out_stride + i * kPanel, sums[i][j]);
    }
  }
};
#endif

// Words of a row in one panel.
template <class Way>
inline constexpr std::int64_t kRowWords = std::is_same_v<typename Way::Word, float> ? kPanel : kPanel / 2;

}  // namespace detail

#if defined(CRECHE_HAS_BFLOAT16_INSTRUCTION)
namespace detail {

// Whether the instructions round random words, infinities and NaN among them, as round_to_bfloat16 does.
template <class Random>
bool packs_alike(const Random& next) {
  alignas(64) std::uint32_t words[2 * kPanel];
  for (std::uint32_t& word : words) word = next() % 8 == 0 ? 0x7f800000u + next() % 3 : next() ^ next() << 7;
  alignas(64) float numbers[2 * kPanel];
  std::memcpy(numbers, words, sizeof numbers);
  std::uint32_t row[kPanel / 2], pairs[kPanel];
  ByInstruction::pack_rows(numbers, 0, 1, kPanel, row);
  ByInstruction::pack_terms(numbers, 2, pairs);
  bool alike = true;
  for (int i = 0; i < kPanel; ++i) {
    const std::uint32_t first = round_to_bfloat16(words[i]) >> 16;
    alike &= pairs[i] == (first | round_to_bfloat16(words[kPanel + i]));
    alike &= (row[i / 2] >> 16 * (i % 2) & 0xffffu) == first;
  }
  return alike;
}

}  // namespace detail
#endif

// Whether the processor has an instruction for this, which gives the bits of the formula above in less time than
// multiply-adds. Intel's, as of Sapphire Rapids, gives them too, but more slowly.
inline bool has_bfloat16_instruction() {
#if defined(CRECHE_HAS_BFLOAT16_INSTRUCTION)
  static const bool kHas = [] {
    if (!processor::runs_avx512_bfloat16() || processor::is_from_intel()) return false;
    // Normal numbers of all sizes, since no other is left by rounding but zero; most of them are near the smallest,
    // where instructions could differ.
    alignas(64) std::uint32_t left[kPanel] = {}, right[detail::ByInstruction::kPanelStride] = {};
    std::uint32_t state = 1;
    const auto next = [&state] { return state = state * 1664525u + 1013904223u; };
    const auto exponent = [&](std::uint32_t n) { return n % 4 == 0 ? 1 + (n >> 8) % 254 : 55 + (n >> 8) % 20; };
    const auto number = [&](std::uint32_t n) { return ((n >> 16) & 0x807fu) | exponent(n) << 7; };
    for (int round = 0; round < 2000; ++round) {
      alignas(64) float sums[kPanel], expected[kPanel];
      for (int i = 0; i < kPanel; ++i) {
        left[0] = number(next()) | number(next()) << 16;
        right[i] = number(next()) | number(next()) << 16;
        sums[i] =
            std::bit_cast<float>((next() & 0x807fffffu) | (round % 2 == 0 ? next() % 30 : exponent(next())) << 23);
        expected[i] = sums[i];
      }
      for (int i = 0; i < kPanel; ++i) {
        const auto add = [&](std::uint32_t a, std::uint32_t b) {
          expected[i] = add_rounded_product(std::bit_cast<float>(a << 16), std::bit_cast<float>(b << 16), expected[i]);
        };
        add(left[0] >> 16, right[i] >> 16);
        add(left[0] & 0xffffu, right[i] & 0xffffu);
      }
      detail::ByInstruction::add<Left::by_rows, 1, 1>(left, 0, right, 2, sums, kPanel);
      if (std::memcmp(sums, expected, sizeof sums) != 0) return false;
      if (!detail::packs_alike(next)) return false;
    }
    return true;
  }();
  return kHas;
#else
  return false;
#endif
}

namespace detail {

// Rows of a left matrix that are packed at a time.
inline constexpr std::int64_t kRowsPerStrip = 64;

template <class Way>
void product_by_rows(Operand<float> left, std::int64_t row_begin, std::int64_t row_end, const float* begin_row,
                     Operand<float> right, std::int64_t terms, PanelMatrix<float> out) {
  alignas(64) typename Way::Word left_words[kRowsPerStrip * kMostTerms / kPanel * kRowWords<Way>];
  alignas(64) typename Way::Word right_words[most_panels<float>() * Way::kPanelStride];
  for (std::int64_t strip = row_begin; strip < row_end; strip += kRowsPerStrip) {
    const std::int64_t rows_here = std::min(kRowsPerStrip, row_end - strip);
    for (std::int64_t panel = 0; panel < out.panels(); ++panel) {
      constexpr float kZeros[kPanel] = {};
      const float* const from = begin_row == nullptr ? kZeros : begin_row + panel * right.panel_stride;
      for (std::int64_t r = strip; r < strip + rows_here; ++r) std::memcpy(out.at(panel, r), from, sizeof kZeros);
    }
    for (std::int64_t done = 0; done < terms;) {
      const std::int64_t now = block_of_terms(terms - done);
      Way::pack_rows(left.data + (done / kPanel) * left.panel_stride + strip * kPanel, left.panel_stride, rows_here,
                     now, left_words);
      for_panel_groups<float>(0, out.panels(), [&](auto panels, std::int64_t panel) {
        constexpr int kPanels = decltype(panels)::value;
        for (int j = 0; j < kPanels; ++j)
          Way::pack_terms(right.data + (panel + j) * right.panel_stride + done * kPanel, now,
                          right_words + j * Way::kPanelStride);
        for_tiles<tallest_tile<float, kPanels>()>(0, rows_here, [&](auto rows, std::int64_t row) {
          Way::template add<Left::by_rows, decltype(rows)::value, kPanels>(
              left_words + row * kRowWords<Way>, rows_here * kRowWords<Way>, right_words, now,
              out.at(panel, strip + row), out.panel_stride());
        });
      });
      done += now;
    }
  }
}

template <class Way, int kPanels>
void product_by_columns(Operand<float> left, std::int64_t i_begin, std::int64_t i_end, Operand<float> right,
                        std::int64_t terms, float* out, std::int64_t out_stride) {
  alignas(64) typename Way::Word left_words[Way::kPanelStride];
  alignas(64) typename Way::Word right_words[kPanels * Way::kPanelStride];
  for (std::int64_t done = 0; done < terms;) {
    const std::int64_t now = block_of_terms(terms - done);
    for (int j = 0; j < kPanels; ++j)
      Way::pack_terms(right.data + j * right.panel_stride + done * kPanel, now, right_words + j * Way::kPanelStride);
    for (std::int64_t i_panel = i_begin; i_panel < i_end; i_panel += kPanel) {
      Way::pack_terms(left.data + (i_panel / kPanel) * left.panel_stride + done * kPanel, now, left_words);
      for_tiles<tallest_tile<float, kPanels>()>(
          0, std::min<std::int64_t>(kPanel, i_end - i_panel), [&](auto rows, std::int64_t row) {
            Way::template add<Left::by_columns, decltype(rows)::value, kPanels>(
                left_words + row, 0, right_words, now, out + (i_panel - i_begin + row) * kPanel, out_stride);
          });
    }
    done += now;
  }
}

// Calls f with the faster way of adding.
template <class F>
void with_way_of_adding(const F& f) {
#if defined(CRECHE_HAS_BFLOAT16_INSTRUCTION)
  if (has_bfloat16_instruction()) return f(ByInstruction{});
#endif
#if defined(__x86_64__)
  const SubnormalsAreZeros scope;
#endif
  f(ByMultiplyAdd{});
}

}  // namespace detail

// product_by_rows (product.hpp) of rounded operands.
template <class Finish>
void rounded_product_by_rows(Operand<float> left, std::int64_t row_begin, std::int64_t row_end, const float* begin_row,
                             Operand<float> right, std::int64_t terms, PanelMatrix<float> out, const Finish& finish) {
  detail::with_way_of_adding([&](auto way) {
    detail::product_by_rows<decltype(way)>(left, row_begin, row_end, begin_row, right, terms, out);
  });
  for_panel_groups<float>(0, out.panels(), [&](auto panels, std::int64_t panel) {
    constexpr int kPanels = decltype(panels)::value;
    detail::for_tiles<tallest_tile<float, kPanels>()>(row_begin, row_end, [&](auto rows, std::int64_t row) {
      Tile<float, decltype(rows)::value, kPanels> tile;
      tile.load(out.at(panel, row), out.panel_stride());
      finish(tile, row, panel);
    });
  });
}

// product_by_columns (product.hpp) of rounded operands; the totals are sums of numbers as they are.
template <int kPanels>
void rounded_product_by_columns(Operand<float> left, std::int64_t i_begin, std::int64_t i_end, Operand<float> right,
                                std::int64_t terms, float* out, float* totals, std::int64_t out_stride,
                                bool continues) {
  using V = NativeVec<float>;
  for (int j = 0; j < kPanels; ++j) {
    if (!continues)
      std::memset(out + j * out_stride, 0, sizeof(float) * static_cast<std::size_t>((i_end - i_begin) * kPanel));
    for (int i = 0; i < kPanel && totals != nullptr; i += V::kLanes) {
      V sum = continues ? V::load(totals + j * out_stride + i) : V(0.0f);
      for (std::int64_t k = 0; k < terms; ++k) sum += V::load(right.data + j * right.panel_stride + k * kPanel + i);
      sum.store(totals + j * out_stride + i);
    }
  }
  detail::with_way_of_adding([&](auto way) {
    detail::product_by_columns<decltype(way), kPanels>(left, i_begin, i_end, right, terms, out, out_stride);
  });
}

// Either product, of operands as they are or rounded; only those of float32 can be rounded.
template <class T, class Finish>
void product_by_rows(bool rounds, Operand<T> left, std::int64_t row_begin, std::int64_t row_end, const T* begin_row,
                     Operand<T> right, std::int64_t terms, PanelMatrix<T> out, const Finish& finish) {
  if constexpr (sizeof(T) == 4) {
    if (rounds) return rounded_product_by_rows(left, row_begin, row_end, begin_row, right, terms, out, finish);
  }
  product_by_rows(left, row_begin, row_end, begin_row, right, terms, out, finish);
}

template <int kPanels, class T>
void product_by_columns(bool rounds, Operand<T> left, std::int64_t i_begin, std::int64_t i_end, Operand<T> right,
                        std::int64_t terms, T* out, T* totals, std::int64_t out_stride, bool continues) {
  if constexpr (sizeof(T) == 4) {
    if (rounds)
      return rounded_product_by_columns<kPanels>(left, i_begin, i_end, right, terms, out, totals, out_stride,
                                                 continues);
  }
  product_by_columns<kPanels>(left, i_begin, i_end, right, terms, out, totals, out_stride, continues);
}

}  // namespace creche::CRECHE_LEVEL

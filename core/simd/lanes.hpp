// The lane type: N numbers of type T that are processed together, written once for every instruction set.
//
// Vec<T, N> wraps a GCC/Clang vector of N lanes; Vec<T, 1> is a plain number, so that every kernel written for Vec is
// also its own scalar version. Each operation is one correctly rounded IEEE operation per lane, so that the bits of a
// lane never depend on N or on the instruction set. There is no implicit contraction (the build passes
// -ffp-contract=off): only fma() is a fused multiply-add.
//
// Tests: tests/native/test_math.py
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "../level.hpp"

namespace creche::CRECHE_LEVEL {

#define CRECHE_INLINE inline __attribute__((always_inline))

// Bytes in one native register of this level.
#if defined(__AVX512F__)
inline constexpr int kRegisterBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kRegisterBytes = 32;
#else
inline constexpr int kRegisterBytes = 16;
#endif

template <class T>
inline constexpr int kNativeLanes = kRegisterBytes / static_cast<int>(sizeof(T));

template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

template <class T, int N>
struct RawVector {
  typedef T type __attribute__((vector_size(N * sizeof(T))));
};
template <class T>
struct RawVector<T, 1> {
  using type = T;
};

// Per lane: all bits set where a condition holds, none where it does not.
template <class T, int N>
struct Mask {
  using Raw = typename RawVector<Bits<T>, N>::type;
  Raw raw;

  friend CRECHE_INLINE Mask operator&(Mask a, Mask b) { return {a.raw & b.raw}; }
  friend CRECHE_INLINE Mask operator|(Mask a, Mask b) { return {a.raw | b.raw}; }
  friend CRECHE_INLINE Mask operator~(Mask a) { return {~a.raw}; }
};

template <class T, int N>
struct Vec {
  using Scalar = T;
  using Raw = typename RawVector<T, N>::type;
  using RawBits = typename RawVector<Bits<T>, N>::type;
  static constexpr int kLanes = N;

  Raw raw;

  Vec() = default;
  CRECHE_INLINE explicit Vec(Raw r)
    requires(N > 1)
      : raw(r) {}
  // The same number in every lane.
  CRECHE_INLINE Vec(T x) {  // NOLINT(google-explicit-constructor): numbers mix with lanes in formulas
    if constexpr (N == 1) {
      raw = x;
    } else {
      raw = x - Raw{};  // x - 0 is x for every x, the sign of zero and NaN included
    }
  }

  static CRECHE_INLINE Vec from_bits(RawBits bits) {
    Vec v;
    std::memcpy(&v.raw, &bits, sizeof bits);
    return v;
  }
  CRECHE_INLINE RawBits bits() const {
    RawBits b;
    std::memcpy(&b, &raw, sizeof b);
    return b;
  }

  // p: N numbers of T, aligned to the whole vector.
  static CRECHE_INLINE Vec load(const T* p) {
    Vec v;
    std::memcpy(&v.raw, __builtin_assume_aligned(p, sizeof(Raw)), sizeof(Raw));
    return v;
  }
  CRECHE_INLINE void store(T* p) const { std::memcpy(__builtin_assume_aligned(p, sizeof(Raw)), &raw, sizeof(Raw)); }
  static CRECHE_INLINE Vec load_unaligned(const T* p) {
    Vec v;
    std::memcpy(&v.raw, p, sizeof(Raw));
    return v;
  }
  CRECHE_INLINE void store_unaligned(T* p) const { std::memcpy(p, &raw, sizeof(Raw)); }

  CRECHE_INLINE T lane(int i) const {
    if constexpr (N == 1) {
      (void)i;
      return raw;
    } else {
      return raw[i];
    }
  }
  CRECHE_INLINE void set_lane(int i, T x) {
    if constexpr (N == 1) {
      (void)i;
      raw = x;
    } else {
      raw[i] = x;
    }
  }

  friend CRECHE_INLINE Vec operator+(Vec a, Vec b) { return make(a.raw + b.raw); }
  friend CRECHE_INLINE Vec operator-(Vec a, Vec b) { return make(a.raw - b.raw); }
  friend CRECHE_INLINE Vec operator*(Vec a, Vec b) { return make(a.raw * b.raw); }
  friend CRECHE_INLINE Vec operator/(Vec a, Vec b) { return make(a.raw / b.raw); }
  friend CRECHE_INLINE Vec operator-(Vec a) { return make(-a.raw); }
  friend CRECHE_INLINE Vec& operator+=(Vec& a, Vec b) { return a = a + b; }
  friend CRECHE_INLINE Vec& operator-=(Vec& a, Vec b) { return a = a - b; }
  friend CRECHE_INLINE Vec& operator*=(Vec& a, Vec b) { return a = a * b; }

  friend CRECHE_INLINE Mask<T, N> operator<(Vec a, Vec b) { return mask(a.raw < b.raw); }
  friend CRECHE_INLINE Mask<T, N> operator<=(Vec a, Vec b) { return mask(a.raw <= b.raw); }
  friend CRECHE_INLINE Mask<T, N> operator>(Vec a, Vec b) { return mask(a.raw > b.raw); }
  friend CRECHE_INLINE Mask<T, N> operator>=(Vec a, Vec b) { return mask(a.raw >= b.raw); }
  friend CRECHE_INLINE Mask<T, N> operator==(Vec a, Vec b) { return mask(a.raw == b.raw); }
  friend CRECHE_INLINE Mask<T, N> operator!=(Vec a, Vec b) { return mask(a.raw != b.raw); }

  static CRECHE_INLINE Vec make(Raw r) {
    Vec v;
    v.raw = r;
    return v;
  }

 private:
  template <class Comparison>
  static CRECHE_INLINE Mask<T, N> mask(Comparison c) {
    if constexpr (N == 1) {
      return {c ? Bits<T>(-1) : Bits<T>(0)};
    } else {
      return {reinterpret_cast<typename Mask<T, N>::Raw>(c)};
    }
  }
};

// A whole register.
template <class T>
using NativeVec = Vec<T, kNativeLanes<T>>;

// a * b + c, rounded once.
template <class T, int N>
CRECHE_INLINE Vec<T, N> fma(Vec<T, N> a, Vec<T, N> b, Vec<T, N> c) {
  using V = Vec<T, N>;
  if constexpr (N == 1) {
    if constexpr (sizeof(T) == 4) {
      return V::make(__builtin_fmaf(a.raw, b.raw, c.raw));
    } else {
      return V::make(__builtin_fma(a.raw, b.raw, c.raw));
    }
  }
#if defined(__AVX512F__)
  else if constexpr (sizeof(T) == 4 && N == 16) {
    return V::make((typename V::Raw)_mm512_fmadd_ps((__m512)a.raw, (__m512)b.raw, (__m512)c.raw));
  } else if constexpr (sizeof(T) == 8 && N == 8) {
    return V::make((typename V::Raw)_mm512_fmadd_pd((__m512d)a.raw, (__m512d)b.raw, (__m512d)c.raw));
  }
#endif
#if defined(__AVX2__)
  else if constexpr (sizeof(T) == 4 && N == 8) {
    return V::make((typename V::Raw)_mm256_fmadd_ps((__m256)a.raw, (__m256)b.raw, (__m256)c.raw));
  } else if constexpr (sizeof(T) == 8 && N == 4) {
    return V::make((typename V::Raw)_mm256_fmadd_pd((__m256d)a.raw, (__m256d)b.raw, (__m256d)c.raw));
  }
#elif defined(__ARM_NEON)
  else if constexpr (sizeof(T) == 4 && N == 4) {
    return V::make((typename V::Raw)vfmaq_f32((float32x4_t)c.raw, (float32x4_t)a.raw, (float32x4_t)b.raw));
  } else if constexpr (sizeof(T) == 8 && N == 2) {
    return V::make((typename V::Raw)vfmaq_f64((float64x2_t)c.raw, (float64x2_t)a.raw, (float64x2_t)b.raw));
  }
#endif
  else {
    V out;
    for (int i = 0; i < N; ++i)
      out.set_lane(i, fma(Vec<T, 1>(a.lane(i)), Vec<T, 1>(b.lane(i)), Vec<T, 1>(c.lane(i))).raw);
    return out;
  }
}

// The masked forms below have every lane set: GCC 12 warns about its own definition of the plain ones.
template <class T, int N>
CRECHE_INLINE Vec<T, N> sqrt(Vec<T, N> a) {
  using V = Vec<T, N>;
  if constexpr (N == 1) {
    if constexpr (sizeof(T) == 4) {
      return V::make(__builtin_sqrtf(a.raw));
    } else {
      return V::make(__builtin_sqrt(a.raw));
    }
  }
#if defined(__AVX512F__)
  else if constexpr (sizeof(T) == 4 && N == 16) {
    return V::make((typename V::Raw)_mm512_maskz_sqrt_ps(0xffff, (__m512)a.raw));
  } else if constexpr (sizeof(T) == 8 && N == 8) {
    return V::make((typename V::Raw)_mm512_maskz_sqrt_pd(0xff, (__m512d)a.raw));
  }
#endif
#if defined(__AVX2__)
  else if constexpr (sizeof(T) == 4 && N == 8) {
    return V::make((typename V::Raw)_mm256_sqrt_ps((__m256)a.raw));
  } else if constexpr (sizeof(T) == 8 && N == 4) {
    return V::make((typename V::Raw)_mm256_sqrt_pd((__m256d)a.raw));
  }
#elif defined(__ARM_NEON)
  else if constexpr (sizeof(T) == 4 && N == 4) {
    return V::make((typename V::Raw)vsqrtq_f32((float32x4_t)a.raw));
  } else if constexpr (sizeof(T) == 8 && N == 2) {
    return V::make((typename V::Raw)vsqrtq_f64((float64x2_t)a.raw));
  }
#endif
  else {
    V out;
    for (int i = 0; i < N; ++i) out.set_lane(i, sqrt(Vec<T, 1>(a.lane(i))).raw);
    return out;
  }
}

// a where the mask holds, b elsewhere.
template <class T, int N>
CRECHE_INLINE Vec<T, N> select(Mask<T, N> m, Vec<T, N> a, Vec<T, N> b) {
  if constexpr (N == 1) {
    return m.raw ? a : b;
  } else {
    return Vec<T, N>::make(m.raw ? a.raw : b.raw);
  }
}

// a > b ? a : b, also for NaN and for zeros of different signs: b if neither is greater.
template <class T, int N>
CRECHE_INLINE Vec<T, N> max(Vec<T, N> a, Vec<T, N> b) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4 && N == 16) {
    return Vec<T, N>::make((typename Vec<T, N>::Raw)_mm512_maskz_max_ps(0xffff, (__m512)a.raw, (__m512)b.raw));
  }
#endif
  return select(a > b, a, b);
}
template <class T, int N>
CRECHE_INLINE Vec<T, N> min(Vec<T, N> a, Vec<T, N> b) {
  return select(a < b, a, b);
}

template <class T, int N>
CRECHE_INLINE Vec<T, N> abs(Vec<T, N> a) {
  constexpr Bits<T> kAllButSign = sizeof(T) == 4 ? Bits<T>(0x7fffffff) : Bits<T>(0x7fffffffffffffffLL);
  return Vec<T, N>::from_bits(a.bits() & kAllButSign);
}

// |magnitude| with the sign of sign.
template <class T, int N>
CRECHE_INLINE Vec<T, N> copysign(Vec<T, N> magnitude, Vec<T, N> sign) {
  constexpr Bits<T> kAllButSign = sizeof(T) == 4 ? Bits<T>(0x7fffffff) : Bits<T>(0x7fffffffffffffffLL);
  return Vec<T, N>::from_bits((magnitude.bits() & kAllButSign) | (sign.bits() & ~kAllButSign));
}

// -1, 0 or 1; 0 for zeros of either sign and for NaN.
template <class V>
CRECHE_INLINE V sign(V a) {
  return select(a > V(0), V(1), select(a < V(0), V(-1), V(0)));
}

// Keeps v in a register from here on. Otherwise the compiler may read it from memory again for each product.
template <class T, int N>
CRECHE_INLINE void in_register(Vec<T, N>& v) {
#if defined(__x86_64__)
  asm("" : "+v"(v.raw));
#elif defined(__aarch64__)
  asm("" : "+w"(v.raw));
#endif
}

// Whether any lane is set.
template <class T, int N>
CRECHE_INLINE bool any(Mask<T, N> m) {
  if constexpr (N == 1) {
    return m.raw != 0;
  } else {
    Bits<T> all = 0;
    for (int i = 0; i < N; ++i) all |= m.raw[i];
    return all != 0;
  }
}

}  // namespace creche::CRECHE_LEVEL

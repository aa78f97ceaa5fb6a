// Polynomials with constant coefficients, and the binary floating-point format that they are fitted to.
//
// tools/fit_polynomials.py computes the coefficients in core/simd/*.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "lanes.hpp"

namespace creche::CRECHE_LEVEL {

template <class T>
struct Format;
template <>
struct Format<float> {
  static constexpr int kMantissaBits = 23;
  static constexpr std::int32_t kBias = 127;
  // Adding this to a number whose magnitude is below 2^22 leaves no bits for a fraction: the sum is rounded to an
  // integer (ties to even), which is in the lowest bits of the sum.
  static constexpr float kRounder = 0x1.8p23f;
};
template <>
struct Format<double> {
  static constexpr int kMantissaBits = 52;
  static constexpr std::int64_t kBias = 1023;
  static constexpr double kRounder = 0x1.8p52;  // likewise, below 2^51
};

// Bits as unsigned integers: shifting and adding them wraps around instead of being undefined.
template <class V>
using UnsignedBits = typename RawVector<std::make_unsigned_t<Bits<typename V::Scalar>>, V::kLanes>::type;

template <class V>
CRECHE_INLINE UnsignedBits<V> unsigned_bits(V x) {
  return (UnsignedBits<V>)x.bits();
}
template <class V>
CRECHE_INLINE V from_unsigned_bits(UnsignedBits<V> bits) {
  return V::from_bits((typename V::RawBits)bits);
}

// x * 2^n, where rounded = n + kRounder. Correct only if neither x nor the product is 0, subnormal, infinite or NaN.
template <class V>
CRECHE_INLINE V times_power_of_two(V x, V rounded) {
  return from_unsigned_bits<V>(unsigned_bits(x) +
                               (unsigned_bits(rounded) << Format<typename V::Scalar>::kMantissaBits));
}

template <std::size_t kFirst, std::size_t kStep, class V, std::size_t K>
CRECHE_INLINE V horner(V x, const std::array<typename V::Scalar, K>& coefficients) {
  if constexpr (kFirst + kStep >= K) {
    return V(coefficients[kFirst]);
  } else {
    return fma(horner<kFirst + kStep, kStep>(x, coefficients), x, V(coefficients[kFirst]));
  }
}

// coefficients[0] + coefficients[1] x + coefficients[2] x^2 + ... The even and odd powers form two chains of fused
// multiply-adds, which run in parallel and are half as long.
template <class V, std::size_t K>
CRECHE_INLINE V polynomial(V x, const std::array<typename V::Scalar, K>& coefficients) {
  static_assert(K >= 2);
  const V x2 = x * x;
  return fma(horner<1, 2>(x2, coefficients), x, horner<0, 2>(x2, coefficients));
}

}  // namespace creche::CRECHE_LEVEL

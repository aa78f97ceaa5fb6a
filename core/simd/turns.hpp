// Sine and cosine of an angle in turns: sin(2 pi x) and cos(2 pi x), accurate for every finite x.
//
// Largest errors in units in the last place (ulp), float and double alike: 2.0 ulp. Infinite x and NaN give NaN.
// Quarters of a turn give exactly -1, 0 and 1. Tests: tests/native/test_math.py
#pragma once

#include "polynomial.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

template <class T>
struct TwoPi;  // 2 pi = kHigh + kLow
template <>
struct TwoPi<float> {
  static constexpr float kHigh = 0x1.921fb6p+2f, kLow = -0x1.777a5cp-23f;
};
template <>
struct TwoPi<double> {
  static constexpr double kHigh = 0x1.921fb54442d18p+2, kLow = 0x1.1a62633145c07p-52;
};

// sin(2 pi r) = 2 pi r + r^3 P(r^2) for |r| <= 1/8
template <class T>
inline constexpr std::array<T, 0> kSinTail{};
template <>
inline constexpr std::array<float, 3> kSinTail<float> = {-0x1.4abbcp+5f, 0x1.46603p+6f, -0x1.2dd046p+6f};
template <>
inline constexpr std::array<double, 6> kSinTail<double> = {-0x1.4abbce625be47p+5, 0x1.466bc67758d85p+6,
                                                           -0x1.32d2cce3332a8p+6, 0x1.5078301b5b7ddp+5,
                                                           -0x1.e300a651e48e3p+3, 0x1.e403cd3516412p+1};

// cos(2 pi r) = 1 + r^2 P(r^2) for |r| <= 1/8
template <class T>
inline constexpr std::array<T, 0> kCosTail{};
template <>
inline constexpr std::array<float, 4> kCosTail<float> = {-0x1.3bd3ccp+4f, 0x1.03c1dep+6f, -0x1.55c664p+6f,
                                                         0x1.d9f7c6p+5f};
template <>
inline constexpr std::array<double, 7> kCosTail<double> = {
    -0x1.3bd3cc9be45dep+4, 0x1.03c1f081b5abp+6,  -0x1.55d3c7e3c95bbp+6, 0x1.e1f50683b41aap+5,
    -0x1.a6d1ecb731429p+4, 0x1.f9cc6ac43b686p+2, -0x1.b26fe4e7b295cp+0};

// sin(2 pi (x + quarters / 4)). The quadrant of the result selects one of the two polynomials and the sign.
template <class V>
CRECHE_INLINE V sine_from_quarter(V x, int quarters) {
  using T = typename V::Scalar;
  const V rounder(Format<T>::kRounder);
  // Removes whole turns first. For a large x the remainder may exceed a turn, but it is exact, and small enough for the
  // second step.
  const V turn = x - ((x + rounder) - rounder);
  const V rounded = fma(turn, V(T(4)), rounder);
  const V r = fma(rounded - rounder, V(T(-0.25)), turn);
  const V r2 = r * r;
  const V sin = fma(r, fma(r2, polynomial(r2, kSinTail<T>), V(TwoPi<T>::kLow)), r * V(TwoPi<T>::kHigh));
  const V cos = fma(r2, polynomial(r2, kCosTail<T>), V(T(1)));

  const auto quarter = unsigned_bits(rounded) + static_cast<std::make_unsigned_t<Bits<T>>>(quarters);
  const Mask<T, V::kLanes> odd{-(typename V::RawBits)(quarter & 1)};
  const auto sign = (quarter & 2) << (8 * sizeof(T) - 2);
  return from_unsigned_bits<V>(unsigned_bits(select(odd, cos, sin)) ^ sign);
}

}  // namespace detail

template <class V>
CRECHE_INLINE V sin2pi(V x) {
  return detail::sine_from_quarter(x, 0);
}

template <class V>
CRECHE_INLINE V cos2pi(V x) {
  return detail::sine_from_quarter(x, 1);
}

}  // namespace creche::CRECHE_LEVEL

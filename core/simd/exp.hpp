// exp and functions built on it: expm1 of numbers <= 0, tanh, sigmoid.
//
// Largest errors in units in the last place (ulp), float and double alike; NaN gives NaN:
//   exp                1.2 ulp; +inf above ln(largest number); results below the smallest normal number are 0
//   expm1_nonpositive  1.5 ulp
//   tanh               3.0 ulp
//   sigmoid            3.0 ulp; results below the smallest normal number are inexact or 0
// Tests: tests/native/test_math.py
#pragma once

#include "polynomial.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

template <class T>
struct ExpRange;
template <>
struct ExpRange<float> {
  static constexpr float kLargest = 0x1.62e42ep+6f;    // exp of anything more overflows
  static constexpr float kSmallest = -0x1.5d589ep+6f;  // exp of anything less is not a normal number
};
template <>
struct ExpRange<double> {
  static constexpr double kLargest = 0x1.62e42fefa39efp+9;
  static constexpr double kSmallest = -0x1.6232bdd7abcd2p+9;
};

// ln 2 = kHigh + kLow; kHigh has trailing zeros, so that its product with any exponent is exact.
template <class T>
struct Ln2;
template <>
struct Ln2<float> {
  static constexpr float kHigh = 0x1.62e4p-1f, kLow = 0x1.7f7d1cp-20f, kInverse = 0x1.715476p+0f;
};
template <>
struct Ln2<double> {
  static constexpr double kHigh = 0x1.62e42fefa38p-1, kLow = 0x1.ef35793c7673p-45, kInverse = 0x1.71547652b82fep+0;
};

// exp(r) = 1 + r + r^2 P(r) for |r| <= ln(2) / 2
template <class T>
inline constexpr std::array<T, 0> kExpTail{};
template <>
inline constexpr std::array<float, 5> kExpTail<float> = {0x1.fffffcp-2f, 0x1.5554bp-3f, 0x1.55587ep-5f, 0x1.122782p-7f,
                                                         0x1.6a2886p-10f};
template <>
inline constexpr std::array<double, 10> kExpTail<double> = {
    0x1.0000000000004p-1, 0x1.5555555555515p-3,  0x1.55555555524a4p-5, 0x1.11111111242bbp-7,  0x1.6c16c17e7b4fap-10,
    0x1.a01a012ff228p-13, 0x1.a019a85b31c02p-16, 0x1.71df3142b1c2p-19, 0x1.28a11a002e29dp-22, 0x1.ad4d2f8c40219p-26};

// x = n ln 2 + r with |r| <= ln(2) / 2. Gives exp(r) - 1, and n as rounded = n + kRounder.
template <class V>
CRECHE_INLINE V expm1_of_remainder(V x, V& rounded) {
  using T = typename V::Scalar;
  rounded = fma(x, V(Ln2<T>::kInverse), V(Format<T>::kRounder));
  const V n = rounded - V(Format<T>::kRounder);
  const V r = fma(n, V(-Ln2<T>::kLow), fma(n, V(-Ln2<T>::kHigh), x));
  return fma(polynomial(r, kExpTail<T>), r * r, r);
}

}  // namespace detail

template <class V>
CRECHE_INLINE V exp(V x) {
  using T = typename V::Scalar;
  using Range = detail::ExpRange<T>;
  V rounded;
  const V mantissa = detail::expm1_of_remainder(x, rounded) + V(T(1));
  const V y = select(x < V(Range::kSmallest), V(T(0)), times_power_of_two(mantissa, rounded));
  // The sum is +inf, or NaN for NaN.
  return select(x <= V(Range::kLargest), y, x + V(std::numeric_limits<T>::infinity()));
}

// exp(x) - 1 for x <= 0, without the cancellation for x near 0.
template <class V>
CRECHE_INLINE V expm1_nonpositive(V x) {
  using T = typename V::Scalar;
  const V enough = V(T(-40));  // exp(-40) vanishes in a sum with 1 in either type
  V rounded;
  const V y = detail::expm1_of_remainder(select(x < enough, enough, x), rounded);
  const V power = times_power_of_two(V(T(1)), rounded);
  return fma(power, y, power - V(T(1)));
}

// With t = exp(-2 |x|) - 1, |tanh(x)| is -t / (t + 2): nothing can overflow or cancel.
template <class V>
CRECHE_INLINE V tanh(V x) {
  using T = typename V::Scalar;
  const V t = expm1_nonpositive(V(T(-2)) * abs(x));
  return copysign(t / (t + V(T(2))), x);
}

// 1 / (1 + exp(-x)), the logistic function. complement: 1 minus it, as accurate however small.
template <class V>
CRECHE_INLINE V sigmoid(V x, V& complement) {
  using T = typename V::Scalar;
  const V e = exp(-abs(x));
  const V larger = V(T(1)) / (V(T(1)) + e);
  const V smaller = e * larger;
  const auto negative = x < V(T(0));
  complement = select(negative, larger, smaller);
  return select(negative, smaller, larger);
}

template <class V>
CRECHE_INLINE V sigmoid(V x) {
  V complement;
  return sigmoid(x, complement);
}

}  // namespace creche::CRECHE_LEVEL

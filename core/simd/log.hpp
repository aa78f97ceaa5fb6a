// log, log1p of numbers in [0, 1], and softplus.
//
// Largest errors in units in the last place (ulp), float and double alike; NaN gives NaN:
//   log         1.5 ulp; -inf for 0 of either sign, NaN below, subnormal numbers right
//   log1p_unit  2.0 ulp
//   softplus    2.0 ulp; results below the smallest normal number are inexact or 0
// Tests: tests/native/test_math.py
#pragma once

#include "exp.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

// log((1 + s) / (1 - s)) = 2 s + s^3 P(s^2), (1 + s) / (1 - s) between sqrt(1/2) and sqrt(2)
template <class T>
inline constexpr std::array<T, 0> kLogTail{};
template <>
inline constexpr std::array<float, 3> kLogTail<float> = {0x1.55557ap-1f, 0x1.995eaap-2f, 0x1.31e4acp-2f};
template <>
inline constexpr std::array<double, 7> kLogTail<double> = {
    0x1.5555555555593p-1, 0x1.999999997fc79p-2, 0x1.249249420435bp-2, 0x1.c71c51f8c423bp-3,
    0x1.746642873becfp-3, 0x1.39a157ff22e18p-3, 0x1.2f0979886b932p-3};

template <class T>
inline constexpr T kSqrtHalf = T(0x1.6a09e667f3bcdp-1);

// x = 2^n mantissa with mantissa between sqrt(1/2) and sqrt(2), for a positive normal number x.
template <class V>
struct Exponent {
  V n, mantissa;

  CRECHE_INLINE explicit Exponent(V x) {
    using T = typename V::Scalar;
    using F = Format<T>;
    // Moves sqrt(1/2) to the lower edge of a power of two; the exponent field then is n + kBias.
    const auto edge = unsigned_bits(V(T(1))) - unsigned_bits(V(kSqrtHalf<T>));
    const auto field = (unsigned_bits(x) + edge) >> F::kMantissaBits;
    n = from_unsigned_bits<V>(unsigned_bits(V(F::kRounder)) + field) - V(F::kRounder + T(F::kBias));
    mantissa = from_unsigned_bits<V>(unsigned_bits(x) - (field << F::kMantissaBits) + unsigned_bits(V(T(1))));
  }
};

// n ln 2 + log(1 + f)
template <class V>
CRECHE_INLINE V log_of_parts(V n, V f) {
  using T = typename V::Scalar;
  const V s = f / (V(T(2)) + f);
  const V s2 = s * s;
  // 2 s is f - s f: in that form the rounding error of s hardly matters.
  const V small = fma(s, fma(-s2, polynomial(s2, kLogTail<T>), f), n * V(-Ln2<T>::kLow));
  return fma(n, V(Ln2<T>::kHigh), f - small);
}

}  // namespace detail

template <class V>
CRECHE_INLINE V log(V x) {
  using T = typename V::Scalar;
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  constexpr T kLift = sizeof(T) == 4 ? T(0x1p25) : T(0x1p54);  // makes any subnormal number normal
  constexpr T kLifted = sizeof(T) == 4 ? T(25) : T(54);
  const V zero(T(0));
  const auto subnormal = x < V(std::numeric_limits<T>::min());
  const detail::Exponent<V> parts(select(subnormal, x * V(kLift), x));
  const V n = parts.n - select(subnormal, V(kLifted), zero);
  const V y = detail::log_of_parts(n, parts.mantissa - V(T(1)));
  const V edge = select(x == zero, V(-kInfinity), select(x < zero, V(std::numeric_limits<T>::quiet_NaN()), x));
  return select((x > zero) & (x < V(kInfinity)), y, edge);
}

// log(1 + x) for 0 <= x <= 1, without the cancellation for x near 0: enough for the logarithm of a sum of exponentials
// once the largest is factored out.
template <class V>
CRECHE_INLINE V log1p_unit(V x) {
  using T = typename V::Scalar;
  const V half(T(0.5));
  const auto beyond = x > V(T(0.41421356));  // 1 + x is more than sqrt(2): take (1 + x) / 2
  return detail::log_of_parts(select(beyond, V(T(1)), V(T(0))), select(beyond, fma(half, x, -half), x));
}

// log(1 + exp(x))
template <class V>
CRECHE_INLINE V softplus(V x) {
  using T = typename V::Scalar;
  return max(x, V(T(0))) + log1p_unit(exp(-abs(x)));
}

}  // namespace creche::CRECHE_LEVEL

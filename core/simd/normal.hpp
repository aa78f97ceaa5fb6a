// The distribution function Phi and the density phi of the standard normal distribution, for the exact GELU.
//
// Both need one exponential: Phi(-a) = exp(-a^2 / 2) P(u) / (a + c) with u = (a - c) / (a + c), for a >= 0. Unlike (1 +
// erf(x / sqrt 2)) / 2 this stays accurate for large negative x, where Phi is tiny.
//
// Largest errors in units in the last place (ulp), float and double alike: Phi 6 ulp, phi 3 ulp. Results below the
// smallest normal number are inexact or 0; NaN gives NaN. Tests: tests/native/test_math.py
#pragma once

#include "exp.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

template <class T>
struct NormalRange;
template <>
struct NormalRange<float> {
  static constexpr float kShift = 4;   // c
  static constexpr float kLimit = 14;  // phi is 0 beyond this
};
template <>
struct NormalRange<double> {
  static constexpr double kShift = 5;
  static constexpr double kLimit = 40;
};

template <class T>
inline constexpr T kInverseSqrtTwoPi = T(0x1.9884533d43651p-2);

template <class T>
inline constexpr std::array<T, 0> kNormalTail{};
template <>
inline constexpr std::array<float, 10> kNormalTail<float> = {
    0x1.82b4bcp-1f,  -0x1.373e3ap-1f, 0x1.8c6d9cp-2f,  -0x1.7dffep-3f,  0x1.eed4acp-5f,
    -0x1.ed4586p-8f, -0x1.ccb73cp-9f, 0x1.9c0d9ep-10f, 0x1.833216p-13f, -0x1.0fa41p-13f};
template <>
inline constexpr std::array<double, 22> kNormalTail<double> = {
    0x1.89d3abe1f95aep-1,   -0x1.54ad03f27ca16p-1, 0x1.fb31653876f9ep-2,   -0x1.410ed5f875b71p-2,
    0x1.51f6329f0137ep-3,   -0x1.1b1c254c928fap-4, 0x1.54b4d4f4e11f8p-6,   -0x1.88590eb88d52bp-9,
    -0x1.a25037f9ffe7ap-11, 0x1.1daf1ef312c86p-11, -0x1.f2145585ad371p-15, -0x1.a1714ef77fef9p-15,
    0x1.17dcb358083dap-16,  0x1.0b3286460ffbdp-18, -0x1.73a2be83c0eadp-19, -0x1.6ab8500e73229p-22,
    0x1.d0597ebec99p-22,    0x1.76bb0bf12cc56p-25, -0x1.17be0744ce4f2p-24, -0x1.5d630cb01c571p-27,
    0x1.e906312083c24p-28,  0x1.10dded8c66bdp-29};

}  // namespace detail

// Phi(x) = P(X <= x) for a standard normal X; phi(x) in density.
template <class V>
CRECHE_INLINE V normal_distribution(V x, V& density) {
  using T = typename V::Scalar;
  using Range = detail::NormalRange<T>;
  const V magnitude = abs(x);
  const V a = select(magnitude > V(Range::kLimit), V(Range::kLimit), magnitude);
  // a^2 = square + lost, exactly: for large a the rounding error of a^2 alone would cost many ulp of its exponential.
  const V square = a * a;
  const V lost = fma(a, a, -square);
  const V rough = exp(V(T(-0.5)) * square);
  const V e = fma(rough, V(T(-0.5)) * lost, rough);
  density = e * V(detail::kInverseSqrtTwoPi<T>);

  const V inverse = V(T(1)) / (a + V(Range::kShift));
  const V u = (a - V(Range::kShift)) * inverse;
  const V tail = e * (inverse * polynomial(u, detail::kNormalTail<T>));
  return select(x < V(T(0)), tail, V(T(1)) - tail);
}

}  // namespace creche::CRECHE_LEVEL

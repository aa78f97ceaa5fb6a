// What the headers of the engine use of the standard library, for the run-time compiler of GPUs, which brings none. It
// replaces each standard header by name (src/creche/engine/device_colony/compile.py): parsing these few lines
// takes a tenth of the time of whole headers.
#pragma once

#ifdef __CUDACC_RTC__

using int8_t = signed char;
using uint8_t = unsigned char;
using int16_t = short;
using uint16_t = unsigned short;
using int32_t = int;
using uint32_t = unsigned int;
using int64_t = long long;
using uint64_t = unsigned long long;

// The instructions that round once. The compiler keeps them as they are; others it could fuse.
#define __builtin_fmaf __fmaf_rn
#define __builtin_fma __fma_rn
#define __builtin_sqrtf __fsqrt_rn
#define __builtin_sqrt __dsqrt_rn

namespace std {

using ::int16_t;
using ::int32_t;
using ::int64_t;
using ::int8_t;
using ::memcpy;
using ::uint16_t;
using ::uint32_t;
using ::uint64_t;
using ::uint8_t;
using size_t = decltype(sizeof(0));
using ptrdiff_t = long long;

template <class T, T kValue>
struct integral_constant {
  static constexpr T value = kValue;
  using value_type = T;
  constexpr operator T() const { return kValue; }
};

template <bool kCondition, class T, class F>
struct conditional {
  using type = T;
};
template <class T, class F>
struct conditional<false, T, F> {
  using type = F;
};
template <bool kCondition, class T, class F>
using conditional_t = typename conditional<kCondition, T, F>::type;

template <class T>
struct make_unsigned;
template <>
struct make_unsigned<int> {
  using type = unsigned int;
};
template <>
struct make_unsigned<long> {
  using type = unsigned long;
};
template <>
struct make_unsigned<long long> {
  using type = unsigned long long;
};
template <class T>
using make_unsigned_t = typename make_unsigned<T>::type;

template <class T, T... kIndex>
struct integer_sequence {};

namespace detail {

template <class T, class First, class Second>
struct Joined;
template <class T, T... kFirst, T... kSecond>
struct Joined<T, integer_sequence<T, kFirst...>, integer_sequence<T, kSecond...>> {
  using type = integer_sequence<T, kFirst..., (T(sizeof...(kFirst)) + kSecond)...>;
};
// Halves, so that long sequences need few levels of templates.
template <class T, int kCount>
struct Sequence {
  using type =
      typename Joined<T, typename Sequence<T, kCount / 2>::type, typename Sequence<T, kCount - kCount / 2>::type>::type;
};
template <class T>
struct Sequence<T, 0> {
  using type = integer_sequence<T>;
};
template <class T>
struct Sequence<T, 1> {
  using type = integer_sequence<T, T(0)>;
};

}  // namespace detail

template <class T, T kCount>
using make_integer_sequence = typename detail::Sequence<T, int(kCount)>::type;

template <class T, size_t kSize>
struct array {
  T elements[kSize > 0 ? kSize : 1];

  constexpr const T& operator[](size_t i) const { return elements[i]; }
  constexpr T& operator[](size_t i) { return elements[i]; }
};

template <class T>
struct numeric_limits;
template <>
struct numeric_limits<float> {
  static constexpr float infinity() { return __builtin_bit_cast(float, 0x7f800000u); }
  static constexpr float quiet_NaN() { return __builtin_bit_cast(float, 0x7fc00000u); }
  static constexpr float min() { return 0x1p-126f; }
  static constexpr float max() { return 0x1.fffffep127f; }
};
template <>
struct numeric_limits<double> {
  static constexpr double infinity() { return __builtin_bit_cast(double, 0x7ff0000000000000ull); }
  static constexpr double quiet_NaN() { return __builtin_bit_cast(double, 0x7ff8000000000000ull); }
  static constexpr double min() { return 0x1p-1022; }
  static constexpr double max() { return 0x1.fffffffffffffp1023; }
};

template <class T>
constexpr const T& min(const T& a, const T& b) {
  return b < a ? b : a;
}
template <class T>
constexpr const T& max(const T& a, const T& b) {
  return a < b ? b : a;
}
template <class T>
constexpr const T& clamp(const T& x, const T& low, const T& high) {
  return x < low ? low : high < x ? high : x;
}

inline float sqrt(float x) { return __fsqrt_rn(x); }
inline double sqrt(double x) { return __dsqrt_rn(x); }
inline float abs(float x) { return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, x) & 0x7fffffffu); }
inline double abs(double x) {
  return __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, x) & 0x7fffffffffffffffull);
}
inline bool isinf(double x) { return abs(x) == numeric_limits<double>::infinity(); }

// As in the standard library, for numbers and results that are finite, not 0 and not subnormal: schedules have no
// other.
inline double frexp(double x, int* exponent) {
  const uint64_t bits = __builtin_bit_cast(uint64_t, x);
  *exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1022;
  return __builtin_bit_cast(double, (bits & 0x800fffffffffffffull) | 0x3fe0000000000000ull);
}
inline double ldexp(double x, int exponent) {
  return __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, x) + (static_cast<uint64_t>(exponent) << 52));
}

}  // namespace std

#endif

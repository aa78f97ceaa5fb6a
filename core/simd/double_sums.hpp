// Sums in double of numbers in lanes of float or double.
#pragma once

#include <type_traits>
#include <utility>

#include "lanes.hpp"

namespace creche::CRECHE_LEVEL {

// A sum in double for each lane of V, kept in registers.
template <class V>
class DoubleSums {
 public:
  explicit DoubleSums(const double* from) {
    for (int p = 0; p < kParts; ++p) parts_[p] = Part::load_unaligned(from + p * Part::kLanes);
  }
  DoubleSums() {
    for (Part& part : parts_) part = Part(0.0);
  }
  void store(double* to) const {
    for (int p = 0; p < kParts; ++p) parts_[p].store_unaligned(to + p * Part::kLanes);
  }
  CRECHE_INLINE void add(V x) {
    each_part([&](auto part) __attribute__((always_inline)) { parts_[part] += of<part>(x); });
  }
  CRECHE_INLINE void add(const DoubleSums& other) {
    for (int p = 0; p < kParts; ++p) parts_[p] += other.parts_[p];
  }
  // Adds a b, rounded once.
  CRECHE_INLINE void add_product(V a, V b) {
    each_part([&](auto part)
                  __attribute__((always_inline)) { parts_[part] = fma(of<part>(a), of<part>(b), parts_[part]); });
  }
  // Adds (a b) b.
  CRECHE_INLINE void add_scaled_square(V a, V b) {
    each_part([&](auto part) __attribute__((always_inline)) {
      parts_[part] = fma(of<part>(a) * of<part>(b), of<part>(b), parts_[part]);
    });
  }

 private:
  // As many registers as hold the lanes of V as doubles.
  static constexpr int kParts = static_cast<int>(sizeof(double) / sizeof(typename V::Scalar));
  using Part = Vec<double, V::kLanes / kParts>;

  template <class F>
  static CRECHE_INLINE void each_part(F&& f) {
    f(std::integral_constant<int, 0>{});
    if constexpr (kParts == 2) f(std::integral_constant<int, 1>{});
  }

  template <int kPart>
  static CRECHE_INLINE Part of(V x) {
    if constexpr (kParts == 1) {
      return x;
    } else if constexpr (Part::kLanes == 1) {
      return Part(static_cast<double>(x.lane(kPart)));
    } else {
      return of<kPart>(x, std::make_integer_sequence<int, Part::kLanes>{});
    }
  }
  template <int kPart, int... kLane>
  static CRECHE_INLINE Part of(V x, std::integer_sequence<int, kLane...>) {
    return Part::make(__builtin_convertvector(__builtin_shufflevector(x.raw, x.raw, (kPart * Part::kLanes + kLane)...),
                                              typename Part::Raw));
  }

  Part parts_[kParts];
};

}  // namespace creche::CRECHE_LEVEL

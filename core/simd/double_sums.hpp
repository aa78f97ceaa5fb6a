// Sums in double of numbers in lanes of float or double.
#pragma once

#include <cstring>
#include <utility>

#include "lanes.hpp"

namespace creche::CRECHE_LEVEL {

// A sum in double for each lane of V, kept in registers.
template <class V>
class DoubleSums {
 public:
  explicit DoubleSums(const double* from) {
    std::memcpy(&low_, from, sizeof low_);
    std::memcpy(&high_, from + kHalf, sizeof high_);
  }
  void store(double* to) const {
    std::memcpy(to, &low_, sizeof low_);
    std::memcpy(to + kHalf, &high_, sizeof high_);
  }
  CRECHE_INLINE void add(V x) {
    if constexpr (kHalf > 1) {
      low_ += __builtin_convertvector(half<0>(x, std::make_integer_sequence<int, kHalf>{}), Half);
      high_ += __builtin_convertvector(half<kHalf>(x, std::make_integer_sequence<int, kHalf>{}), Half);
    } else {
      low_ += static_cast<double>(x.lane(0));
      high_ += static_cast<double>(x.lane(1));
    }
  }

 private:
  static constexpr int kHalf = V::kLanes / 2;
  using Half = typename RawVector<double, kHalf>::type;

  template <int kFrom, int... kLane>
  static CRECHE_INLINE auto half(V x, std::integer_sequence<int, kLane...>) {
    return __builtin_shufflevector(x.raw, x.raw, (kFrom + kLane)...);
  }

  Half low_, high_;
};

}  // namespace creche::CRECHE_LEVEL

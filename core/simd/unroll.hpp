// Loops of a known length, written out by the compiler from the start, so that an array indexed by their counter lives
// in registers. (A plain loop is unrolled too late for that: the array would be kept in memory around it.)
#pragma once

#include <type_traits>
#include <utility>

#include "lanes.hpp"

namespace creche::CRECHE_LEVEL {

namespace detail {

template <class F, int... kIndex>
CRECHE_INLINE void unroll(F& f, std::integer_sequence<int, kIndex...>) {
  (f(std::integral_constant<int, kIndex>{}), ...);
}

}  // namespace detail

// f(0), f(1), ... f(kCount - 1), each argument a constant expression.
template <int kCount, class F>
CRECHE_INLINE void unroll(F&& f) {
  detail::unroll(f, std::make_integer_sequence<int, kCount>{});
}

}  // namespace creche::CRECHE_LEVEL

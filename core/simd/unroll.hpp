// Loops of constant length that the compiler expands before anything else, so that an array indexed by their counter
// stays in registers. A plain loop is unrolled too late for that.
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

// Calls f(0), f(1), ... f(kCount - 1), each argument a constant expression.
template <int kCount, class F>
CRECHE_INLINE void unroll(F&& f) {
  detail::unroll(f, std::make_integer_sequence<int, kCount>{});
}

}  // namespace creche::CRECHE_LEVEL

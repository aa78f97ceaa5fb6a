// The end of a function that tells kinds apart.
#pragma once

#include <stdexcept>

#include "level.hpp"

namespace creche::CRECHE_LEVEL {

// Code of a GPU cannot throw; the plans that reach it have passed through the functions of the host.
[[noreturn]] inline void throw_unknown_kind([[maybe_unused]] const char* message) {
#ifdef __CUDACC__
  __builtin_unreachable();
#else
  throw std::logic_error(message);
#endif
}

}  // namespace creche::CRECHE_LEVEL

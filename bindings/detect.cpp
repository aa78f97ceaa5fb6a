// The instruction-set levels that this processor can run. Compiled for any processor of the architecture, so that it
// can be called before code is loaded that might not run.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "processor.hpp"

namespace {

std::vector<std::string> supported_levels() {
  std::vector<std::string> levels;
#if defined(__x86_64__)
  if (creche::processor::runs_x86_64_v4()) levels.emplace_back("x86-64-v4");
  if (creche::processor::runs_x86_64_v3()) levels.emplace_back("x86-64-v3");
#elif defined(__aarch64__)
  levels.emplace_back("neon");
#endif
  return levels;
}

}  // namespace

NB_MODULE(_detect, m) { m.def("supported_levels", &supported_levels); }

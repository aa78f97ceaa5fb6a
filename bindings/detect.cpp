// The instruction-set levels that this processor can run. Compiled for any processor of the architecture, so that it
// can be called before code is loaded that might not run.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

namespace {

std::vector<std::string> supported_levels() {
  std::vector<std::string> levels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) levels.emplace_back("x86-64-v4");
  if (__builtin_cpu_supports("x86-64-v3")) levels.emplace_back("x86-64-v3");
#elif defined(__aarch64__)
  levels.emplace_back("neon");
#endif
  return levels;
}

}  // namespace

NB_MODULE(_detect, m) { m.def("supported_levels", &supported_levels); }

#include <nanobind/nanobind.h>

#include "machine.hpp"

namespace nb = nanobind;

namespace rookery::ROOKERY_LEVEL {

void bind_machine(nb::module_& m) {
  m.def("memory", &training_memory, nb::arg("plan"), nb::arg("rows"), nb::arg("itemsize"));
  m.def(
      "fma_peak", [](double seconds, int threads) { return multiply_add_peak(seconds, threads) / 1e9; },
      nb::arg("seconds") = 0.2, nb::arg("threads") = 1, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace rookery::ROOKERY_LEVEL

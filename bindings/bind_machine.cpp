#include "python_types.hpp"

#include <tuple>

#include "gemm/bfloat16.hpp"
#include "machine.hpp"

namespace nb = nanobind;

namespace creche::CRECHE_LEVEL {

void bind_machine(nb::module_& m) {
  m.def("memory", &training_memory, nb::arg("plan"), nb::arg("rows"), nb::arg("itemsize"));
  m.def(
      "fma_peak", [](double seconds, int threads) { return multiply_add_peak(seconds, threads) / 1e9; },
      nb::arg("seconds") = 0.2, nb::arg("threads") = 1, nb::call_guard<nb::gil_scoped_release>());
  m.def(
      "product_rates",
      [](std::int64_t batch_size, std::int64_t inputs, std::int64_t outputs, double seconds, bool rounds_products) {
        const ProductRates rates = product_rates(batch_size, inputs, outputs, seconds, rounds_products);
        return std::make_tuple(rates.forward / 1e9, rates.dloss_dinputs / 1e9, rates.dloss_dweights / 1e9);
      },
      nb::arg("batch_size"), nb::arg("inputs"), nb::arg("outputs"), nb::arg("seconds") = 0.2,
      nb::arg("rounds_products") = false, nb::call_guard<nb::gil_scoped_release>());
  m.def("has_bfloat16_instruction", &has_bfloat16_instruction);
}

}  // namespace creche::CRECHE_LEVEL

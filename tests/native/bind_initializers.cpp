// Initial weights, for tests/native/test_initializers.py.
#include <nanobind/nanobind.h>

#include <vector>

#include "arrays.hpp"
#include "initializers.hpp"
#include "orthogonal.hpp"
#include "plan_from_dict.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
ArrayOut<T> weights(const std::string& kind, double parameter, std::uint64_t seed, std::uint32_t layer,
                    std::size_t inputs, std::size_t outputs) {
  LayerPlan plan;
  plan.width = static_cast<std::int64_t>(outputs);
  plan.initializer = initializer_kind(kind);
  plan.initializer_parameter = parameter;
  auto out = new_array<T>({inputs, outputs});
  initial_weights(plan, {seed, layer}, static_cast<std::int64_t>(inputs), std::span<T>(out.data(), inputs * outputs));
  return out;
}

// Q of a (rows, columns) matrix with rows >= columns.
ArrayOut<double> orthonormal_columns(const ArrayIn<double>& matrix) {
  const std::size_t rows = matrix.shape(0);
  const std::size_t columns = matrix.shape(1);
  std::vector<double> panels((columns + 7) / 8 * 8 * rows);
  const auto at = [&](std::size_t i, std::size_t j) -> double& { return panels[(j / 8 * rows + i) * 8 + j % 8]; };
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) at(i, j) = matrix.data()[i * columns + j];
  orthonormalize(panels.data(), static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns));
  auto out = new_array<double>({rows, columns});
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) out.data()[i * columns + j] = at(i, j);
  return out;
}

}  // namespace

void bind_initializers(nb::module_& m) {
  m.def("initial_weights_f32", weights<float>, "kind"_a, "parameter"_a, "seed"_a, "layer"_a, "inputs"_a, "outputs"_a);
  m.def("initial_weights_f64", weights<double>, "kind"_a, "parameter"_a, "seed"_a, "layer"_a, "inputs"_a, "outputs"_a);
  m.def("orthonormal_columns", orthonormal_columns, "matrix"_a);
}

}  // namespace creche::CRECHE_LEVEL

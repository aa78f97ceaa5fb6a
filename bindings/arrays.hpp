// Conversions between NumPy arrays and the core's views. They check shape, type and layout, so that a wrong call raises
// an error and never reads out of bounds.
#pragma once

#include "python_types.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "aligned.hpp"
#include "losses/loss_pass.hpp"
#include "plan.hpp"
#include "rows.hpp"
#include "shape.hpp"

namespace creche::CRECHE_LEVEL {

namespace nb = nanobind;

template <class T>
using Matrix = nb::ndarray<const T, nb::ndim<2>, nb::device::cpu>;
template <class T>
using Vector = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// A new array, owned by Python.
template <class T>
nb::ndarray<nb::numpy, T> new_array(std::vector<std::size_t> shape) {
  std::size_t size = 1;
  for (std::size_t extent : shape) size *= extent;
  auto data = std::make_unique<T[]>(size);
  nb::capsule owner(data.get(), [](void* p) noexcept { std::unique_ptr<T[]>(static_cast<T*>(p)); });
  return nb::ndarray<nb::numpy, T>(data.release(), shape.size(), shape.data(), owner);
}

// Refuses a plan whose parts do not fit each other, which the engine does not check.
inline void check_plan(const Plan& plan) {
  const auto check = [](bool right, const std::string& wrong) {
    if (!right) throw std::invalid_argument("plan: " + wrong);
  };
  check(!plan.layers.empty(), "needs at least one layer");
  check(plan.submodels >= 1 && plan.submodels <= 4096,
        "has " + std::to_string(plan.submodels) + " submodels; needs 1 to 4096");
  check(plan.input_features.empty() || static_cast<std::int64_t>(plan.input_features.size()) == plan.inputs,
        "has features for " + std::to_string(plan.input_features.size()) + " inputs; needs them for all " +
            std::to_string(plan.inputs) + ", or none");
  check(std::all_of(plan.input_features.begin(), plan.input_features.end(), [](std::int64_t f) { return f >= 0; }),
        "a feature has a negative number");
  check(plan.shards >= 1, "has " + std::to_string(plan.shards) + " shards; needs at least 1");
  check(plan.windows.block >= 0 && (plan.windows.block == 0 || plan.windows.window >= 1),
        "has windows of " + std::to_string(plan.windows.window) + " blocks of " + std::to_string(plan.windows.block) +
            " rows; needs at least 1 of each");
  for (std::size_t l = 0; l < plan.layers.size(); ++l) {
    if (plan.layers[l].normalization != NormalizationKind::batch) continue;
    check(l + 1 < plan.layers.size(), "the output layer has batch normalization; only hidden layers can");
    check(plan.submodels == 1, "has batch normalization and submodels; it can have one of them");
    check(plan.shards == 1, "has batch normalization and shards; it can have one of them");
    check(plan.optimizer.kind != OptimizerKind::lbfgs, "has batch normalization and L-BFGS; it can have one of them");
  }
}

// Features without labels, whatever the loss needs.
template <class T>
Rows<T> unlabelled_rows(const Matrix<T>& x, const Plan& plan) {
  if (static_cast<std::int64_t>(x.shape(1)) != plan.inputs)
    throw std::invalid_argument("x has " + std::to_string(x.shape(1)) + " columns; the network needs " +
                                std::to_string(plan.inputs));
  if (x.stride(1) != 1 && x.shape(1) != 1 && x.shape(0) != 0)
    throw std::invalid_argument("x must be contiguous along its rows");
  Rows<T> rows;
  rows.x = x.data();
  rows.x_stride = x.stride(0);
  rows.count = static_cast<std::int64_t>(x.shape(0));
  return rows;
}

// A table from Python; keeps the arrays alive.
template <class T>
struct Table {
  Matrix<T> x;
  std::optional<Vector<std::int32_t>> classes;
  std::optional<Matrix<T>> targets;
  std::optional<Vector<T>> weights;

  Rows<T> rows(const Plan& plan, const char* what) const {
    const std::int64_t outputs = plan.layers.back().width;
    const auto check = [&](bool right, const std::string& wrong) {
      if (!right) throw std::invalid_argument(std::string(what) + ": " + wrong);
    };
    const auto count = static_cast<std::int64_t>(x.shape(0));
    check(static_cast<std::int64_t>(x.shape(1)) == plan.inputs,
          "x has " + std::to_string(x.shape(1)) + " columns; the network needs " + std::to_string(plan.inputs));
    check(x.stride(1) == 1 || x.shape(1) == 1, "x must be contiguous along its rows");
    check(classes.has_value() != targets.has_value(), "needs either classes or targets, not both or neither");
    Rows<T> rows;
    rows.x = x.data();
    rows.x_stride = x.stride(0);
    rows.count = count;
    const bool wants_classes = has_class_labels(plan.loss.kind);
    check(wants_classes == classes.has_value(),
          wants_classes ? "this loss needs classes, not targets" : "this loss needs targets, not classes");
    if (classes) {
      check(static_cast<std::int64_t>(classes->shape(0)) == count,
            "got " + std::to_string(classes->shape(0)) + " classes for " + std::to_string(count) + " rows of x");
      rows.classes = classes->data();
      const std::int32_t* const end = rows.classes + count;
      const std::int32_t* const wrong =
          std::find_if(rows.classes, end, [&](std::int32_t c) { return c < 0 || c >= outputs; });
      if (wrong != end)
        check(false, "row " + std::to_string(wrong - rows.classes) + " has class " + std::to_string(*wrong) +
                         "; needs 0 to " + std::to_string(outputs - 1));
    } else {
      check(static_cast<std::int64_t>(targets->shape(0)) == count,
            "got " + std::to_string(targets->shape(0)) + " targets for " + std::to_string(count) + " rows of x");
      check(static_cast<std::int64_t>(targets->shape(1)) == outputs,
            "targets have " + std::to_string(targets->shape(1)) + " columns; the network has " +
                std::to_string(outputs) + " outputs");
      check(targets->stride(1) == 1 || outputs == 1, "targets must be contiguous along their rows");
      rows.targets = targets->data();
      rows.targets_stride = targets->stride(0);
    }
    if (weights) {
      check(static_cast<std::int64_t>(weights->shape(0)) == count,
            "got " + std::to_string(weights->shape(0)) + " weights for " + std::to_string(count) + " rows of x");
      rows.weights = weights->data();
    }
    return rows;
  }
};

// A matrix in panels, row by row.
template <class T>
nb::ndarray<nb::numpy, T> matrix_to_python(PanelMatrix<T> from, std::int64_t rows) {
  auto out = new_array<T>({static_cast<std::size_t>(rows), static_cast<std::size_t>(from.columns)});
  T* to = out.data();
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < from.columns; ++c) *to++ = from.element(r, c);
  return out;
}

// Memory for a matrix in panels.
template <class T>
struct OwnedMatrix {
  AlignedArray<T> array;
  PanelMatrix<T> matrix;

  OwnedMatrix(std::int64_t rows, std::int64_t columns)
      : array(panel_count(columns) * kPanel * staggered_rows(rows)),
        matrix{array.data(), staggered_rows(rows), columns} {}
};

template <class T>
using Array = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;

// The shape of a part in Python, behind the extents of `before`.
inline std::vector<std::size_t> part_extents(const ParameterBlock& block, const ParameterPart& part,
                                             std::vector<std::size_t> before = {}) {
  if (part.matrices > 0) before.push_back(static_cast<std::size_t>(part.matrices));
  if (!part.is_vector) before.push_back(static_cast<std::size_t>(part.rows / std::max<std::int64_t>(part.matrices, 1)));
  before.push_back(static_cast<std::size_t>(block.columns));
  return before;
}

// A part of an arena.
template <class T>
nb::ndarray<nb::numpy, T> part_to_python(const T* arena, const ParameterBlock& block, const ParameterPart& part) {
  auto out = new_array<T>(part_extents(block, part));
  read_part(arena, block, part, out.data());
  return out;
}

template <class T>
void check_extents(const Array<T>& array, const std::vector<std::size_t>& extents, const std::string& name) {
  bool fits = array.ndim() == extents.size();
  std::string wanted, found;
  for (std::size_t i = 0; i < extents.size(); ++i) wanted += (i > 0 ? ", " : "") + std::to_string(extents[i]);
  for (std::size_t i = 0; i < array.ndim(); ++i) {
    found += (i > 0 ? ", " : "") + std::to_string(array.shape(i));
    fits = fits && array.shape(i) == extents[i];
  }
  if (!fits) throw std::invalid_argument(name + ": got shape (" + found + "); needs (" + wanted + ")");
}

// Calls f(block, part) for all parts of a network, the weights of a layer before its bias, as files have them.
template <class F>
void each_part(const NetworkShape& shape, F&& f) {
  for (const ParameterBlock& block : shape.blocks)
    for (auto part = block.parts.rbegin(); part != block.parts.rend(); ++part) f(block, *part);
}

// An array of a dict; `what` is the argument, for errors.
template <class A>
A named_array(const nb::dict& from, const std::string& name, const std::string& what) {
  const nb::str key(name.c_str());
  if (!from.contains(key)) throw std::invalid_argument(what + ": '" + name + "' is missing");
  A array;
  if (!nb::try_cast<A>(from[key], array))
    throw std::invalid_argument(what + ": '" + name + "' is not an array of numbers");
  return array;
}

// The numbers of one part in a dict, behind the extents of `before`.
template <class T>
Array<T> part_from_python(const nb::dict& from, const ParameterBlock& block, const ParameterPart& part,
                          const std::string& name, const std::string& what, std::vector<std::size_t> before = {}) {
  Array<T> array = named_array<Array<T>>(from, name, what);
  check_extents(array, part_extents(block, part, std::move(before)), what + ": '" + name + "'");
  return array;
}

// All parameters of an arena, by the names of their parts.
template <class T>
nb::dict parameters_to_python(const T* arena, const NetworkShape& shape) {
  nb::dict out;
  each_part(shape, [&](const ParameterBlock& block, const ParameterPart& part) {
    out[nb::str(part.name.c_str())] = part_to_python(arena, block, part);
  });
  return out;
}

// Refuses arrays that no part of the network is called after.
inline void check_names(const nb::dict& parameters, const NetworkShape& shape) {
  nb::set known;
  std::string names;
  each_part(shape, [&](const ParameterBlock&, const ParameterPart& part) {
    known.add(nb::str(part.name.c_str()));
    names += (names.empty() ? "" : ", ") + part.name;
  });
  for (auto [key, value] : parameters)
    if (!known.contains(key))
      throw std::invalid_argument("parameters: the network has no '" + std::string(nb::str(key).c_str()) +
                                  "'; it has " + names);
}

template <class T>
void parameters_from_python(const nb::dict& parameters, const NetworkShape& shape, T* arena) {
  check_names(parameters, shape);
  std::vector<Array<T>> arrays;  // all are checked before the first is written
  each_part(shape, [&](const ParameterBlock& block, const ParameterPart& part) {
    arrays.push_back(part_from_python<T>(parameters, block, part, part.name, "parameters"));
  });
  auto array = arrays.begin();
  each_part(shape, [&](const ParameterBlock& block, const ParameterPart& part) {
    write_part((array++)->data(), block, part, arena);
  });
}

}  // namespace creche::CRECHE_LEVEL

// Conversions between NumPy arrays and the core's views. They check shape, type and layout, so that a wrong call raises
// an error and never reads out of bounds.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

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
  if (!part.is_vector) before.push_back(static_cast<std::size_t>(part.rows));
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

// The numbers of an array that must have these extents.
template <class T>
const T* check_extents(const Array<T>& array, const std::vector<std::size_t>& extents, const std::string& name) {
  bool fits = array.ndim() == extents.size();
  std::string wanted, found;
  for (std::size_t i = 0; i < extents.size(); ++i) wanted += (i > 0 ? ", " : "") + std::to_string(extents[i]);
  for (std::size_t i = 0; i < array.ndim(); ++i) {
    found += (i > 0 ? ", " : "") + std::to_string(array.shape(i));
    fits = fits && array.shape(i) == extents[i];
  }
  if (!fits) throw std::invalid_argument(name + ": got shape (" + found + "); needs (" + wanted + ")");
  return array.data();
}

// Calls f(block, part) for all parts of a network, the weights of a layer before its bias, as files have them.
template <class F>
void each_part(const NetworkShape& shape, F&& f) {
  for (const ParameterBlock& block : shape.blocks)
    for (auto part = block.parts.rbegin(); part != block.parts.rend(); ++part) f(block, *part);
}

// The layers of an arena, as a list of (W, b).
template <class T>
nb::list layers_to_python(const T* arena, const NetworkShape& shape) {
  nb::list out;
  for (const LayerShape& layer : shape.layers) {
    const ParameterBlock& block = shape.block_of(layer);
    out.append(nb::make_tuple(part_to_python(arena, block, block.parts[kWeightsPart]),
                              part_to_python(arena, block, block.parts[kBiasPart])));
  }
  return out;
}

template <class T>
void layers_from_python(const nb::object& layers, const NetworkShape& shape, T* arena) {
  if (nb::len(layers) != shape.layers.size())
    throw std::invalid_argument("parameters: got " + std::to_string(nb::len(layers)) + " layers; the network has " +
                                std::to_string(shape.layers.size()));
  for (std::size_t l = 0; l < shape.layers.size(); ++l) {
    const ParameterBlock& block = shape.block_of(shape.layers[l]);
    const auto [w, b] = nb::cast<std::pair<Array<T>, Array<T>>>(layers[l]);
    for (const auto& [array, number] : {std::pair(w, kWeightsPart), std::pair(b, kBiasPart)}) {
      const ParameterPart& part = block.parts[number];
      write_part(check_extents(array, part_extents(block, part), "parameters: " + part.name), block, part, arena);
    }
  }
}

}  // namespace creche::CRECHE_LEVEL

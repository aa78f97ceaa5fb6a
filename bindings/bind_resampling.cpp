#include "python_types.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "arrays.hpp"
#include "resampling/ranked_pairs.hpp"
#include "resampling/row_sampler.hpp"
#include "resampling/weighted_sums.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

// Weights of rows, (rows, lanes).
template <class Weight>
using Weights = nb::ndarray<const Weight, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

nb::ndarray<nb::numpy, Count> draw(RowSampler& sampler, std::int64_t rows, std::int64_t lanes) {
  if (rows < 1 || rows > std::numeric_limits<std::int32_t>::max() || lanes < 1)
    throw std::invalid_argument("rows, lanes: got " + std::to_string(rows) + " and " + std::to_string(lanes) +
                                "; needs 1 to 2147483647 rows, and 1 lane or more");
  auto out = new_array<Count>({static_cast<std::size_t>(rows), static_cast<std::size_t>(lanes)});
  const std::span counts(out.data(), static_cast<std::size_t>(rows * lanes));
  nb::gil_scoped_release release;
  sampler.draw(static_cast<std::size_t>(lanes), counts);
  return out;
}

template <class Weight>
nb::ndarray<nb::numpy, double> areas(Weights<Weight> weights, Vector<std::int32_t> order, Vector<bool> positive,
                                     Vector<bool> ends_tie) {
  const std::size_t rows = weights.shape(0);
  const std::size_t lanes = weights.shape(1);
  if (order.size() != rows || positive.size() != rows || ends_tie.size() != rows)
    throw std::invalid_argument("order, positive, ends_tie: need an element for each of " + std::to_string(rows) +
                                " rows");
  for (std::size_t i = 0; i < rows; ++i)
    if (order(i) < 0 || static_cast<std::size_t>(order(i)) >= rows)
      throw std::invalid_argument("order: has " + std::to_string(order(i)) + "; needs rows from 0 on");
  if (rows > 0 && !ends_tie(rows - 1)) throw std::invalid_argument("ends_tie: the last row ends a tie");
  auto out = new_array<double>({lanes});
  const auto flags = [&](const Vector<bool>& of) {
    return std::span(reinterpret_cast<const std::uint8_t*>(of.data()), rows);
  };
  const std::span to(out.data(), lanes);
  nb::gil_scoped_release release;
  ranked_pairs(std::span(weights.data(), rows * lanes), std::span(order.data(), rows), flags(positive), flags(ends_tie),
               to);
  return out;
}

template <class Weight>
nb::ndarray<nb::numpy, double> sums(Weights<Weight> weights, Vector<std::int32_t> groups,
                                    std::optional<Vector<double>> values, std::int64_t count) {
  const std::size_t rows = weights.shape(0);
  const std::size_t lanes = weights.shape(1);
  if (groups.size() != rows || (values && values->size() != rows))
    throw std::invalid_argument("groups, values: need an element for each of " + std::to_string(rows) + " rows");
  for (std::size_t i = 0; i < rows; ++i)
    if (groups(i) < 0 || groups(i) >= count)
      throw std::invalid_argument("groups: has " + std::to_string(groups(i)) + "; needs 0 to " +
                                  std::to_string(count - 1));
  auto out = new_array<double>({static_cast<std::size_t>(count), lanes});
  const std::span to(out.data(), static_cast<std::size_t>(count) * lanes);
  nb::gil_scoped_release release;
  std::fill(to.begin(), to.end(), 0.0);
  weighted_sums(std::span(weights.data(), rows * lanes), std::span(groups.data(), rows),
                values ? std::span(values->data(), rows) : std::span<const double>(), lanes, to);
  return out;
}

template <class Weight>
void bind_weighted(nb::module_& m) {
  m.def("weighted_sums", &sums<Weight>, nb::arg("weights").noconvert(), nb::arg("groups").noconvert(),
        nb::arg("values").noconvert().none(), nb::arg("count"));
  m.def("areas", &areas<Weight>, nb::arg("weights").noconvert(), nb::arg("order").noconvert(),
        nb::arg("positive").noconvert(), nb::arg("ends_tie").noconvert());
}

}  // namespace

void bind_resampling(nb::module_& m) {
  nb::class_<RowSampler>(m, "RowSampler")
      .def(nb::init<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>(), nb::arg("state_high"),
           nb::arg("state_low"), nb::arg("increment_high"), nb::arg("increment_low"))
      .def("draw", &draw, nb::arg("rows"), nb::arg("lanes"));
  bind_weighted<double>(m);
  bind_weighted<Count>(m);
}

}  // namespace creche::CRECHE_LEVEL

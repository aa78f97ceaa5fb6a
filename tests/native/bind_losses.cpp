// The losses, on rows: native.loss(kind, z, targets, labels, lanes, label_smoothing, delta, quantiles).
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "elementwise.hpp"
#include "losses/all.hpp"
#include "plan_from_dict.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace creche::CRECHE_LEVEL {

namespace {

using K = LossKind;
constexpr std::pair<const char*, K> kKinds[] = {{"cross_entropy", K::cross_entropy},
                                                {"squared_error_of_classes", K::squared_error_of_classes},
                                                {"binary_cross_entropy", K::binary_cross_entropy},
                                                {"squared_error", K::squared_error},
                                                {"absolute_error", K::absolute_error},
                                                {"huber", K::huber},
                                                {"poisson", K::poisson},
                                                {"quantile", K::quantile}};

// apply's loss (rows,) and gradient (rows, outputs), value's loss (rows,), the prediction (rows, outputs).
template <class T>
using Results = std::tuple<ArrayOut<T>, ArrayOut<T>, ArrayOut<T>, ArrayOut<T>>;

// lanes[c] lane r = matrix(row + r, c); rows past the end repeat the last one.
template <class V>
std::vector<V> take_rows(const typename V::Scalar* matrix, std::size_t row, std::size_t rows, std::size_t columns) {
  std::vector<V> lanes(columns);
  for (std::size_t c = 0; c < columns; ++c)
    for (std::size_t r = 0; r < V::kLanes; ++r)
      lanes[c].set_lane(static_cast<int>(r), matrix[std::min(row + r, rows - 1) * columns + c]);
  return lanes;
}

template <class V>
void put_rows(const std::vector<V>& lanes, typename V::Scalar* matrix, std::size_t row, std::size_t rows) {
  for (std::size_t c = 0; c < lanes.size(); ++c)
    for (std::size_t r = 0; r < V::kLanes && row + r < rows; ++r)
      matrix[(row + r) * lanes.size() + c] = lanes[c].lane(static_cast<int>(r));
}

template <class Loss, class T, int N>
void loss_of_rows(ArrayIn<T> z, ArrayIn<T> targets, ArrayIn<T> labels, const LossPlan& plan, Results<T>& results) {
  using V = Vec<T, N>;
  const std::size_t rows = z.shape(0), outputs = z.shape(1);
  const int count = static_cast<int>(outputs);
  std::vector<V> quantiles;
  for (int c = 0; c < count; ++c) quantiles.emplace_back(static_cast<T>(plan.quantile_of(c)));
  const LossNumbers<V> n{V(static_cast<T>(plan.label_smoothing)), V(static_cast<T>(plan.delta)), quantiles.data()};
  auto& [loss, gradient, value, prediction] = results;
  for (std::size_t row = 0; row < rows; row += N) {
    const std::vector<V> z_lanes = take_rows<V>(z.data(), row, rows, outputs);
    const std::vector<V> y_lanes = take_rows<V>(targets.data(), row, rows, outputs);
    const V label = take_rows<V>(labels.data(), row, rows, 1)[0];
    std::vector<V> out(outputs);
    put_rows<V>({Loss::apply(z_lanes.data(), y_lanes.data(), label, out.data(), count, n)}, loss.data(), row, rows);
    put_rows(out, gradient.data(), row, rows);
    put_rows<V>({Loss::value(z_lanes.data(), y_lanes.data(), label, out.data(), count, n)}, value.data(), row, rows);
    Loss::predict(z_lanes.data(), out.data(), count);
    put_rows(out, prediction.data(), row, rows);
  }
}

template <class T>
Results<T> loss(const std::string& kind, ArrayIn<T> z, ArrayIn<T> targets, ArrayIn<T> labels, int lanes,
                double label_smoothing, double delta, std::vector<double> quantiles) {
  const std::size_t rows = z.shape(0), outputs = z.shape(1);
  if (targets.size() != rows * outputs || labels.size() != rows) throw std::invalid_argument("shapes do not fit");
  LossPlan plan{.label_smoothing = label_smoothing, .delta = delta, .quantiles = std::move(quantiles)};
  plan.kind = kind_by_name(kKinds, kind);
  Results<T> results{new_array<T>({rows}), new_array<T>({rows, outputs}), new_array<T>({rows}),
                     new_array<T>({rows, outputs})};
  with_loss(plan.kind, [&](auto chosen) {
    with_lanes(lanes, [&](auto n) { loss_of_rows<decltype(chosen), T, n.value>(z, targets, labels, plan, results); });
  });
  return results;
}

template <class T>
void bind(nb::module_& m) {
  m.def("loss", &loss<T>, "kind"_a, nb::arg("z").noconvert(), nb::arg("targets").noconvert(),
        nb::arg("labels").noconvert(), "lanes"_a, "label_smoothing"_a, "delta"_a, "quantiles"_a);
}

}  // namespace

void bind_losses(nb::module_& m) {
  bind<float>(m);
  bind<double>(m);
}

}  // namespace creche::CRECHE_LEVEL

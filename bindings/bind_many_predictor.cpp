#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <memory>
#include <string>
#include <vector>

#include "access.hpp"
#include "arrays.hpp"
#include "engines/many_predictor.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
class PythonManyPredictor {
 public:
  // layers: W (networks, inputs, outputs) and b (networks, outputs) of each.
  PythonManyPredictor(const Plan& plan, const nb::sequence& layers, int threads) {
    if (plan.layers.empty()) throw std::invalid_argument("plan: needs at least one layer");
    std::vector<std::pair<Array<T>, Array<T>>> given;
    for (nb::handle layer : layers) given.push_back(nb::cast<std::pair<Array<T>, Array<T>>>(layer));
    if (given.size() != plan.layers.size())
      throw std::invalid_argument("layers: got " + std::to_string(given.size()) + "; the network has " +
                                  std::to_string(plan.layers.size()));
    const std::size_t count = given[0].first.ndim() == 3 ? given[0].first.shape(0) : 0;
    if (count == 0)
      throw std::invalid_argument("layers: layer 0 needs W (networks, inputs, outputs) for at least one network");
    many_ = std::make_unique<ManyPredictor<T>>(plan, static_cast<std::int64_t>(count), threads);
    for (std::size_t l = 0; l < given.size(); ++l) {
      const ParameterBlock& block = many_->shape().block_of(many_->shape().layers[l]);
      for (const auto& [array, number] :
           {std::pair(given[l].first, kWeightsPart), std::pair(given[l].second, kBiasPart)}) {
        const ParameterPart& part = block.parts[number];
        const T* const values = check_extents(array, part_extents(block, part, {count}), "layers: " + part.name);
        many_->set_part(block, part, values);
      }
    }
  }

  nb::ndarray<nb::numpy, T> predict(const Matrix<T>& x, bool head) {
    const Rows<T> rows = unlabelled_rows(x, many_->plan());
    auto out = new_array<T>({static_cast<std::size_t>(many_->count()), x.shape(0), outputs()});
    T* const to = out.data();
    const ExclusiveAccess access(access_lock_);
    nb::gil_scoped_release release;
    many_->predict(rows, head, to);
    return out;
  }

  nb::ndarray<nb::numpy, double> mean(const Matrix<T>& x, const Vector<double>& shares) {
    const Rows<T> rows = unlabelled_rows(x, many_->plan());
    if (static_cast<std::int64_t>(shares.shape(0)) != many_->count())
      throw std::invalid_argument("shares: got " + std::to_string(shares.shape(0)) + "; needs one for each of " +
                                  std::to_string(many_->count()) + " networks");
    auto out = new_array<double>({x.shape(0), outputs()});
    double* const to = out.data();
    const ExclusiveAccess access(access_lock_);
    nb::gil_scoped_release release;
    many_->mean(rows, shares.data(), to);
    return out;
  }

  // (networks, 2): loss and metric.
  nb::ndarray<nb::numpy, double> evaluate(Matrix<T> x, std::optional<Vector<std::int32_t>> classes,
                                          std::optional<Matrix<T>> targets, std::optional<Vector<T>> weights) {
    const Table<T> table{std::move(x), std::move(classes), std::move(targets), std::move(weights)};
    const Rows<T> rows = table.rows(many_->plan(), "evaluate");
    std::vector<Evaluation> evaluations(static_cast<std::size_t>(many_->count()));
    {
      const ExclusiveAccess access(access_lock_);
      nb::gil_scoped_release release;
      many_->evaluate(rows, evaluations.data());
    }
    auto out = new_array<double>({evaluations.size(), 2});
    for (std::size_t m = 0; m < evaluations.size(); ++m) {
      out.data()[2 * m] = evaluations[m].loss;
      out.data()[2 * m + 1] = evaluations[m].metric;
    }
    return out;
  }

 private:
  std::size_t outputs() const { return static_cast<std::size_t>(many_->shape().outputs()); }

  std::unique_ptr<ManyPredictor<T>> many_;
  AccessLock access_lock_;
};

template <class T>
void bind(nb::module_& m, const char* name) {
  using P = PythonManyPredictor<T>;
  nb::class_<P>(m, name)
      .def(nb::init<const Plan&, const nb::sequence&, int>(), nb::arg("plan"), nb::arg("layers"),
           nb::arg("threads") = 1)
      .def(
          "outputs", [](P& p, const Matrix<T>& x) { return p.predict(x, false); }, nb::arg("x").noconvert())
      .def(
          "predict", [](P& p, const Matrix<T>& x) { return p.predict(x, true); }, nb::arg("x").noconvert())
      .def("mean", &P::mean, nb::arg("x").noconvert(), nb::arg("shares").noconvert())
      .def("evaluate", &P::evaluate, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none());
}

}  // namespace

void bind_many_predictor(nb::module_& m) {
  bind<float>(m, "ManyPredictor32");
#ifndef CRECHE_SINGLE_PRECISION
  bind<double>(m, "ManyPredictor64");
#endif
}

}  // namespace creche::CRECHE_LEVEL

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <memory>

#include "arrays.hpp"
#include "one_at_a_time.hpp"
#include "predictor.hpp"

namespace rookery::ROOKERY_LEVEL {

namespace {

template <class T>
class PythonPredictor {
 public:
  PythonPredictor(const Plan& plan, const nb::sequence& parameters, int threads) {
    if (plan.layers.empty()) throw std::invalid_argument("plan: needs at least one layer");
    predictor_ = std::make_unique<Predictor<T>>(plan, threads);
    layers_from_python(parameters, predictor_->network().shape, predictor_->network().weights.data());
  }

  nb::ndarray<nb::numpy, T> predict(const Matrix<T>& x, bool head) {
    const Plan& plan = predictor_->plan();
    if (static_cast<std::int64_t>(x.shape(1)) != plan.inputs)
      throw std::invalid_argument("x has " + std::to_string(x.shape(1)) + " columns, the network " +
                                  std::to_string(plan.inputs) + " inputs");
    if (x.stride(1) != 1 && x.shape(1) != 1) throw std::invalid_argument("x must be contiguous along its rows");
    Rows<T> rows;
    rows.x = x.data();
    rows.x_stride = x.stride(0);
    rows.count = static_cast<std::int64_t>(x.shape(0));
    auto out = new_array<T>({x.shape(0), static_cast<std::size_t>(plan.layers.back().width)});
    T* const to = out.data();
    {
      const Turn turn(in_use_);
      nb::gil_scoped_release release;
      predictor_->predict(rows, head, to);
    }
    return out;
  }

  std::pair<double, double> evaluate(Matrix<T> x, std::optional<Vector<std::int32_t>> classes,
                                     std::optional<Matrix<T>> targets, std::optional<Vector<T>> weights) {
    const Table<T> table{std::move(x), std::move(classes), std::move(targets), std::move(weights)};
    const Rows<T> rows = table.rows(predictor_->plan(), "evaluate");
    const Turn turn(in_use_);
    nb::gil_scoped_release release;
    const Evaluation evaluation = predictor_->evaluate(rows);
    return {evaluation.loss, evaluation.metric};
  }

 private:
  std::unique_ptr<Predictor<T>> predictor_;
  InUse in_use_;
};

template <class T>
void bind(nb::module_& m, const char* name) {
  using P = PythonPredictor<T>;
  nb::class_<P>(m, name)
      .def(nb::init<const Plan&, const nb::sequence&, int>(), nb::arg("plan"), nb::arg("parameters"),
           nb::arg("threads") = 1)
      .def(
          "outputs", [](P& p, const Matrix<T>& x) { return p.predict(x, false); }, nb::arg("x").noconvert())
      .def(
          "predict", [](P& p, const Matrix<T>& x) { return p.predict(x, true); }, nb::arg("x").noconvert())
      .def("evaluate", &P::evaluate, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none());
}

}  // namespace

void bind_predictor(nb::module_& m) {
  bind<float>(m, "Predictor32");
  bind<double>(m, "Predictor64");
}

}  // namespace rookery::ROOKERY_LEVEL

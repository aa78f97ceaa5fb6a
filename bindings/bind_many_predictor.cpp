#include "python_types.hpp"

#include <memory>
#include <string>
#include <vector>

#include "access.hpp"
#include "arrays.hpp"
#include "engines/many_predictor.hpp"
#include "precisions.hpp"
#include "typed_name.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
class PythonManyPredictor {
 public:
  // parameters: each array has the networks first.
  PythonManyPredictor(const Plan& plan, const nb::dict& parameters, int threads) {
    check_plan(plan);
    const NetworkShape shape(plan);
    check_names(parameters, shape);
    std::vector<Array<T>> arrays;
    std::size_t count = 0;
    each_part(shape, [&](const ParameterBlock& block, const ParameterPart& part) {
      if (arrays.empty()) count = count_networks(parameters, part.name);
      arrays.push_back(part_from_python<T>(parameters, block, part, part.name, "parameters", {count}));
    });
    many_ = std::make_unique<ManyPredictor<T>>(plan, static_cast<std::int64_t>(count), threads);
    auto array = arrays.begin();
    each_part(many_->shape(), [&](const ParameterBlock& block, const ParameterPart& part) {
      many_->set_part(block, part, (array++)->data());
    });
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
  static std::size_t count_networks(const nb::dict& parameters, const std::string& name) {
    const auto array = named_array<Array<T>>(parameters, name, "parameters");
    if (array.ndim() == 0 || array.shape(0) == 0)
      throw std::invalid_argument("parameters: '" + name +
                                  "' holds no network; needs at least one, along its first axis");
    return array.shape(0);
  }

  std::size_t outputs() const { return static_cast<std::size_t>(many_->shape().outputs()); }

  std::unique_ptr<ManyPredictor<T>> many_;
  AccessLock access_lock_;
};

}  // namespace

template <class T>
void bind_many_predictor(nb::module_& m) {
  using P = PythonManyPredictor<T>;
  nb::class_<P>(m, typed_name<T>("ManyPredictor").c_str())
      .def(nb::init<const Plan&, const nb::dict&, int>(), nb::arg("plan"), nb::arg("parameters"),
           nb::arg("threads") = 1)
      .def(
          "outputs", [](P& p, const Matrix<T>& x) { return p.predict(x, false); }, nb::arg("x").noconvert())
      .def(
          "predict", [](P& p, const Matrix<T>& x) { return p.predict(x, true); }, nb::arg("x").noconvert())
      .def("mean", &P::mean, nb::arg("x").noconvert(), nb::arg("shares").noconvert())
      .def("evaluate", &P::evaluate, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none());
}

#define INSTANTIATE(T) template void bind_many_predictor<T>(nb::module_&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL

#include "python_types.hpp"

#include <memory>

#include "access.hpp"
#include "arrays.hpp"
#include "engines/pass.hpp"
#include "engines/predictor.hpp"
#include "precisions.hpp"
#include "typed_name.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
class PythonPredictor {
 public:
  PythonPredictor(const Plan& plan, const nb::dict& parameters, int threads) {
    check_plan(plan);
    predictor_ = std::make_unique<Predictor<T>>(plan, threads);
    parameters_from_python(parameters, predictor_->network().shape, predictor_->network().weights.data());
    predictor_->network().transpose_all();
  }

  nb::ndarray<nb::numpy, T> predict(const Matrix<T>& x, bool head) {
    const Plan& plan = predictor_->plan();
    const Rows<T> rows = unlabelled_rows(x, plan);
    auto out = new_array<T>({x.shape(0), static_cast<std::size_t>(plan.layers.back().width)});
    T* const to = out.data();
    {
      const ExclusiveAccess access(access_lock_);
      nb::gil_scoped_release release;
      predictor_->predict(rows, head, to);
    }
    return out;
  }

  nb::ndarray<nb::numpy, T> layer_outputs(const Matrix<T>& x, std::int64_t layer, std::int64_t submodel) {
    const Plan& plan = predictor_->plan();
    const Rows<T> rows = unlabelled_rows(x, plan);
    const auto layers = static_cast<std::int64_t>(plan.layers.size());
    if (layer < -1 || layer >= layers)
      throw std::invalid_argument("layer: got " + std::to_string(layer) + "; the network has layers 0 to " +
                                  std::to_string(layers - 1) + ", and -1 stands for the inputs of the first");
    if (submodel < 0 || submodel >= plan.submodels)
      throw std::invalid_argument("submodel: got " + std::to_string(submodel) + "; the network has submodels 0 to " +
                                  std::to_string(plan.submodels - 1));
    const std::int64_t width =
        layer < 0 ? predictor_->network().shape.inputs() : plan.layers[static_cast<std::size_t>(layer)].width;
    auto out = new_array<T>({x.shape(0), static_cast<std::size_t>(width)});
    T* const to = out.data();
    {
      const ExclusiveAccess access(access_lock_);
      nb::gil_scoped_release release;
      predictor_->layer_outputs(rows, layer, submodel, to);
    }
    return out;
  }

  // The gradient, with respect to x, of the sum of outputs times directions.
  nb::ndarray<nb::numpy, T> input_gradients(const Matrix<T>& x,
                                            const nb::ndarray<const T, nb::ndim<2>, nb::c_contig>& directions) {
    const Network<T>& network = predictor_->network();
    const Rows<T> rows = unlabelled_rows(x, predictor_->plan());
    if (directions.shape(0) != x.shape(0) || static_cast<std::int64_t>(directions.shape(1)) != network.shape.outputs())
      throw std::invalid_argument("directions: needs shape (" + std::to_string(x.shape(0)) + ", " +
                                  std::to_string(network.shape.outputs()) + "), one for each row of x and output");
    OwnedMatrix<T> gradient(rows.count, predictor_->plan().inputs);
    {
      nb::gil_scoped_release release;
      Pass<T> pass(predictor_->plan(), network, rows);
      pass.backward_from_directions(directions.data());
      pass.input_gradients(gradient.matrix);
    }
    return matrix_to_python(gradient.matrix, rows.count);
  }

  std::pair<double, double> evaluate(Matrix<T> x, std::optional<Vector<std::int32_t>> classes,
                                     std::optional<Matrix<T>> targets, std::optional<Vector<T>> weights) {
    const Table<T> table{std::move(x), std::move(classes), std::move(targets), std::move(weights)};
    const Rows<T> rows = table.rows(predictor_->plan(), "evaluate");
    const ExclusiveAccess access(access_lock_);
    nb::gil_scoped_release release;
    const Evaluation evaluation = predictor_->evaluate(rows);
    return {evaluation.loss, evaluation.metric};
  }

 private:
  std::unique_ptr<Predictor<T>> predictor_;
  AccessLock access_lock_;
};

}  // namespace

template <class T>
void bind_predictor(nb::module_& m) {
  using P = PythonPredictor<T>;
  nb::class_<P>(m, typed_name<T>("Predictor").c_str())
      .def(nb::init<const Plan&, const nb::dict&, int>(), nb::arg("plan"), nb::arg("parameters"),
           nb::arg("threads") = 1)
      .def(
          "outputs", [](P& p, const Matrix<T>& x) { return p.predict(x, false); }, nb::arg("x").noconvert())
      .def(
          "predict", [](P& p, const Matrix<T>& x) { return p.predict(x, true); }, nb::arg("x").noconvert())
      .def("layer_outputs", &P::layer_outputs, nb::arg("x").noconvert(), nb::arg("layer"), nb::arg("submodel") = 0)
      .def("input_gradients", &P::input_gradients, nb::arg("x").noconvert(), nb::arg("directions").noconvert())
      .def("evaluate", &P::evaluate, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none());
}

#define INSTANTIATE(T) template void bind_predictor<T>(nb::module_&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL

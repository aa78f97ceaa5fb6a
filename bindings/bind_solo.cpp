#include "python_types.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <type_traits>

#include "access.hpp"
#include "arrays.hpp"
#include "engines/solo.hpp"
#include "feeding/file_stream.hpp"
#include "feeding/window_feed.hpp"
#include "precisions.hpp"
#include "run_state.hpp"
#include "stored_tables.hpp"
#include "typed_name.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
class PythonSolo {
 public:
  using MaybeClasses = std::optional<Vector<std::int32_t>>;
  using MaybeTargets = std::optional<Matrix<T>>;
  using MaybeWeights = std::optional<Vector<T>>;
  using Validation = std::optional<std::tuple<Matrix<T>, MaybeClasses, MaybeTargets, MaybeWeights>>;

  PythonSolo(const Plan& plan, Matrix<T> x, MaybeClasses classes, MaybeTargets targets, MaybeWeights weights,
             Validation validation, int threads, nb::object loss)
      : train_(Table<T>{std::move(x), std::move(classes), std::move(targets), std::move(weights)}),
        loss_(std::move(loss)) {
    check_plan(plan);
    Rows<T> validation_rows;
    if (validation) {
      validation_ = Table<T>{std::get<0>(*validation), std::get<1>(*validation), std::get<2>(*validation),
                             std::get<3>(*validation)};
      validation_rows = validation_->rows(plan, "validation");
    }
    const Rows<T> rows = train_->rows(plan, "training");
    if (rows.count == 0) throw std::invalid_argument("training: x has no rows");
    create(plan, {rows, validation_rows, nullptr, nullptr}, threads);
  }

  // Of training rows in a file; the validation rows may be there, too.
  PythonSolo(const Plan& plan, const StoredTable& train, const std::optional<StoredTable>& stored_validation,
             Validation validation, int threads, nb::object loss)
    requires std::is_same_v<T, float>
      : loss_(std::move(loss)) {
    check_plan(plan);
    check_stored_training(train, plan);
    RunRows<T> rows;
    if (stored_validation) {
      check_stored_table(*stored_validation, plan, "validation");
    } else if (validation) {
      validation_ = Table<T>{std::get<0>(*validation), std::get<1>(*validation), std::get<2>(*validation),
                             std::get<3>(*validation)};
      rows.validation = validation_->rows(plan, "validation");
    }
    rows.train_feed = std::make_unique<WindowFeed>(plan, train);
    if (stored_validation && stored_validation->count > 0)
      rows.validation_stream = std::make_unique<FileStream>(*stored_validation, plan.layers.back().width);
    create(plan, std::move(rows), threads);
  }

  std::string run(std::int64_t steps, std::int64_t epochs, double seconds, const nb::object& poll) {
    const ExclusiveAccess access(access_lock_);
    std::function<bool()> poll_python;
    if (!poll.is_none()) {
      // Runs on the calling thread, the only one that may run Python.
      poll_python = [&]() -> bool {
        nb::gil_scoped_acquire acquire;
        try {
          return nb::cast<bool>(poll());
        } catch (nb::python_error& error) {
          failure_ = nb::borrow(error.value());
          return true;
        }
      };
    }
    Status status;
    {
      nb::gil_scoped_release release;
      status = solo_->run({steps, epochs, seconds}, poll_python);
    }
    raise_failure();
    return status_name(status);
  }

  nb::dict history(std::int64_t first) const {
    if (first < 0) throw std::invalid_argument("first: got " + std::to_string(first) + "; needs an epoch, from 0");
    const SharedAccess access(access_lock_);
    return history_to_python(solo_->history(), static_cast<std::size_t>(first));
  }

  nb::dict parameters() const {
    const SharedAccess access(access_lock_);
    return parameters_to_python(solo_->network().weights.data(), solo_->network().shape);
  }

  void set_parameters(const nb::dict& parameters) {
    const ExclusiveAccess access(access_lock_);
    parameters_from_python(parameters, solo_->network().shape, solo_->network().weights.data());
    solo_->state_changed();
  }

  nb::dict state() const {
    const SharedAccess access(access_lock_);
    return state_to_python(read_state(*solo_), solo_->network().shape);
  }

  void set_state(const nb::dict& state) {
    const ExclusiveAccess access(access_lock_);
    MemberState<T> read = read_state(*solo_);
    state_from_python(state, solo_->network().shape, read);
    write_state(*solo_, read);
  }

  // exchange(end, gradients of the shards, [(loss, metric)] of the shards, sum to be written) returns (end, loss,
  // metric). The arrays are valid during the call only.
  void join(std::int64_t rank, std::int64_t count, nb::object exchange) {
    const ExclusiveAccess access(access_lock_);
    const std::int64_t shards = solo_->plan().shards;
    if (count < 1 || shards % count != 0)
      throw std::invalid_argument("count: got " + std::to_string(count) + " processes; needs a divisor of the " +
                                  std::to_string(shards) + " shards");
    if (rank < 0 || rank >= count)
      throw std::invalid_argument("rank: got " + std::to_string(rank) + "; needs 0 to " + std::to_string(count - 1));
    exchange_ = std::move(exchange);
    Processes<T> processes{rank, count, {}};
    if (processes.are_several())
      processes.exchange = [this](const ShardResults<T>& results, AlignedArray<T>& sum) {
        return call_exchange(results, sum);
      };
    solo_->join(processes);
  }

  std::pair<double, double> evaluate(Matrix<T> x, MaybeClasses classes, MaybeTargets targets, MaybeWeights weights) {
    const Table<T> table{std::move(x), std::move(classes), std::move(targets), std::move(weights)};
    const Rows<T> rows = table.rows(solo_->plan(), "evaluate");
    const ExclusiveAccess access(access_lock_);
    Evaluation evaluation;
    {
      nb::gil_scoped_release release;
      evaluation = solo_->evaluate(rows);
    }
    raise_failure();
    return {evaluation.loss, evaluation.metric};
  }

  std::pair<double, double> evaluate_file(const StoredTable& table)
    requires std::is_same_v<T, float>
  {
    check_stored_table(table, solo_->plan(), "evaluate");
    const ExclusiveAccess access(access_lock_);
    Evaluation evaluation;
    {
      nb::gil_scoped_release release;
      FileStream stream(table, solo_->plan().layers.back().width);
      evaluation = solo_->evaluate(stream);
    }
    raise_failure();
    return {evaluation.loss, evaluation.metric};
  }

  nb::tuple gradients(Matrix<T> x, MaybeClasses classes, MaybeTargets targets, MaybeWeights weights) {
    const Table<T> table{std::move(x), std::move(classes), std::move(targets), std::move(weights)};
    const Rows<T> rows = table.rows(solo_->plan(), "gradients");
    AlignedArray<T> out(solo_->network().shape.weights_size);
    const SharedAccess access(access_lock_);
    Evaluation evaluation;
    {
      nb::gil_scoped_release release;
      evaluation = solo_->gradients(rows, out);
    }
    raise_failure();
    return nb::make_tuple(evaluation.loss, parameters_to_python(out.data(), solo_->network().shape));
  }

  // The weighted sums, the activations and dloss_dz of each layer; the loss of each row and of all rows; the gradients.
  // And the parameters, with the statistics that batch normalization took in place of the running ones: with as_step,
  // those of the rows. Of several submodels, the rows of one follow those of the one before.
  nb::tuple introspect(Matrix<T> x, MaybeClasses classes, MaybeTargets targets, MaybeWeights weights, bool as_step) {
    const Table<T> table{std::move(x), std::move(classes), std::move(targets), std::move(weights)};
    const Rows<T> rows = table.rows(solo_->plan(), "introspect");
    const NetworkShape& shape = solo_->network().shape;
    AlignedArray<T> gradients(shape.weights_size), parameters(shape.weights_size);
    std::vector<OwnedMatrix<T>> z;
    const SharedAccess access(access_lock_);
    Evaluation evaluation;
    std::optional<Pass<T>> pass;
    {
      nb::gil_scoped_release release;
      pass.emplace(solo_->pass(rows, as_step));
      parameters.copy_from(solo_->network().weights);
      pass->statistics(parameters);
      evaluation = pass->backward_from_loss();
      pass->gradients(gradients);
      for (std::int64_t l = 0; l < shape.count(); ++l) {
        z.emplace_back(pass->rows(), shape.layers[static_cast<std::size_t>(l)].outputs);
        pass->pre_activations(l, z.back().matrix);
      }
    }
    raise_failure();
    nb::list sums, values, dloss_dz;
    for (std::int64_t l = 0; l < shape.count(); ++l) {
      sums.append(submodels_to_python(z[static_cast<std::size_t>(l)].matrix, *pass, rows.count));
      values.append(submodels_to_python(pass->activations(l), *pass, rows.count));
      dloss_dz.append(submodels_to_python(pass->dloss_dz(l), *pass, rows.count));
    }
    const std::int64_t submodels = shape.submodels;
    auto losses = new_array<T>({static_cast<std::size_t>(submodels * rows.count)});
    for (std::int64_t m = 0; m < submodels; ++m)
      std::copy_n(pass->losses() + pass->first_row(m), rows.count, losses.data() + m * rows.count);
    return nb::make_tuple(sums, values, dloss_dz, std::move(losses), evaluation.loss,
                          parameters_to_python(gradients.data(), shape),
                          parameters_to_python(parameters.data(), shape));
  }

  Solo<T>& solo() const { return *solo_; }
  AccessLock& access_lock() const { return access_lock_; }

  // A loss may refer, through the names of its module, to the run that uses it: Python's garbage collector must see
  // that cycle.
  static int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    if (!nb::inst_ready(self)) return 0;
    Py_VISIT(nb::inst_ptr<PythonSolo>(self)->loss_.ptr());
    Py_VISIT(nb::inst_ptr<PythonSolo>(self)->exchange_.ptr());
    return 0;
  }
  static int clear(PyObject* self) {
    nb::inst_ptr<PythonSolo>(self)->loss_.reset();
    nb::inst_ptr<PythonSolo>(self)->exchange_.reset();
    return 0;
  }

 private:
  void create(const Plan& plan, RunRows<T> rows, int threads) {
    CustomLoss<T> custom_loss;
    if (!loss_.is_none() && plan.submodels > 1)
      throw std::invalid_argument("loss: a custom loss cannot train a network of " + std::to_string(plan.submodels) +
                                  " submodels; use submodels=1 or a built-in loss");
    if (!loss_.is_none() && plan.shards > 1)
      throw std::invalid_argument("loss: a custom loss takes all rows of a batch, which has " +
                                  std::to_string(plan.shards) + " shards; use shards=1 or a built-in loss");
    if (!loss_.is_none()) custom_loss = [this](const CustomLossRows<T>& rows) { return call_loss(rows); };
    nb::gil_scoped_release release;
    solo_ = std::make_unique<Solo<T>>(plan, std::move(rows), threads, std::move(custom_loss));
  }

  // The rows of a matrix of a pass, those of one submodel after those of the one before.
  nb::ndarray<nb::numpy, T> submodels_to_python(PanelMatrix<T> from, const Pass<T>& pass, std::int64_t rows) const {
    const std::int64_t submodels = solo_->network().shape.submodels;
    auto out = new_array<T>({static_cast<std::size_t>(submodels * rows), static_cast<std::size_t>(from.columns)});
    T* to = out.data();
    for (std::int64_t m = 0; m < submodels; ++m)
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < from.columns; ++c) *to++ = from.element(pass.first_row(m) + r, c);
    return out;
  }

  // loss(outputs, classes or targets) returns (losses (n,), gradient (n, outputs)), which Python has checked. Any
  // thread may call it.
  bool call_loss(const CustomLossRows<T>& rows) {
    nb::gil_scoped_acquire acquire;
    if (failure_.is_valid() || !loss_.is_valid()) return false;
    try {
      const auto count = static_cast<std::size_t>(rows.count);
      const auto outputs = static_cast<std::size_t>(rows.outputs);
      const auto matrix = [&](const T* from) {
        auto array = new_array<T>({count, outputs});
        std::copy(from, from + count * outputs, array.data());
        return array;
      };
      nb::object labels;
      if (rows.classes != nullptr) {
        auto classes = new_array<std::int32_t>({count});
        std::copy(rows.classes, rows.classes + count, classes.data());
        labels = nb::cast(std::move(classes));
      } else {
        labels = nb::cast(matrix(rows.targets));
      }
      using LossArray = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
      const auto [loss, gradient] = nb::cast<std::pair<LossArray, LossArray>>(loss_(matrix(rows.z), labels));
      if (loss.size() != count || gradient.size() != count * outputs)
        throw std::invalid_argument("loss: returned arrays of the wrong size; needs losses (" + std::to_string(count) +
                                    ",) and gradients (" + std::to_string(count) + ", " + std::to_string(outputs) +
                                    ")");
      std::copy(loss.data(), loss.data() + count, rows.loss);
      std::copy(gradient.data(), gradient.data() + count * outputs, rows.gradient);
      return true;
    } catch (nb::python_error& error) {
      failure_ = nb::borrow(error.value());
    } catch (const std::exception& error) {
      failure_ = nb::borrow(PyExc_ValueError)(error.what());
    }
    return false;
  }

  static nb::ndarray<nb::numpy, T> view(const AlignedArray<T>& array) {
    const nb::capsule nobody(array.data(), [](void*) noexcept {});
    return nb::ndarray<nb::numpy, T>(array.data(), {static_cast<std::size_t>(array.size())}, nobody);
  }

  StepResult call_exchange(const ShardResults<T>& results, AlignedArray<T>& sum) {
    nb::gil_scoped_acquire acquire;
    try {
      nb::list gradients, sums;
      for (const AlignedArray<T>* gradient : results.gradients) gradients.append(view(*gradient));
      for (const LossSums& of_shard : results.sums) sums.append(nb::make_tuple(of_shard.loss, of_shard.metric));
      const auto [end, loss, metric] = nb::cast<std::tuple<int, double, double>>(
          exchange_(static_cast<int>(results.end), gradients, sums, view(sum)));
      return {static_cast<StepEnd>(end), {loss, metric}};
    } catch (nb::python_error& error) {
      failure_ = nb::borrow(error.value());
    } catch (const std::exception& error) {
      failure_ = nb::borrow(PyExc_ValueError)(error.what());
    }
    return {StepEnd::stopped, {}};
  }

  // Raises the exception that Python code raised while the engine was running.
  void raise_failure() {
    if (!failure_.is_valid()) return;
    const nb::object failure = std::exchange(failure_, nb::object());
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(failure.ptr())), failure.ptr());
    throw nb::python_error();
  }

  std::optional<Table<T>> train_;  // none: they are in a file
  std::optional<Table<T>> validation_;
  nb::object loss_;
  nb::object exchange_;
  nb::object failure_;
  std::unique_ptr<Solo<T>> solo_;
  mutable AccessLock access_lock_;
};

}  // namespace

template <class T>
void bind_solo(nb::module_& m) {
  using P = PythonSolo<T>;
  PyType_Slot slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(P::traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(P::clear)},
                         {0, nullptr}};
  nb::class_<P>(m, typed_name<T>("Solo").c_str(), nb::type_slots(slots))
      .def(nb::init<const Plan&, Matrix<T>, typename P::MaybeClasses, typename P::MaybeTargets,
                    typename P::MaybeWeights, typename P::Validation, int, nb::object>(),
           nb::arg("plan"), nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none(), nb::arg("validation").none() = nb::none(), nb::arg("threads") = 1,
           nb::arg("loss").none() = nb::none())
      .def("run", &P::run, nb::arg("steps") = -1, nb::arg("epochs") = -1, nb::arg("seconds") = -1.0,
           nb::arg("poll").none() = nb::none())
      .def_prop_ro("epoch", [](const P& p) { return p.solo().progress().epoch; })
      .def_prop_ro("step", [](const P& p) { return p.solo().progress().step; })
      .def_prop_ro("batch_in_epoch", [](const P& p) { return p.solo().progress().batch; })
      .def_prop_ro("best_epoch", [](const P& p) { return p.solo().progress().best_epoch; })
      .def_prop_ro("learning_rate", [](const P& p) { return p.solo().next_learning_rate(); })
      .def_prop_ro(
          "label_smoothing",
          [](const P& p) { return p.solo().plan().loss.label_smoothing * p.solo().next_factors().label_smoothing; })
      .def_prop_ro("divergence",
                   [](const P& p) -> std::optional<std::tuple<std::int64_t, std::int64_t, double>> {
                     if (p.solo().status() != Status::diverged) return std::nullopt;
                     const Divergence& d = p.solo().divergence();
                     return std::make_tuple(d.epoch, d.batch, d.learning_rate);
                   })
      .def("release_rows",
           [](P& p) {
             const ExclusiveAccess access(p.access_lock());
             const nb::gil_scoped_release release;
             p.solo().release_rows();
           })
      .def_prop_ro("seconds_waited", [](const P& p) { return p.solo().seconds_waited(); })
      .def("history", &P::history, nb::arg("first") = 0)
      .def("parameters", &P::parameters)
      .def("set_parameters", &P::set_parameters, nb::arg("parameters"))
      .def("state", &P::state)
      .def("set_state", &P::set_state, nb::arg("state"))
      .def("join", &P::join, nb::arg("rank"), nb::arg("count"), nb::arg("exchange").none() = nb::none())
      .def("evaluate", &P::evaluate, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none())
      .def("gradients", &P::gradients, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none())
      .def("introspect", &P::introspect, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none(), nb::arg("as_step") = false);
  if constexpr (std::is_same_v<T, float>) {  // files hold rows of float32
    m.def(
        "new_solo_from_file",
        [](const Plan& plan, const StoredTable& train, const std::optional<StoredTable>& stored_validation,
           const typename P::Validation& validation, int threads,
           nb::object loss) { return new P(plan, train, stored_validation, validation, threads, std::move(loss)); },
        nb::arg("plan"), nb::arg("train"), nb::arg("stored_validation").none() = nb::none(),
        nb::arg("validation").none() = nb::none(), nb::arg("threads") = 1, nb::arg("loss").none() = nb::none());
    m.def(
        "evaluate_file", [](P& solo, const StoredTable& table) { return solo.evaluate_file(table); }, nb::arg("solo"),
        nb::arg("table"));
  }
}

#define INSTANTIATE(T) template void bind_solo<T>(nb::module_&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL

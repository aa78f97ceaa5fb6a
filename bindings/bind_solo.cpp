#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "arrays.hpp"
#include "solo.hpp"

namespace rookery::ROOKERY_LEVEL {

namespace {

const char* name_of(Status status) {
  switch (status) {
    case Status::running:
      return "running";
    case Status::finished:
      return "finished";
    case Status::early_stopped:
      return "early_stopped";
    case Status::interrupted:
      return "interrupted";
    case Status::diverged:
      return "diverged";
  }
  return "";
}

// The numbers of Progress in a fixed order, as they are saved. Integers below 2^53 are exact in a double.
std::vector<double> progress_numbers(const Progress& p) {
  std::vector<double> out = {double(p.epoch), double(p.step),       double(p.batch),        p.loss_sum,
                             p.weight_sum,    p.metric_sum,         p.learning_rate,        p.seconds,
                             p.best_loss,     double(p.best_epoch), double(p.early_stopped)};
  for (double value : p.scalars.value) out.push_back(value);
  for (double value : {p.plateau.factor, p.plateau.best, p.plateau.bad_epochs}) out.push_back(value);
  return out;
}

void progress_from_numbers(const double* n, Progress& p) {
  p.epoch = static_cast<std::int64_t>(*n++);
  p.step = static_cast<std::int64_t>(*n++);
  p.batch = static_cast<std::int64_t>(*n++);
  p.loss_sum = *n++;
  p.weight_sum = *n++;
  p.metric_sum = *n++;
  p.learning_rate = *n++;
  p.seconds = *n++;
  p.best_loss = *n++;
  p.best_epoch = static_cast<std::int64_t>(*n++);
  p.early_stopped = *n++ != 0;
  for (double& value : p.scalars.value) value = *n++;
  p.plateau.factor = *n++;
  p.plateau.best = *n++;
  p.plateau.bad_epochs = *n++;
}

template <class T>
class PythonSolo {
 public:
  using MaybeClasses = std::optional<Vector<std::int32_t>>;
  using MaybeTargets = std::optional<Matrix<T>>;
  using MaybeWeights = std::optional<Vector<T>>;
  using Validation = std::optional<std::tuple<Matrix<T>, MaybeClasses, MaybeTargets, MaybeWeights>>;

  PythonSolo(const Plan& plan, Matrix<T> x, MaybeClasses classes, MaybeTargets targets, MaybeWeights weights,
             Validation validation, int threads, nb::object loss)
      : train_{std::move(x), std::move(classes), std::move(targets), std::move(weights)}, loss_(std::move(loss)) {
    if (plan.layers.empty()) throw std::invalid_argument("plan: needs at least one layer");
    Rows<T> validation_rows;
    if (validation) {
      validation_ = Table<T>{std::get<0>(*validation), std::get<1>(*validation), std::get<2>(*validation),
                             std::get<3>(*validation)};
      validation_rows = validation_->rows(plan, "validation");
    }
    const Rows<T> rows = train_.rows(plan, "training");
    if (rows.count == 0) throw std::invalid_argument("training: x has no rows");
    OutsideLoss<T> outside;
    if (!loss_.is_none()) outside = [this](const OutsideRows<T>& rows) { return call_loss(rows); };
    nb::gil_scoped_release release;
    solo_ = std::make_unique<Solo<T>>(plan, rows, validation_rows, threads, std::move(outside));
  }

  std::string run(std::int64_t steps, std::int64_t epochs, double seconds, const nb::object& poll) {
    std::function<bool()> ask;
    if (!poll.is_none()) {
      // Runs on the calling thread, the only one that may run Python.
      ask = [&]() -> bool {
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
      status = solo_->run({steps, epochs, seconds}, ask);
    }
    raise_failure();
    return name_of(status);
  }

  nb::dict history() const {
    const std::vector<EpochRecord>& records = solo_->history();
    nb::dict out;
    const auto column = [&](const char* name, double EpochRecord::* member) {
      auto array = new_array<double>({records.size()});
      for (std::size_t i = 0; i < records.size(); ++i) array.data()[i] = records[i].*member;
      out[name] = std::move(array);
    };
    column("train_loss", &EpochRecord::train_loss);
    column("train_metric", &EpochRecord::train_metric);
    column("validation_loss", &EpochRecord::validation_loss);
    column("validation_metric", &EpochRecord::validation_metric);
    column("learning_rate", &EpochRecord::learning_rate);
    column("seconds", &EpochRecord::seconds);
    return out;
  }

  nb::list parameters() const { return layers_to_python(solo_->network().weights.data(), solo_->network().shape); }

  void set_parameters(const nb::sequence& layers) {
    layers_from_python(layers, solo_->network().shape, solo_->network().weights.data());
    solo_->state_changed();
  }

  nb::dict state() const {
    nb::dict out;
    const auto layers = [&](const char* name, const T* arena) {
      std::size_t l = 0;
      for (nb::handle pair : layers_to_python(arena, solo_->network().shape)) {
        const std::string prefix = std::string(name) + "." + std::to_string(l++);
        out[nb::str((prefix + ".weights").c_str())] = pair[0];
        out[nb::str((prefix + ".bias").c_str())] = pair[1];
      }
    };
    layers("network", solo_->network().weights.data());
    for (std::size_t p = 0; p < solo_->planes().size(); ++p)
      layers(("optimizer." + std::to_string(p)).c_str(), solo_->planes()[p].data());
    if (solo_->best_weights().size() > 0) layers("best", solo_->best_weights().data());
    const std::vector<double> numbers = progress_numbers(solo_->progress());
    auto progress = new_array<double>({numbers.size()});
    std::copy(numbers.begin(), numbers.end(), progress.data());
    out["progress"] = std::move(progress);
    nb::dict columns = history();
    for (auto [name, column] : columns)
      out[nb::str((std::string("history.") + nb::cast<std::string>(name)).c_str())] = column;
    return out;
  }

  void set_state(const nb::dict& state) {
    const auto array = [&](const std::string& name) -> nb::object {
      if (!state.contains(name.c_str())) throw std::invalid_argument("state: '" + name + "' is missing");
      return nb::borrow(state[name.c_str()]);
    };
    const auto layers = [&](const std::string& name, T* arena) {
      nb::list pairs;
      for (std::size_t l = 0; l < solo_->network().shape.layers.size(); ++l) {
        const std::string prefix = name + "." + std::to_string(l);
        pairs.append(nb::make_tuple(array(prefix + ".weights"), array(prefix + ".bias")));
      }
      layers_from_python(pairs, solo_->network().shape, arena);
    };
    using Column = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
    const auto progress = nb::cast<Column>(array("progress"));
    if (progress.shape(0) != progress_numbers(solo_->progress()).size())
      throw std::invalid_argument("state: 'progress' has " + std::to_string(progress.shape(0)) + " numbers");
    layers("network", solo_->network().weights.data());
    for (std::size_t p = 0; p < solo_->planes().size(); ++p)
      layers("optimizer." + std::to_string(p), solo_->planes()[p].data());
    if (solo_->best_weights().size() > 0) layers("best", solo_->best_weights().data());
    progress_from_numbers(progress.data(), solo_->progress());
    const auto epochs = static_cast<std::size_t>(solo_->progress().epoch);
    solo_->history().assign(epochs, EpochRecord{});
    const auto column = [&](const char* name, double EpochRecord::* member) {
      const auto values = nb::cast<Column>(array(std::string("history.") + name));
      if (values.shape(0) != epochs) throw std::invalid_argument("state: the history is not as long as the run");
      for (std::size_t i = 0; i < epochs; ++i) solo_->history()[i].*member = values.data()[i];
    };
    column("train_loss", &EpochRecord::train_loss);
    column("train_metric", &EpochRecord::train_metric);
    column("validation_loss", &EpochRecord::validation_loss);
    column("validation_metric", &EpochRecord::validation_metric);
    column("learning_rate", &EpochRecord::learning_rate);
    column("seconds", &EpochRecord::seconds);
    solo_->state_changed();
  }

  std::pair<double, double> evaluate(Matrix<T> x, MaybeClasses classes, MaybeTargets targets, MaybeWeights weights) {
    const Table<T> table{std::move(x), std::move(classes), std::move(targets), std::move(weights)};
    const Rows<T> rows = table.rows(solo_->plan(), "evaluate");
    Evaluation evaluation;
    {
      nb::gil_scoped_release release;
      evaluation = solo_->evaluate(rows);
    }
    raise_failure();
    return {evaluation.loss, evaluation.metric};
  }

  nb::tuple gradients(Matrix<T> x, MaybeClasses classes, MaybeTargets targets, MaybeWeights weights) {
    const Table<T> table{std::move(x), std::move(classes), std::move(targets), std::move(weights)};
    const Rows<T> rows = table.rows(solo_->plan(), "gradients");
    AlignedArray<T> out(solo_->network().shape.weights_size);
    Evaluation evaluation;
    {
      nb::gil_scoped_release release;
      evaluation = solo_->gradients(rows, out);
    }
    raise_failure();
    return nb::make_tuple(evaluation.loss, layers_to_python(out.data(), solo_->network().shape));
  }

  Solo<T>& solo() const { return *solo_; }

  // A loss leads, by way of its module's names, back to the run that uses it: Python's collector must see the way.
  static int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    if (nb::inst_ready(self)) Py_VISIT(nb::inst_ptr<PythonSolo>(self)->loss_.ptr());
    return 0;
  }
  static int clear(PyObject* self) {
    nb::inst_ptr<PythonSolo>(self)->loss_.reset();
    return 0;
  }

 private:
  // loss(outputs, classes or targets) gives (losses (n,), gradient (n, outputs)), checked in Python. Any thread may
  // ask.
  bool call_loss(const OutsideRows<T>& rows) {
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
      using Said = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
      const auto [loss, gradient] = nb::cast<std::pair<Said, Said>>(loss_(matrix(rows.z), labels));
      if (loss.size() != count || gradient.size() != count * outputs)
        throw std::invalid_argument("loss: gave arrays of another size");
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

  // What Python raised while the engine was at work.
  void raise_failure() {
    if (!failure_.is_valid()) return;
    const nb::object failure = std::exchange(failure_, nb::object());
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(failure.ptr())), failure.ptr());
    throw nb::python_error();
  }

  Table<T> train_;
  std::optional<Table<T>> validation_;
  nb::object loss_;
  nb::object failure_;
  std::unique_ptr<Solo<T>> solo_;
};

template <class T>
void bind(nb::module_& m, const char* name) {
  using P = PythonSolo<T>;
  PyType_Slot slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(P::traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(P::clear)},
                         {0, nullptr}};
  nb::class_<P>(m, name, nb::type_slots(slots))
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
      .def_prop_ro("divergence",
                   [](const P& p) -> std::optional<std::tuple<std::int64_t, std::int64_t, double>> {
                     if (p.solo().status() != Status::diverged) return std::nullopt;
                     const Divergence& d = p.solo().divergence();
                     return std::make_tuple(d.epoch, d.batch, d.learning_rate);
                   })
      .def("history", &P::history)
      .def("parameters", &P::parameters)
      .def("set_parameters", &P::set_parameters)
      .def("state", &P::state)
      .def("set_state", &P::set_state)
      .def("evaluate", &P::evaluate, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none())
      .def("gradients", &P::gradients, nb::arg("x").noconvert(), nb::arg("classes").none(), nb::arg("targets").none(),
           nb::arg("weights").none() = nb::none());
}

}  // namespace

void bind_solo(nb::module_& m) {
  bind<float>(m, "Solo32");
  bind<double>(m, "Solo64");
}

}  // namespace rookery::ROOKERY_LEVEL

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "arrays.hpp"
#include "engines/colony.hpp"
#include "one_at_a_time.hpp"
#include "run_state.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
class PythonColony {
 public:
  // x, classes or targets, weights
  using GivenTable =
      std::tuple<Matrix<T>, std::optional<Vector<std::int32_t>>, std::optional<Matrix<T>>, std::optional<Vector<T>>>;
  // The plan, and which of the tables it is trained on and validated on (-1: on none).
  using GivenMember = std::tuple<Plan, std::int64_t, std::int64_t>;

  PythonColony(const std::vector<GivenMember>& members, const std::vector<GivenTable>& tables, int threads) {
    if (members.empty()) throw std::invalid_argument("members: a colony needs at least one");
    for (const GivenTable& table : tables)
      tables_.push_back({std::get<0>(table), std::get<1>(table), std::get<2>(table), std::get<3>(table)});
    std::vector<Member<T>> made;
    for (const auto& [plan, train, validation] : members) {
      if (plan.layers.empty()) throw std::invalid_argument("plan: needs at least one layer");
      Member<T> member{plan, rows_of(plan, train, "training"), {}};
      if (validation >= 0) member.validation = rows_of(plan, validation, "validation");
      if (member.train.count == 0) throw std::invalid_argument("training: x has no rows");
      made.push_back(std::move(member));
    }
    nb::gil_scoped_release release;
    colony_ = std::make_unique<Colony<T>>(std::move(made), threads);
  }

  std::string run(std::int64_t epoch, double seconds, const nb::object& poll) {
    const Turn turn(in_use_);
    nb::object failure;
    std::function<bool()> ask;
    if (!poll.is_none()) {
      ask = [&]() -> bool {
        nb::gil_scoped_acquire acquire;
        try {
          return nb::cast<bool>(poll());
        } catch (nb::python_error& error) {
          failure = nb::borrow(error.value());
          return true;
        }
      };
    }
    Status status;
    {
      nb::gil_scoped_release release;
      status = colony_->run(epoch, seconds, ask);
    }
    if (failure.is_valid()) {
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(failure.ptr())), failure.ptr());
      throw nb::python_error();
    }
    return name_of(status);
  }

  std::int64_t count() const { return colony_->count(); }
  std::int64_t packed() const { return colony_->packed(); }
  std::string status(std::int64_t m) const {
    const Turn turn(in_use_);
    return name_of(colony_->status(checked(m)));
  }

  // Completed epochs, and steps of the next.
  std::pair<std::int64_t, std::int64_t> where(std::int64_t m) const {
    const Turn turn(in_use_);
    const Progress& progress = colony_->progress(checked(m));
    return {progress.epoch, progress.batch};
  }

  nb::list parameters(std::int64_t m) const {
    const Turn turn(in_use_);
    return layers_to_python(colony_->state(checked(m)).weights.data(), shape(m));
  }
  nb::dict state(std::int64_t m) const {
    const Turn turn(in_use_);
    return state_to_python(colony_->state(checked(m)), shape(m));
  }

  nb::dict history(std::int64_t m) const {
    const Turn turn(in_use_);
    return history_to_python(colony_->state(checked(m)).history);
  }

  void set_state(std::int64_t m, const nb::dict& state) {
    const Turn turn(in_use_);
    MemberState<T> read = colony_->state(checked(m));
    state_from_python(state, shape(m), read);
    colony_->set_state(m, read);
  }

  std::optional<std::tuple<std::int64_t, std::int64_t, double>> divergence(std::int64_t m) const {
    const Turn turn(in_use_);
    if (colony_->status(checked(m)) != Status::diverged) return std::nullopt;
    const Divergence d = colony_->state(m).divergence;
    return std::make_tuple(d.epoch, d.batch, d.learning_rate);
  }

 private:
  Rows<T> rows_of(const Plan& plan, std::int64_t table, const char* what) const {
    if (table < 0 || table >= static_cast<std::int64_t>(tables_.size()))
      throw std::invalid_argument(std::string(what) + ": there is no table " + std::to_string(table));
    return tables_[static_cast<std::size_t>(table)].rows(plan, what);
  }

  std::int64_t checked(std::int64_t m) const {
    if (m < 0 || m >= colony_->count()) throw nb::index_error("member");
    return m;
  }
  NetworkShape shape(std::int64_t m) const { return NetworkShape(colony_->member(checked(m)).plan); }

  std::vector<Table<T>> tables_;
  std::unique_ptr<Colony<T>> colony_;
  mutable InUse in_use_;
};

template <class T>
void bind(nb::module_& m, const char* name) {
  using P = PythonColony<T>;
  nb::class_<P>(m, name)
      .def(nb::init<const std::vector<typename P::GivenMember>&, const std::vector<typename P::GivenTable>&, int>(),
           nb::arg("members"), nb::arg("tables"), nb::arg("threads") = 1)
      .def("__len__", &P::count)
      .def_prop_ro("packed", &P::packed)
      .def("run", &P::run, nb::arg("epoch") = -1, nb::arg("seconds") = -1.0, nb::arg("poll").none() = nb::none())
      .def("status", &P::status, nb::arg("member"))
      .def("where", &P::where, nb::arg("member"))
      .def("parameters", &P::parameters, nb::arg("member"))
      .def("history", &P::history, nb::arg("member"))
      .def("state", &P::state, nb::arg("member"))
      .def("set_state", &P::set_state, nb::arg("member"), nb::arg("state"))
      .def("divergence", &P::divergence, nb::arg("member"));
}

}  // namespace

void bind_colony(nb::module_& m) {
  bind<float>(m, "Colony32");
#ifndef CRECHE_SINGLE_PRECISION
  bind<double>(m, "Colony64");
#endif
}

}  // namespace creche::CRECHE_LEVEL

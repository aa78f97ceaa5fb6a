#include "python_types.hpp"

#include <nanobind/stl/map.h>
#include <nanobind/stl/unique_ptr.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>
#include <string>

#include "access.hpp"
#include "arrays.hpp"
#include "engines/colony.hpp"
#include "member_tables.hpp"
#include "precisions.hpp"
#include "run_state.hpp"
#include "typed_name.hpp"

namespace creche::CRECHE_LEVEL {

namespace {

template <class T>
class PythonColony {
 public:
  PythonColony(const std::vector<MemberSpec>& members, const std::vector<TableArrays<T>>& tables, int threads)
      : tables_(tables) {
    std::vector<Member<T>> made = tables_.members(members);
    nb::gil_scoped_release release;
    colony_ = std::make_unique<Colony<T>>(std::move(made), threads);
  }

  PythonColony(const MemberColumns& columns, const std::vector<TableArrays<T>>& tables, int threads) : tables_(tables) {
    std::vector<Member<T>> made = tables_.members(columns);
    nb::gil_scoped_release release;
    colony_ = std::make_unique<Colony<T>>(std::move(made), threads);
  }

  std::string run(std::int64_t epoch, double seconds, const nb::object& poll) {
    const ExclusiveAccess access(access_lock_);
    nb::object failure;
    std::function<bool()> poll_python;
    if (!poll.is_none()) {
      poll_python = [&]() -> bool {
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
      status = colony_->run(epoch, seconds, poll_python);
    }
    if (failure.is_valid()) {
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(failure.ptr())), failure.ptr());
      throw nb::python_error();
    }
    return status_name(status);
  }

  std::int64_t count() const { return colony_->count(); }
  std::int64_t packed() const { return colony_->packed(); }
  bool is_packed(std::int64_t m) const { return colony_->is_packed(check_member(m)); }
  std::string status(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    return status_name(colony_->status(check_member(m)));
  }

  // Completed epochs, and completed steps of the next epoch.
  std::pair<std::int64_t, std::int64_t> position(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    const Progress& progress = colony_->progress(check_member(m));
    return {progress.epoch, progress.batch};
  }

  nb::dict parameters(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    return parameters_to_python(colony_->state(check_member(m)).weights.data(), shape(m));
  }
  nb::dict state(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    return state_to_python(colony_->state(check_member(m)), shape(m));
  }

  nb::dict history(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    return history_to_python(colony_->history(check_member(m)));
  }

  void set_state(std::int64_t m, const nb::dict& state) {
    const ExclusiveAccess access(access_lock_);
    MemberState<T> read = colony_->state(check_member(m));
    state_from_python(state, shape(m), read);
    colony_->set_state(m, read);
  }

  std::optional<std::tuple<std::int64_t, std::int64_t, double>> divergence(std::int64_t m) const {
    const ExclusiveAccess access(access_lock_);
    if (colony_->status(check_member(m)) != Status::diverged) return std::nullopt;
    const Divergence& d = colony_->divergence(m);
    return std::make_tuple(d.epoch, d.batch, d.learning_rate);
  }

  // How all members are doing, as arrays with an entry for each: what takes Python microseconds, one by one.
  nb::dict outcomes() const {
    const ExclusiveAccess access(access_lock_);
    const auto count = static_cast<std::size_t>(colony_->count());
    auto status = new_array<std::uint8_t>({count});
    auto epoch = new_array<std::int64_t>({count});
    auto kept_epoch = new_array<std::int64_t>({count});
    auto divergence = new_array<double>({count, 3});
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    std::array<nb::ndarray<nb::numpy, double>, kOutcomes.size()> columns;
    for (auto& column : columns) column = new_array<double>({count});
    for (std::size_t i = 0; i < count; ++i) {
      const auto m = static_cast<std::int64_t>(i);
      const Status now = colony_->status(m);
      const std::int64_t kept = kept_of(m, now);
      status.data()[i] = static_cast<std::uint8_t>(now);  // level.pyi says which number means what
      epoch.data()[i] = colony_->progress(m).epoch;
      kept_epoch.data()[i] = kept;
      for (std::size_t c = 0; c < columns.size(); ++c)
        columns[c].data()[i] =
            kept == 0 ? kNone : colony_->history(m)[static_cast<std::size_t>(kept - 1)].*kOutcomes[c].second;
      const bool diverged = now == Status::diverged;
      const Divergence d = diverged ? colony_->divergence(m) : Divergence{};
      divergence.data()[3 * i] = diverged ? static_cast<double>(d.epoch) : kNone;
      divergence.data()[3 * i + 1] = diverged ? static_cast<double>(d.batch) : kNone;
      divergence.data()[3 * i + 2] = diverged ? d.learning_rate : kNone;
    }
    nb::dict out;
    out["status"] = std::move(status);
    out["epoch"] = std::move(epoch);
    out["kept_epoch"] = std::move(kept_epoch);
    for (std::size_t c = 0; c < columns.size(); ++c) out[kOutcomes[c].first] = std::move(columns[c]);
    out["divergence"] = std::move(divergence);
    return out;
  }

 private:
  static constexpr std::array<std::pair<const char*, double EpochRecord::*>, 4> kOutcomes = {{
      {"train_loss", &EpochRecord::train_loss},
      {"train_metric", &EpochRecord::train_metric},
      {"validation_loss", &EpochRecord::validation_loss},
      {"validation_metric", &EpochRecord::validation_metric},
  }};

  // The epoch, counted from 1, whose weights a member has: the best one once training has ended, if that is kept.
  std::int64_t kept_of(std::int64_t m, Status status) const {
    const Progress& progress = colony_->progress(m);
    const EarlyStoppingPlan& stopping = colony_->member(m).plan.early_stopping;
    const bool has_ended = status == Status::finished || status == Status::early_stopped;
    return has_ended && stopping.patience > 0 && stopping.restore_best ? progress.best_epoch + 1 : progress.epoch;
  }

  std::int64_t check_member(std::int64_t m) const { return check_member_number(m, colony_->count()); }
  NetworkShape shape(std::int64_t m) const { return NetworkShape(colony_->member(check_member(m)).plan); }

  MemberTables<T> tables_;
  std::unique_ptr<Colony<T>> colony_;
  mutable AccessLock access_lock_;
};

}  // namespace

template <class T>
void bind_colony(nb::module_& m) {
  using P = PythonColony<T>;
  nb::class_<P>(m, typed_name<T>("Colony").c_str())
      .def(nb::init<const std::vector<MemberSpec>&, const std::vector<TableArrays<T>>&, int>(), nb::arg("members"),
           nb::arg("tables"), nb::arg("threads") = 1)
      .def_static(
          "of_columns",
          [](std::vector<Plan> plans, Vector<std::int32_t> plan, Vector<std::uint64_t> seed,
             const std::map<std::string, Vector<double>>& numbers, Vector<std::int32_t> train,
             Vector<std::int32_t> validation, const std::vector<TableArrays<T>>& tables, int threads) {
            MemberColumns columns{std::move(plans), std::move(plan),       std::move(seed),
                                  std::move(train), std::move(validation), {}};
            for (const auto& [name, values] : numbers) columns.numbers.emplace_back(optimizer_number(name), values);
            return std::make_unique<P>(columns, tables, threads);
          },
          nb::arg("plans"), nb::arg("plan"), nb::arg("seed"), nb::arg("numbers"), nb::arg("train"),
          nb::arg("validation"), nb::arg("tables"), nb::arg("threads") = 1)
      .def("__len__", &P::count)
      .def("outcomes", &P::outcomes)
      .def_prop_ro("packed", &P::packed)
      .def("is_packed", &P::is_packed, nb::arg("member"))
      .def("run", &P::run, nb::arg("epoch") = -1, nb::arg("seconds") = -1.0, nb::arg("poll").none() = nb::none())
      .def("status", &P::status, nb::arg("member"))
      .def("position", &P::position, nb::arg("member"))
      .def("parameters", &P::parameters, nb::arg("member"))
      .def("history", &P::history, nb::arg("member"))
      .def("state", &P::state, nb::arg("member"))
      .def("set_state", &P::set_state, nb::arg("member"), nb::arg("state"))
      .def("divergence", &P::divergence, nb::arg("member"));
}

#define INSTANTIATE(T) template void bind_colony<T>(nb::module_&);
CRECHE_FOR_EACH_PRECISION(INSTANTIATE)

}  // namespace creche::CRECHE_LEVEL

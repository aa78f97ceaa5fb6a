// The state of a run as Python sees it: a dict of arrays, the same for a single network and a member of a colony.
#pragma once

#include "python_types.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "engines/member_state.hpp"

namespace creche::CRECHE_LEVEL {

inline const char* status_name(Status status) {
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
inline std::vector<double> progress_numbers(const Progress& p) {
  std::vector<double> out = {double(p.epoch), double(p.step),       double(p.batch),        p.loss_sum,
                             p.weight_sum,    p.metric_sum,         p.learning_rate,        p.seconds,
                             p.best_loss,     double(p.best_epoch), double(p.early_stopped)};
  for (double value : p.scalars.value) out.push_back(value);
  for (double value : {p.plateau.factor, p.plateau.best, p.plateau.bad_epochs}) out.push_back(value);
  return out;
}

inline void progress_from_numbers(const double* n, Progress& p) {
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

// The columns of an epoch's record, in the order in which they are saved.
inline constexpr std::pair<const char*, double EpochRecord::*> kHistoryColumns[] = {
    {"train_loss", &EpochRecord::train_loss},           {"train_metric", &EpochRecord::train_metric},
    {"validation_loss", &EpochRecord::validation_loss}, {"validation_metric", &EpochRecord::validation_metric},
    {"learning_rate", &EpochRecord::learning_rate},     {"seconds", &EpochRecord::seconds},
};

// The records from epoch `first` on.
inline nb::dict history_to_python(const std::vector<EpochRecord>& records, std::size_t first = 0) {
  nb::dict out;
  first = std::min(first, records.size());
  for (const auto& [name, member] : kHistoryColumns) {
    auto array = new_array<double>({records.size() - first});
    for (std::size_t i = first; i < records.size(); ++i) array.data()[i - first] = records[i].*member;
    out[name] = std::move(array);
  }
  return out;
}

// Adds the part of a state that has no arrays of parameters.
inline void progress_to_python(const Progress& progress, const std::vector<EpochRecord>& history, nb::dict& out) {
  const std::vector<double> numbers = progress_numbers(progress);
  auto array = new_array<double>({numbers.size()});
  std::copy(numbers.begin(), numbers.end(), array.data());
  out["progress"] = std::move(array);
  nb::dict columns = history_to_python(history);
  for (auto [name, column] : columns)
    out[nb::str((std::string("history.") + nb::cast<std::string>(name)).c_str())] = column;
}

// Reads that part; if it is wrong, both stay as they are.
inline void progress_from_python(const nb::dict& from, Progress& progress, std::vector<EpochRecord>& history) {
  using Column = nb::ndarray<const double, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
  const auto numbers = named_array<Column>(from, "progress", "state");
  if (numbers.shape(0) != progress_numbers(progress).size())
    throw std::invalid_argument("state: 'progress' has " + std::to_string(numbers.shape(0)) + " numbers; needs " +
                                std::to_string(progress_numbers(progress).size()));
  Progress read;
  progress_from_numbers(numbers.data(), read);
  const auto epochs = static_cast<std::size_t>(read.epoch);
  std::vector<EpochRecord> records(epochs);
  for (const auto& [name, member] : kHistoryColumns) {
    const auto values = named_array<Column>(from, std::string("history.") + name, "state");
    if (values.shape(0) != epochs)
      throw std::invalid_argument("state: 'history." + std::string(name) + "' has " + std::to_string(values.shape(0)) +
                                  " epochs; 'progress' has " + std::to_string(epochs));
    for (std::size_t i = 0; i < epochs; ++i) records[i].*member = values.data()[i];
  }
  progress = read;
  history = std::move(records);
}

template <class T>
nb::dict state_to_python(const MemberState<T>& state, const NetworkShape& shape) {
  nb::dict out;
  const auto add = [&](const std::string& name, const AlignedArray<T>& arena) {
    each_part(shape, [&](const ParameterBlock& block, const ParameterPart& part) {
      out[nb::str((name + "." + part.name).c_str())] = part_to_python(arena.data(), block, part);
    });
  };
  add("network", state.weights);
  for (std::size_t p = 0; p < state.planes.size(); ++p) add("optimizer." + std::to_string(p), state.planes[p]);
  if (state.best.size() > 0) add("best", state.best);
  progress_to_python(state.progress, state.history, out);
  return out;
}

// Reads a state into arrays that already have their sizes.
template <class T>
void state_from_python(const nb::dict& from, const NetworkShape& shape, MemberState<T>& state) {
  const auto take = [&](const std::string& arena_name, AlignedArray<T>& arena) {
    each_part(shape, [&](const ParameterBlock& block, const ParameterPart& part) {
      const Array<T> values = part_from_python<T>(from, block, part, arena_name + "." + part.name, "state");
      write_part(values.data(), block, part, arena.data());
    });
  };
  take("network", state.weights);
  for (std::size_t p = 0; p < state.planes.size(); ++p) take("optimizer." + std::to_string(p), state.planes[p]);
  if (state.best.size() > 0) take("best", state.best);
  progress_from_python(from, state.progress, state.history);
}

}  // namespace creche::CRECHE_LEVEL

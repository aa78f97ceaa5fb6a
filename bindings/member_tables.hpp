// The members of a colony from Python: their plans and the tables that they share.
#pragma once

#include "python_types.hpp"

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "engines/pack.hpp"

namespace creche::CRECHE_LEVEL {

// x, classes or targets, weights
template <class T>
using TableArrays =
    std::tuple<Matrix<T>, std::optional<Vector<std::int32_t>>, std::optional<Matrix<T>>, std::optional<Vector<T>>>;
// The plan, and the indices of the tables for training and validation (-1: no validation).
using MemberSpec = std::tuple<Plan, std::int64_t, std::int64_t>;

// Many members as columns, an entry for each: the number of its plan, its seed, its tables as in MemberSpec, and
// numbers of the optimizer that take the place of the plan's, NaN where the plan's stays.
struct MemberColumns {
  std::vector<Plan> plans;
  Vector<std::int32_t> plan;
  Vector<std::uint64_t> seed;
  Vector<std::int32_t> train;
  Vector<std::int32_t> validation;
  std::vector<std::pair<double OptimizerPlan::*, Vector<double>>> numbers;
};

// The number of the optimizer that a column of members can hold.
inline double OptimizerPlan::* optimizer_number(const std::string& name) {
  static constexpr std::pair<const char*, double OptimizerPlan::*> kNumbers[] = {
      {"learning_rate", &OptimizerPlan::learning_rate}, {"weight_decay", &OptimizerPlan::weight_decay},
      {"momentum", &OptimizerPlan::momentum},           {"l1", &OptimizerPlan::l1},
      {"clip_norm", &OptimizerPlan::clip_norm},         {"clip_value", &OptimizerPlan::clip_value},
  };
  for (const auto& [known, member] : kNumbers)
    if (name == known) return member;
  throw std::invalid_argument("numbers: got '" + name + "'; an optimizer has no such number");
}

// Keeps the arrays alive.
template <class T>
class MemberTables {
 public:
  explicit MemberTables(const std::vector<TableArrays<T>>& tables) {
    for (const TableArrays<T>& table : tables)
      tables_.push_back({std::get<0>(table), std::get<1>(table), std::get<2>(table), std::get<3>(table)});
  }

  std::vector<Member<T>> members(const std::vector<MemberSpec>& specs) const {
    if (specs.empty()) throw std::invalid_argument("members: a colony needs at least one");
    std::vector<Member<T>> made;
    for (const auto& [plan, train, validation] : specs) {
      check_plan(plan);
      Member<T> member{plan, rows(plan, train, "training"), {}};
      if (validation >= 0) member.validation = rows(plan, validation, "validation");
      if (member.train.count == 0) throw std::invalid_argument("training: x has no rows");
      made.push_back(std::move(member));
    }
    return made;
  }

  std::vector<Member<T>> members(const MemberColumns& columns) const {
    const std::size_t count = columns.plan.shape(0);
    if (count == 0) throw std::invalid_argument("members: a colony needs at least one");
    const auto check_length = [&](std::size_t length, const char* what) {
      if (length != count)
        throw std::invalid_argument(std::string(what) + ": has " + std::to_string(length) + " entries; there are " +
                                    std::to_string(count) + " members");
    };
    check_length(columns.seed.shape(0), "seed");
    check_length(columns.train.shape(0), "train");
    check_length(columns.validation.shape(0), "validation");
    for (const auto& [number, values] : columns.numbers) check_length(values.shape(0), "numbers");
    for (const Plan& plan : columns.plans) check_plan(plan);
    std::map<std::pair<std::int32_t, std::int32_t>, Rows<T>> checked;  // by plan and table
    const auto rows_of = [&](std::int32_t plan, std::int32_t table, const char* what) {
      const auto [found, is_new] = checked.try_emplace({plan, table});
      if (is_new) found->second = rows(columns.plans[static_cast<std::size_t>(plan)], table, what);
      return found->second;
    };
    std::vector<Member<T>> made;
    made.reserve(count);
    for (std::size_t m = 0; m < count; ++m) {
      const std::int32_t number = columns.plan.data()[m];
      if (number < 0 || number >= static_cast<std::int32_t>(columns.plans.size()))
        throw std::invalid_argument("plan: member " + std::to_string(m) + " has plan " + std::to_string(number) +
                                    "; there are " + std::to_string(columns.plans.size()));
      Member<T> member{
          columns.plans[static_cast<std::size_t>(number)], rows_of(number, columns.train.data()[m], "training"), {}};
      if (member.train.count == 0) throw std::invalid_argument("training: x has no rows");
      if (columns.validation.data()[m] >= 0)
        member.validation = rows_of(number, columns.validation.data()[m], "validation");
      member.plan.seed = columns.seed.data()[m];
      for (const auto& [field, values] : columns.numbers)
        if (!std::isnan(values.data()[m])) member.plan.optimizer.*field = values.data()[m];
      made.push_back(std::move(member));
    }
    return made;
  }

 private:
  Rows<T> rows(const Plan& plan, std::int64_t table, const char* what) const {
    if (table < 0 || table >= static_cast<std::int64_t>(tables_.size()))
      throw std::invalid_argument(std::string(what) + ": got table " + std::to_string(table) +
                                  "; there are tables 0 to " +
                                  std::to_string(static_cast<std::int64_t>(tables_.size()) - 1));
    return tables_[static_cast<std::size_t>(table)].rows(plan, what);
  }

  std::vector<Table<T>> tables_;
};

inline std::int64_t check_member_number(std::int64_t m, std::int64_t count) {
  if (m < 0 || m >= count)
    throw nb::index_error(
        ("member: got " + std::to_string(m) + "; the colony has members 0 to " + std::to_string(count - 1)).c_str());
  return m;
}

}  // namespace creche::CRECHE_LEVEL

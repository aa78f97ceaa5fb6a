// The members of a colony from Python: their plans and the tables that they share.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
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

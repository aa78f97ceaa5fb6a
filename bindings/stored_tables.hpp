// Rows in files from Python: checked against the plan that trains on them.
#pragma once

#include <stdexcept>
#include <string>

#include "feeding/stored_table.hpp"
#include "losses/row_metric.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

inline void check_stored_table(const StoredTable& table, const Plan& plan, const char* what) {
  const auto check = [&](bool right, const std::string& wrong) {
    if (!right) throw std::invalid_argument(std::string(what) + ": " + wrong);
  };
  check(table.offset >= 0 && table.count >= 0 && table.targets >= 0, "the table has a negative number");
  check(table.inputs == plan.inputs,
        "the file has " + std::to_string(table.inputs) + " inputs; the network needs " + std::to_string(plan.inputs));
  const bool wants_classes = has_class_labels(plan.loss.kind);
  check(wants_classes == (table.targets == 0), wants_classes ? "this loss needs classes; the file has targets"
                                                             : "this loss needs targets; the file has classes");
  check(wants_classes || table.targets == plan.layers.back().width,
        "the file has " + std::to_string(table.targets) + " targets; the network has " +
            std::to_string(plan.layers.back().width) + " outputs");
}

inline void check_stored_training(const StoredTable& table, const Plan& plan) {
  check_stored_table(table, plan, "training");
  if (table.count == 0) throw std::invalid_argument("training: the file has no rows");
  if (plan.shuffle && plan.windows.block == 0)
    throw std::invalid_argument("shuffle: rows in a file are shuffled in windows");
  if (plan.own_batches)
    throw std::invalid_argument("own_batches: rows in a file come batch by batch, which all submodels share");
}

}  // namespace creche::CRECHE_LEVEL

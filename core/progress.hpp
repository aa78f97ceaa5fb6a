// The progress of a run with the records of its epochs.
#pragma once

#include <cstdint>
#include <vector>

#include "epoch.hpp"
#include "losses/loss_pass.hpp"
#include "optimizers/all.hpp"
#include "plan.hpp"

namespace creche::CRECHE_LEVEL {

// Records the epoch and advances to the next (epoch.hpp). Returns whether the weights are the best so far.
inline bool finish_epoch(const Plan& plan, std::int64_t rows, bool validated, const Evaluation& validation, Progress& p,
                         std::vector<EpochRecord>& history) {
  return finish_epoch(plan, rows, validated, validation, p, history.emplace_back());
}

}  // namespace creche::CRECHE_LEVEL

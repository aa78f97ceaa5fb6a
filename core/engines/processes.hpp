// The processes that train one network together: each has some of the shards of every batch (Plan::shards), all have
// the whole network, and all take the same steps. In a step a process computes the gradients of its shards; the sum of
// those of all shards, in their order, comes from the exchange, and then every process updates all parameters. So the
// bits do not depend on how many processes there are.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "aligned.hpp"
#include "level.hpp"

namespace creche::CRECHE_LEVEL {

// How a step ends, on all processes alike: as it ends on the one where it goes worst. Only a complete step changes
// parameters.
enum class StepEnd : std::int8_t { complete, not_finite, stopped };

// Sums over the rows of a shard, or of a batch.
struct LossSums {
  double loss = 0;
  double metric = 0;
};

// What a process contributes to a step: of each of its shards that has rows, in their order, the gradient and the sums.
template <class T>
struct ShardResults {
  StepEnd end = StepEnd::complete;
  std::vector<const AlignedArray<T>*> gradients;
  std::vector<LossSums> sums;
};

struct StepResult {
  StepEnd end = StepEnd::complete;
  LossSums sums;  // of the batch
};

template <class T>
struct Processes {
  std::int64_t rank = 0;
  std::int64_t count = 1;
  // Waits for the other processes, and writes the sum of all shards' gradients. Called by the thread that runs. An
  // exchange that fails returns `stopped`.
  std::function<StepResult(const ShardResults<T>&, AlignedArray<T>& gradient)> exchange;

  bool are_several() const { return count > 1; }
};

}  // namespace creche::CRECHE_LEVEL
